# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Export to two ONNX graphs that every engine of this package runs.

``detector.onnx``: images uint8 [B, H, W, 3] → boxes [B, A, 4], scores [B, A], classes [B, A],
features [B, C, H/8, W/8]. ``embedder.onnx``: features, rois [N, 5], crops uint8
[N, rows, columns, 3] → embeddings [N, D]. All of B, H, W and N may change from call to call. In
half precision features are float16, and all else keeps its type.
"""

from __future__ import annotations

from collections.abc import Sequence
import copy
import json
from pathlib import Path
from typing import Any

import torch
from torch import nn, Tensor
from torch.export import Dim

from finetrack_ros.errors import ConfigError
from finetrack_ros.geometry import InputRule
from finetrack_ros.models.finetrack import FineTrack
from finetrack_ros.models.yolox import Focus

# TensorRT reads GridSample of opset 20 and above as nearest-neighbour, silently
# (NVIDIA/TensorRT issue 4646).
OPSET = 18
METADATA_KEY = 'finetrack'
PRECISIONS = ('fp32', 'fp16', 'bf16')


class DetectorGraph(nn.Module):
    """The first graph: images to boxes, best class and features."""

    def __init__(self, model: FineTrack) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Map uint8 [B, H, W, 3] to boxes, scores, classes and features."""
        # The type first: TensorRT transposes no uint8.
        pixels = images.to(next(self.model.parameters()).dtype)
        boxes, scores, features = self.model(pixels.permute(0, 3, 1, 2))
        best, classes = scores.max(dim=2)
        return boxes, best, classes.to(torch.int32), features


def export_onnx(model: FineTrack, folder: str | Path, form: str = 'gather',
                name: str = 'finetrack', rule: InputRule | None = None,
                precision: str = 'fp32') -> tuple[Path, Path]:
    """
    Write ``detector.onnx`` and ``embedder.onnx``.

    :param form: how maps are sampled: ``gather`` (fast on ONNX Runtime's CPU) or
        ``grid_sample`` (TensorRT).
    :param name: the model's name, kept in the files' metadata.
    :param rule: how large the input is for users who ask for no size, likewise; None takes the
        default rule.
    :param precision: ``fp16`` writes half-precision graphs; ``bf16`` float32 ones that ask the
        engine to compute in it.
    :return: the two paths.
    :raises ConfigError: where the embedder was trained for classes that the detector lacks, or
        the precision is unknown.
    """
    rule, config = rule or InputRule(), model.config
    unknown = sorted(set(config.embedding_classes) - set(config.class_names))
    if unknown:
        raise ConfigError(f"embedding_classes has '{unknown[0]}', which is not among class_names "
                          f'({", ".join(config.class_names)})')
    if precision not in PRECISIONS:
        raise ConfigError(f"precision '{precision}': unknown; use one of {', '.join(PRECISIONS)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    model = _prepare(model, form, precision)
    images = torch.zeros(2, 128, 160, 3, dtype=torch.uint8)
    features = torch.zeros(2, config.fafpn_channels, 16, 20,
                           dtype=next(model.parameters()).dtype)
    rois = torch.tensor([[0.0, 8, 8, 40, 100], [1.0, 20, 8, 60, 120], [1.0, 2, 8, 60, 120]])
    crops = torch.zeros(3, config.crop_rows, config.crop_columns, 3, dtype=torch.uint8)
    targets = Dim('targets', min=0, max=4096)
    detector, embedder = folder / 'detector.onnx', folder / 'embedder.onnx'
    _export(DetectorGraph(model).eval(), (images,), detector, ['images'],
            ['boxes', 'scores', 'classes', 'features'],
            ({0: Dim('batch', max=64), 1: 32 * Dim('grid_rows', min=2, max=128),
              2: 32 * Dim('grid_columns', min=2, max=128)},))
    _export(model.embedder, (features, rois, crops), embedder, ['features', 'rois', 'crops'],
            ['embeddings'],
            ({0: Dim('batch', max=64), 2: Dim('rows', min=8), 3: Dim('columns', min=8)},
             {0: targets}, {0: targets}))
    metadata = json.dumps({
        'name': name, 'form': form, 'precision': precision,
        'class_names': list(config.class_names),
        'embedding_classes': list(config.embedding_classes),
        'embedding_dim': config.embedding_dim, 'input_size': rule.most, 'upscale': rule.upscale,
        'crop_size': [config.crop_rows, config.crop_columns]})
    for path in (detector, embedder):
        _finish(path, metadata)
    return detector, embedder


def _prepare(model: FineTrack, form: str, precision: str) -> FineTrack:
    """Return a copy in the form that engines run fastest; its numbers are the same."""
    model = copy.deepcopy(model).eval().cpu()
    model.set_sampling(form)
    backbone = model.detector.backbone.backbone
    if isinstance(backbone.stem, Focus):
        backbone.stem = backbone.stem.merged()
    return model.half() if precision == 'fp16' else model


def _export(module: nn.Module, inputs: tuple[Tensor, ...], path: Path, names: Sequence[str],
            outputs: Sequence[str], axes: tuple[dict[int, Any], ...]) -> None:
    torch.onnx.export(module, inputs, str(path), input_names=list(names),
                      output_names=list(outputs), dynamic_shapes=axes, opset_version=OPSET,
                      dynamo=True, verbose=False, external_data=False)


def _finish(path: Path, metadata: str) -> None:
    import onnx

    model = onnx.load(str(path))
    # The exporter notes source paths and stack traces at each node; they are of no use to a
    # reader of the file and make it a third larger.
    graph = model.graph
    for item in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info,
                 *graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ''
    del graph.value_info[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, metadata
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
