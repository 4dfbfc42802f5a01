# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights in and out: YOLOX from ONNX or a state dict, FineTrack checkpoints."""

from __future__ import annotations

import _codecs
from dataclasses import fields
from pathlib import Path
import pickle
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn, Tensor

from finetrack_ros.errors import ModelError
from finetrack_ros.models.finetrack import FineTrack, FineTrackConfig
from finetrack_ros.models.yolox import BaseConv, YOLOX

FORMAT = 'finetrack-1'


class Convolution(NamedTuple):
    """A convolution of an exported graph, its batch norm folded in."""

    name: str
    weight: Tensor
    bias: Tensor


def read_yolox_onnx(path: str | Path) -> list[Convolution]:
    """
    Return the convolutions of an exported YOLOX in the order of execution.

    :raises ModelError: where the file cannot be read, or its batch norms are not folded.
    """
    import onnx
    from onnx import numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except (OSError, ValueError, onnx.onnx_cpp2py_export.checker.ValidationError) as error:
        raise ModelError(f'{path}: cannot be read as ONNX ({error})') from error
    except Exception as error:
        # protobuf's DecodeError is no subclass of a public error and moves between versions.
        if type(error).__name__ != 'DecodeError':
            raise
        raise ModelError(f'{path}: is no ONNX file ({error})') from error
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    convolutions = []
    for node in graph.node:
        if node.op_type != 'Conv':
            continue
        if len(node.input) != 3 or any(name not in tensors for name in node.input[1:]):
            raise ModelError(f'{path}: convolution {node.name} has no constant weight and bias, '
                             'as where batch norms are not folded; export it as Megvii does, in '
                             'evaluation mode and without quantisation')
        weight, bias = (torch.tensor(numpy_helper.to_array(tensors[name]))
                        for name in node.input[1:])
        convolutions.append(Convolution(node.name, weight, bias))
    return convolutions


def load_yolox_onnx(model: YOLOX, path: str | Path) -> None:
    """
    Copy the weights of an exported YOLOX, whose batch norms were folded, into a module.

    The graph's convolutions are paired with the module's in the order of execution.

    :raises ModelError: where the file cannot be read or holds another architecture.
    """
    given, convs = read_yolox_onnx(path), convs_in_execution_order(model)
    if len(given) != len(convs):
        raise ModelError(f'{path}: has {len(given)} convolutions where this YOLOX has '
                         f'{len(convs)}; pass the weights of the same size')
    for (name, weight, bias), (conv, bn) in zip(given, convs, strict=True):
        if weight.shape != conv.weight.shape:
            raise ModelError(f'{path}: convolution {name} has shape {list(weight.shape)} '
                             f'where this YOLOX has {list(conv.weight.shape)}; '
                             'pass the weights of the same size and number of classes')
        _set_folded(conv, bn, weight, bias)


def read_yolox_state(path: str | Path) -> dict[str, Tensor]:
    """
    Return the state dict of one of Megvii's checkpoints (.pth), or of one trained with its code.

    :raises ModelError: where the file cannot be read or is no such checkpoint.
    """
    # YOLOX' trainer keeps its best score beside the weights, as a NumPy number.
    makes_scalar: Any = np.float64(0).__reduce__()[0]
    harmless: list[Any] = [np.dtype, type(np.dtype('f4')), type(np.dtype('f8')), _codecs.encode]
    # NumPy 2 has moved it, and either version may have written the file.
    harmless += [(makes_scalar, f'numpy.{core}.multiarray.scalar') for core in ('core', '_core')]
    try:
        with torch.serialization.safe_globals(harmless):
            data = torch.load(path, map_location='cpu', weights_only=True)
        state = data.get('model', data)
        if not isinstance(state, dict) or not all(
                isinstance(value, Tensor) for value in state.values()):
            raise AttributeError('it holds no state dict')
    except (OSError, EOFError, RuntimeError, AttributeError, pickle.UnpicklingError) as error:
        raise ModelError(f'{path}: is no YOLOX checkpoint, or a damaged one; '
                         'pass one as Megvii publishes them') from error
    return state


def load_yolox_state(model: YOLOX, path: str | Path) -> None:
    """
    Load one of Megvii's checkpoints (.pth).

    :raises ModelError: where the file cannot be read or holds another architecture.
    """
    state = read_yolox_state(path)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(f'{path}: does not fit this YOLOX ({error}); '
                         'pass the weights of the same size and number of classes') from error


def convs_in_execution_order(model: YOLOX) -> list[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Return a module's convolutions, each with its batch norm, as an export writes them."""
    norms = {m.conv: m.bn for m in model.modules() if isinstance(m, BaseConv)}
    order: list[nn.Conv2d] = []
    hooks = [m.register_forward_hook(lambda module, *_: order.append(module))
             for m in model.modules() if isinstance(m, nn.Conv2d)]
    training = model.training
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, 64, 64))
    model.train(training)
    for hook in hooks:
        hook.remove()
    return [(conv, norms.get(conv)) for conv in order]


def _set_folded(conv: nn.Conv2d, bn: nn.BatchNorm2d | None, weight: Tensor, bias: Tensor) -> None:
    with torch.no_grad():
        conv.weight.copy_(weight)
        if bn is None:
            assert conv.bias is not None
            conv.bias.copy_(bias)
            return
        # An identity batch norm whose shift is the folded bias.
        bn.running_mean.zero_()  # type: ignore[union-attr]
        bn.running_var.fill_(1.0 - bn.eps)  # type: ignore[union-attr]
        bn.weight.fill_(1.0)
        bn.bias.copy_(bias)


def take_detector(model: FineTrack, coco: YOLOX, rows: list[int]) -> None:
    """
    Start FineTrack's detector from a YOLOX with more classes.

    :param rows: for each of FineTrack's classes, its index among the YOLOX's (person is 0 in
        COCO).
    """
    state = coco.state_dict()
    for name in state:
        if name.startswith('head.cls_preds.'):
            state[name] = state[name][rows]
    model.detector.load_state_dict(state)


def save_checkpoint(model: FineTrack, path: str | Path, **extra: Any) -> None:
    """Write configuration and weights; ``extra`` holds plain values such as the step."""
    torch.save({'format': FORMAT, 'config': model.config.as_dict(),
                'state_dict': model.state_dict(), **extra}, path)


def load_checkpoint(path: str | Path) -> FineTrack:
    """
    Read a FineTrack checkpoint.

    :raises ModelError: where the file is missing, damaged, or of another architecture.
    """
    try:
        data = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f'{path}: no such checkpoint; train one with `finetrack train`'
                         ) from error
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ModelError(f'{path}: is no checkpoint, or a damaged one; '
                         'pass one written by `finetrack train`') from error
    if not isinstance(data, dict) or data.get('format') != FORMAT:
        raise ModelError(f'{path}: is no FineTrack checkpoint (no format {FORMAT!r}); '
                         'pass one written by `finetrack train`')
    known = {field.name for field in fields(FineTrackConfig)}
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value
              for key, value in data['config'].items() if key in known}
    # Checkpoints from before there was a choice were trained for all that they detect.
    values.setdefault('embedding_classes', values['class_names'])
    model = FineTrack(FineTrackConfig(**values))
    try:
        model.load_state_dict(data['state_dict'])
    except RuntimeError as error:
        raise ModelError(f'{path}: its weights do not fit its configuration ({error})') from error
    return model
