# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack export``: write a checkpoint's ONNX graphs."""

from __future__ import annotations

from pathlib import Path

import typer

from finetrack_ros.cli.application import output, require_training_libraries


def export(
    checkpoint: Path = typer.Argument(..., help='A model.pt written by `finetrack train`.'),
    folder: Path = typer.Option(..., '--output', '-o', help='Folder for the two graphs.'),
    target: str = typer.Option(
        'onnxruntime', help='onnxruntime (fast on CPUs) or tensorrt (operators it has natively).'),
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

    forms = {'onnxruntime': 'gather', 'tensorrt': 'grid_sample'}
    if target not in forms:
        raise ConfigError(f"--target '{target}' is unknown; use one of {', '.join(forms)}")
    rule = InputRule(input_size or InputRule.most, upscale or InputRule.upscale)
    check_input_size(rule.most)
    require_training_libraries()
    from finetrack_ros.models.checkpoint import load_checkpoint
    from finetrack_ros.models.export import export_onnx

    paths = export_onnx(load_checkpoint(checkpoint), folder, forms[target], name, rule)
    for path in paths:
        output.print(f'written {path}', soft_wrap=True, markup=False, highlight=False)
