# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack train``: train detector and embedding by a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import typer

from finetrack_ros.cli.application import output, require_training_libraries
from finetrack_ros.cli.options import say


def train(
    config: Path = typer.Argument(..., help='Recipe, such as config/train/nano.yaml.'),
    data: Path = typer.Option(..., help='Data folder that the paths of the recipe refer to.'),
    folder: Path = typer.Option(..., '--output', '-o', help='Folder of the run.'),
    changes: list[str] | None = typer.Option(
        None, '--set', metavar='KEY=VALUE',
        help='Replace a value of the recipe, such as train.steps=100; may be given several '
        'times.'),
    freeze_detector: bool = typer.Option(
        False, '--freeze-detector', help="Train appearance alone, on the detector's features."),
    resume: bool = typer.Option(False, '--resume', help='Go on from the last checkpoint.'),
    cache: Path | None = typer.Option(
        None, help='Folder that keeps what teachers say from run to run; else that of the run.'),
    device: str = typer.Option('auto', help='Lightning accelerator: auto, cpu or gpu.'),
    devices: str = typer.Option('auto', help='GPUs, or processes of a CPU training.'),
    nodes: int = typer.Option(1, min=1, help='Machines that train together.'),
    strategy: str = typer.Option('auto', help='Lightning strategy, such as ddp.'),
) -> None:
    """
    Train a FineTrack model by a recipe, and export it.

    The run's folder gets checkpoints, the curve (CSV, and for TensorBoard where it is installed),
    and at the end model/ with model.pt and both ONNX graphs, which `finetrack track --model`
    takes.
    """
    from finetrack_ros.errors import ConfigError

    if device not in ('auto', 'cpu', 'gpu'):
        raise ConfigError(f"--device '{device}' is unknown; use one of auto, cpu, gpu")
    if devices != 'auto' and not (devices.isdecimal() and int(devices)):
        raise ConfigError(f"--devices '{devices}': give a number, or auto")
    require_training_libraries()
    from finetrack_ros.training.fit import fit, Hardware
    from finetrack_ros.training.recipe import load_recipe

    recipe = load_recipe(config, changes or ())
    if freeze_detector:
        recipe = replace(recipe, train=replace(recipe.train, detector=False, appearance=True))
    hardware = Hardware(device, _devices(device, devices), nodes, strategy)
    model = fit(recipe, data, folder, hardware, resume, cache, say)
    if model is not None:
        output.print(f'written {model}', soft_wrap=True, markup=False, highlight=False)


def _devices(device: str, devices: str) -> int | str:
    if devices == 'auto':
        # On a CPU, Lightning's auto means one process, which is what threads are for.
        return 1 if device == 'cpu' else 'auto'
    return int(devices)
