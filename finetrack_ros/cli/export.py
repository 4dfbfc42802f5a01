# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack export``: write a checkpoint's ONNX graphs."""

from __future__ import annotations

from pathlib import Path

import typer

from finetrack_ros.cli.application import output, require_training_libraries

# How maps are sampled, and in what an engine can compute.
_TARGETS = {
    'onnx': ('gather', ('fp32', 'fp16')),
    'openvino': ('gather', ('fp32', 'bf16')),
    'tensorrt': ('grid_sample', ('fp32', 'fp16')),
    'tensorrt_rtx': ('grid_sample', ('fp32', 'fp16')),
}


def export(
    checkpoint: Path = typer.Argument(..., help='A model.pt written by `finetrack train`.'),
    folder: Path = typer.Option(..., '--output', '-o', help='Folder for the two graphs.'),
    engine: str = typer.Option(
        'onnx', help='What the graphs are to be fastest on: onnx (ONNX Runtime), openvino, '
        'tensorrt or tensorrt_rtx. All engines run all graphs.'),
    precision: str = typer.Option(
        'fp32', help='fp32, fp16 (all but openvino) or bf16 (openvino).'),
    name: str = typer.Option('finetrack', help='Name of the model, kept in the files.'),
    input_size: int | None = typer.Option(
        None, help='Longest side of the input in pixels where the user of the model asks for no '
        'size: the input follows the image up to this.'),
    upscale: float | None = typer.Option(
        None, min=0.1, max=8.0, help='How much an image is enlarged then at most.'),
) -> None:
    """Export a trained checkpoint to detector.onnx and embedder.onnx, which the node runs."""
    from finetrack_ros.errors import ConfigError
    from finetrack_ros.geometry import InputRule
    from finetrack_ros.inference.preprocessing import check_input_size

    if engine not in _TARGETS:
        raise ConfigError(f"--engine '{engine}' is unknown; use one of {', '.join(_TARGETS)}")
    form, precisions = _TARGETS[engine]
    if precision not in precisions:
        raise ConfigError(f"--precision '{precision}' is not to be had with --engine {engine}; "
                          f'use {" or ".join(precisions)}')
    rule = InputRule(input_size or InputRule.most, upscale or InputRule.upscale)
    check_input_size(rule.most)
    require_training_libraries()
    from finetrack_ros.models.checkpoint import load_checkpoint
    from finetrack_ros.models.export import export_onnx

    paths = export_onnx(load_checkpoint(checkpoint), folder, form, name, rule, precision)
    for path in paths:
        output.print(f'written {path}', soft_wrap=True, markup=False, highlight=False)
