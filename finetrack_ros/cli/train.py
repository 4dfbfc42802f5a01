# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack train``: fine-tune detector and embedding together."""

from __future__ import annotations

from pathlib import Path

import typer

from finetrack_ros.cli.application import output, require_training_libraries


def train(
    data: Path = typer.Option(..., help='Data folder that the split refers to.'),
    weights: Path = typer.Option(
        ..., help='YOLOX weights to start from (.onnx or .pth, 80 classes), '
        'or a FineTrack checkpoint (.pt).'),
    folder: Path = typer.Option(..., '--output', '-o', help='Folder of the run.'),
    size: str = typer.Option('nano', help='YOLOX size of the weights: nano, tiny, s, m, l, x.'),
    splits: Path | None = typer.Option(None, help='YAML file of the split; else the shipped one.'),
    sampler: str = typer.Option('shuffle_group', help='shuffle_group, random or sequential.'),
    steps: int = typer.Option(2400, min=1, help='Optimisation steps.'),
    learning_rate: float = typer.Option(1e-3, min=1e-8, help='Of embedder and FAFPN, at most.'),
    seed: int = typer.Option(0, min=0),
    workers: int = typer.Option(1, min=0, help='Processes that load data.'),
    device: str = typer.Option('auto', help='Lightning accelerator: auto, cpu or gpu.'),
    precision: str = typer.Option('32-true', help='Lightning precision, such as bf16-mixed.'),
    name: str = typer.Option('finetrack', help='Name of the model.'),
    resume: bool = typer.Option(False, '--resume', help='Go on from the last checkpoint.'),
) -> None:
    """
    Train a FineTrack model with Shuffle-Group Sampling, and export it.

    The run's folder gets checkpoints, curve/ with metrics.csv, and at the end model/ with
    model.pt and both ONNX graphs, which `finetrack track --model` takes.
    """
    from finetrack_ros.errors import ConfigError

    choices = {'size': (size, ('nano', 'tiny', 's', 'm', 'l', 'x')),
               'device': (device, ('auto', 'cpu', 'gpu'))}
    for option, (value, allowed) in choices.items():
        if value not in allowed:
            raise ConfigError(f"--{option} '{value}' is unknown; use one of {', '.join(allowed)}")
    require_training_libraries()
    from finetrack_ros.training.dataset import DataConfig
    from finetrack_ros.training.fit import fit
    from finetrack_ros.training.module import TrainConfig

    data_config = DataConfig(root=data, splits=splits, sampler=sampler, seed=seed,
                             num_workers=workers)
    train_config = TrainConfig(steps=steps, learning_rate=learning_rate,
                               warmup=min(200, max(steps // 5, 1)))
    model = fit(weights, folder, data_config, train_config, size, device, precision, resume, name)
    output.print(f'written {model}', soft_wrap=True, markup=False, highlight=False)
