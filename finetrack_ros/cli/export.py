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
    input_size: int = typer.Option(
        640, help='Long side of the input in pixels where the user asks for none.'),
) -> None:
    """Export a trained checkpoint to detector.onnx and embedder.onnx, which the node runs."""
    from finetrack_ros.errors import ConfigError
    from finetrack_ros.inference.preprocessing import check_input_size

    forms = {'onnxruntime': 'gather', 'tensorrt': 'grid_sample'}
    if target not in forms:
        raise ConfigError(f"--target '{target}' is unknown; use one of {', '.join(forms)}")
    check_input_size(input_size)
    require_training_libraries()
    from finetrack_ros.models.checkpoint import load_checkpoint
    from finetrack_ros.models.export import export_onnx

    paths = export_onnx(load_checkpoint(checkpoint), folder, forms[target], name, input_size)
    for path in paths:
        output.print(f'written {path}', soft_wrap=True, markup=False, highlight=False)
