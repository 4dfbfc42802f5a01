# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Make a FineTrack model of a YOLOX that somebody else has trained.

Weights of Megvii's release 0.1.1 (2021) and later are meant: earlier ones want other pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn, Tensor

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.models.checkpoint import (
    convs_in_execution_order,
    load_yolox_onnx,
    load_yolox_state,
    read_yolox_onnx,
    read_yolox_state,
)
from finetrack_ros.models.coco import COCO_NAMES
from finetrack_ros.models.finetrack import FineTrack, FineTrackConfig
from finetrack_ros.models.yolox import anchor_points, decode, SIZES, YOLOX

PERSON = 'person'
_STEM = 'backbone.backbone.stem.conv.conv.weight'
_CLASSES = 'head.cls_preds.0.weight'
# An export's outputs differ by rounding; a graph whose weights were paired wrongly, by far more.
_TOLERANCE = 1e-2


def import_yolox(path: str | Path, class_names: Sequence[str] | None = None,
                 size: str | None = None) -> FineTrack:
    """
    Make a FineTrack model with exactly the detector that a file holds, and an untrained embedder.

    :param path: a checkpoint of Megvii's code (.pth), or an ONNX graph that it exported; what the
        graph gives is compared with what the model gives.
    :param class_names: name of each class index; None takes COCO's where there are 80.
    :param size: of the YOLOX; None takes the one that the weights' shapes tell.
    :raises ModelError: where the file is missing, damaged, or no YOLOX of a known size.
    :raises ConfigError: where names or size do not fit the file.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f'{path}: no such file; pass YOLOX weights (.pth or .onnx)')
    is_onnx = path.suffix.lower() == '.onnx'
    stem, classes = _onnx_shape(path) if is_onnx else _state_shape(path)
    found = _size_of(stem, path)
    if size not in (None, found):
        raise ConfigError(f"size '{size}' does not fit {path}, whose weights are those of a "
                          f"YOLOX '{found}'; leave the size out")
    names = _names_of(classes, class_names, path)
    yolox = YOLOX(found, classes).eval()
    if is_onnx:
        load_yolox_onnx(yolox, path)
        _check_outputs(yolox, path)
    else:
        load_yolox_state(yolox, path)
    model = FineTrack(FineTrackConfig(
        size=found, class_names=names,
        embedding_classes=tuple(name for name in names if name == PERSON)))
    model.detector.load_state_dict(yolox.state_dict())
    return model.eval()


def _state_shape(path: Path) -> tuple[int, int]:
    """Return the channels of the stem and the number of classes of a checkpoint."""
    state = read_yolox_state(path)
    missing = [name for name in (_STEM, _CLASSES) if name not in state]
    if missing:
        raise ModelError(f'{path}: holds weights, but not those of a YOLOX ({missing[0]} is '
                         "missing); pass a checkpoint of Megvii's YOLOX")
    return len(state[_STEM]), len(state[_CLASSES])


def _onnx_shape(path: Path) -> tuple[int, int]:
    """Return the channels of the stem and the number of classes of an exported graph."""
    given = read_yolox_onnx(path)
    if not given:
        raise ModelError(f'{path}: has no convolutions; pass a graph that Megvii exported')
    stem = len(given[0].weight)
    like = YOLOX(_size_of(stem, path), 1)
    modules: list[nn.Module] = [conv for conv, _ in convs_in_execution_order(like)]
    if len(given) != len(modules):
        raise ModelError(f'{path}: has {len(given)} convolutions where a YOLOX with a stem of '
                         f'{stem} channels has {len(modules)}; pass a graph that Megvii exported')
    return stem, len(given[modules.index(like.head.cls_preds[0])].weight)


def _size_of(stem: int, path: Path) -> str:
    sizes = {int(width * 64): size for size, (_, width, _) in SIZES.items()}
    if stem not in sizes:
        raise ModelError(f'{path}: its first convolution has {stem} channels, which is no YOLOX '
                         f'of a known size ({", ".join(SIZES)})')
    return sizes[stem]


def _names_of(classes: int, names: Sequence[str] | None, path: Path) -> tuple[str, ...]:
    """Return the names of the classes; ConfigError where they do not fit."""
    if names is None:
        if classes != len(COCO_NAMES):
            raise ConfigError(f'{path}: has {classes} classes, whose names are not in it; give '
                              'them, in their order, with --class-names')
        return COCO_NAMES
    if len(names) != classes:
        raise ConfigError(f'{path}: has {classes} classes, but {len(names)} class names are given')
    repeated = [name for name in names if names.count(name) > 1 or not name.strip()]
    if repeated:
        raise ConfigError(f"class name '{repeated[0]}' is given more than once or is empty; give "
                          'each class a name of its own')
    return tuple(names)


def _check_outputs(yolox: YOLOX, path: Path) -> None:
    """
    Compare a module with the graph that its weights came from.

    A graph may have the same convolutions in another order, other activations, or steps before
    and after the network; only its outputs tell.

    :raises ModelError: where the outputs differ or the graph does not run.
    """
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), providers=['CPUExecutionProvider'])
        given = session.get_inputs()[0]
        shape = [side if isinstance(side, int) and side > 0 else default
                 for side, default in zip(given.shape, (1, 3, 416, 416), strict=True)]
        dtype = np.float16 if given.type == 'tensor(float16)' else np.float32
        images = np.random.default_rng(0).uniform(0, 255, shape).astype(dtype)
        theirs = torch.tensor(session.run(None, {given.name: images})[0]).float()
    # ONNX Runtime's own errors have no common base.
    except Exception as error:
        raise ModelError(f'{path}: does not run as an exported YOLOX ({error}); pass a graph as '
                         'Megvii exports it') from error
    with torch.no_grad():
        raw, maps = yolox(torch.tensor(images).float())
    if not any(_close(theirs, ours) for ours in _forms(raw, maps)):
        raise ModelError(f'{path}: has the weights of a YOLOX, but gives other outputs, as where '
                         'its activations or its input differ; pass a graph as Megvii exports it, '
                         'or its .pth')


def _forms(raw: Tensor, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the two outputs of Megvii's export: boxes as the head gives them, and decoded."""
    boxes, _ = decode(raw, *anchor_points(maps))
    low, high = boxes.split(2, dim=-1)
    scores = raw[..., 4:].sigmoid()
    return (torch.cat((raw[..., :4], scores), dim=-1),
            torch.cat(((low + high) / 2, high - low, scores), dim=-1))


def _close(theirs: Tensor, ours: Tensor) -> bool:
    return theirs.shape == ours.shape and torch.allclose(
        theirs, ours, rtol=_TOLERANCE, atol=_TOLERANCE)
