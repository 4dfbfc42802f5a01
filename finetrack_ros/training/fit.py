# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a training: data, module, Lightning trainer, checkpoints, export."""

from __future__ import annotations

from collections.abc import Callable
import contextlib
from dataclasses import dataclass
from pathlib import Path
import subprocess
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
import torch

from finetrack_ros import __version__
from finetrack_ros.errors import ConfigError, FinetrackError
from finetrack_ros.models import FineTrack
from finetrack_ros.models.checkpoint import save_checkpoint
from finetrack_ros.models.export import export_onnx
from finetrack_ros.training.data import FineTrackData
from finetrack_ros.training.initial import initial_model
from finetrack_ros.training.module import FineTrackModule
from finetrack_ros.training.recipe import Recipe


@dataclass(frozen=True)
class Hardware:
    """
    What a training runs on, in Lightning's terms.

    ``accelerator``: auto, cpu or gpu; ``devices``: how many of them, or auto; ``nodes``: machines;
    ``strategy``: auto, or such as ddp.
    """

    accelerator: str = 'auto'
    devices: int | str = 'auto'
    nodes: int = 1
    strategy: str = 'auto'


def fit(recipe: Recipe, root: Path, output: Path, hardware: Hardware | None = None,
        resume: bool = False, cache: Path | None = None,
        progress: Callable[[str], None] = lambda step: None) -> Path:
    """
    Train, then write the averaged weights and both ONNX graphs.

    :param recipe: all of the training.
    :param root: the data folder.
    :param output: folder of the run: checkpoints, the curve in ``curve/version_N/metrics.csv`` and
        for TensorBoard, and at the end ``model/``.
    :param resume: go on from the run's last checkpoint.
    :param cache: folder for what teachers say; by default in the run's.
    :param progress: called with what takes long, as it begins.
    :return: the folder ``output/model``.
    :raises FinetrackError: where data, weights or settings do not fit, or memory runs out.
    """
    hardware = hardware or Hardware()
    last = output / 'checkpoints' / 'last.ckpt'
    if resume and not last.is_file():
        raise ConfigError(f'{last}: no checkpoint to resume from; start without --resume')
    L.seed_everything(recipe.data.seed, workers=True)
    model = initial_model(recipe, root)
    before = {name: value.clone() for name, value in model.detector.state_dict().items()}
    datamodule = FineTrackData(recipe, root, cache or output / 'cache', progress)
    datamodule.setup()
    module = FineTrackModule(model.to(memory_format=torch.channels_last), recipe.train,
                             datamodule.num_identities, datamodule.teacher_dim)
    trainer = _trainer(recipe, output, hardware)
    try:
        trainer.fit(module, datamodule, ckpt_path=str(last) if resume else None)
    except torch.OutOfMemoryError as error:
        raise FinetrackError(
            f'out of memory ({error}); lower data.real_frames, data.composed_frames or '
            'train.detector_sizes, and raise train.accumulate instead') from error
    # The callback has put the averaged weights into the module at the end of fit.
    if datamodule.skipped:
        progress(f'{datamodule.skipped} images could not be read and were skipped')
    if trainer.is_global_zero:
        keep_detector(module.model, before, recipe.train.keep)
        return write_model(module.model, output / 'model', recipe, trainer.global_step)
    return output / 'model'


def _trainer(recipe: Recipe, output: Path, hardware: Hardware) -> L.Trainer:
    train = recipe.train
    average = EMAWeightAveraging(decay=train.average, use_buffers=True)
    checkpoint = ModelCheckpoint(
        output / 'checkpoints', save_last=True, save_top_k=0, save_on_train_epoch_end=False,
        every_n_train_steps=min(train.checkpoint_steps, train.steps))
    return L.Trainer(
        accelerator=hardware.accelerator, devices=hardware.devices, num_nodes=hardware.nodes,
        strategy=hardware.strategy, use_distributed_sampler=False,
        precision=train.precision, max_steps=train.steps,  # type: ignore[arg-type]
        accumulate_grad_batches=train.accumulate, gradient_clip_val=10.0, log_every_n_steps=10,
        logger=_loggers(output), default_root_dir=output,
        callbacks=[average, checkpoint, TQDMProgressBar(refresh_rate=20)])


def _loggers(output: Path) -> list[Logger]:
    loggers: list[Logger] = [CSVLogger(output, 'curve')]
    # TensorBoard is optional; the curve is in the CSV file as well.
    with contextlib.suppress(ModuleNotFoundError):
        loggers.append(TensorBoardLogger(output, 'tensorboard'))
    return loggers


def keep_detector(model: FineTrack, before: dict[str, torch.Tensor], share: float) -> None:
    """
    Mix the detector with what it began from, weight by weight.

    :param before: its state at the beginning.
    :param share: of the old weights, 0..1 (Wortsman et al., arXiv 2109.01903).
    """
    state = model.detector.state_dict()
    for name, value in state.items():
        if value.is_floating_point():
            value.lerp_(before[name].to(value), share)


def revision() -> str:
    """Return what code trains: the version, and the commit where there is one."""
    try:
        commit = subprocess.run(
            ['git', 'describe', '--always', '--dirty'], cwd=Path(__file__).parent,
            capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f'{__version__} {commit}'


def write_model(model: FineTrack, folder: Path, recipe: Recipe, steps: int) -> Path:
    """Write a model's checkpoint and both graphs into a folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model.to(torch.device('cpu')).eval()
    extra: dict[str, Any] = {'steps': steps, 'recipe': recipe.as_dict(), 'revision': revision()}
    save_checkpoint(model, folder / 'model.pt', **extra)
    export_onnx(model, folder, name=recipe.name)
    return folder
