# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a training: data, module, Lightning trainer, checkpoints, export."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import contextlib
from dataclasses import dataclass
from pathlib import Path
import pickle
from typing import Any

import lightning as L
from lightning.pytorch.callbacks import ModelCheckpoint, TQDMProgressBar, WeightAveraging
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException
import torch

from finetrack_ros.errors import ConfigError, FinetrackError, SourceError
from finetrack_ros.models import FineTrack
from finetrack_ros.models.checkpoint import save_checkpoint
from finetrack_ros.models.export import export_onnx
from finetrack_ros.training.data import FineTrackData
from finetrack_ros.training.initial import initial_model
from finetrack_ros.training.module import FineTrackModule
from finetrack_ros.training.recipe import Recipe
from finetrack_ros.training.revision import revision

# How the operating system, torch and its workers say that there is no memory left.
OUT_OF_MEMORY = ('out of memory', 'not enough memory', "can't allocate memory",
                 'killed by signal: Killed')


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
        progress: Callable[[str], None] = lambda step: None) -> Path | None:
    """
    Train, then write the averaged weights and both ONNX graphs.

    :param recipe: all of the training.
    :param root: the data folder.
    :param output: folder of the run: checkpoints, the curve in ``curve/version_N/metrics.csv`` and
        for TensorBoard, and at the end ``model/``.
    :param resume: go on from the run's last checkpoint; without, the folder must hold none.
    :param cache: folder for what teachers say; by default in the run's.
    :param progress: called with what takes long, as it begins.
    :return: the folder ``output/model``; None in all processes of a training but the first, which
        writes it.
    :raises FinetrackError: where data, weights or settings do not fit, or memory runs out.
    """
    hardware = hardware or Hardware()
    last = output / 'checkpoints' / 'last.ckpt'
    _check_folders(root, output, last, resume)
    L.seed_everything(recipe.data.seed, workers=True)
    model = initial_model(recipe, root)
    if recipe.train.detector and len(model.config.class_names) > 1:
        raise ConfigError(
            f'{recipe.weights}: detects {len(model.config.class_names)} classes, but training '
            'knows people only and would unlearn the others; use --freeze-detector')
    before = {name: value.clone() for name, value in model.detector.state_dict().items()}
    if recipe.data.crops:
        # Crops alone say nothing of the detector's maps.
        model.fafpn.requires_grad_(False)
    datamodule = FineTrackData(recipe, root, cache or output / 'cache', progress,
                               (model.config.crop_rows, model.config.crop_columns))
    datamodule.setup()
    module = FineTrackModule(model.to(memory_format=torch.channels_last), recipe.train,
                             datamodule.num_identities, datamodule.teacher_dim)
    if resume:
        _check_checkpoint(last, module)
    average = WeightAveraging(avg_fn=averaging(recipe.train.average))
    trainer = _trainer(recipe, output, hardware, average)
    with _clear_errors():
        trainer.fit(module, datamodule, ckpt_path=str(last) if resume else None)
    # Puts the averaged weights into the module; where no step was left, fit has not.
    average.on_train_end(trainer, module)
    if datamodule.skipped:
        progress(f'{datamodule.skipped} images could not be read and were skipped')
    if not trainer.is_global_zero:
        return None
    keep_detector(module.model, before, recipe.train.keep)
    return write_model(module.model, output / 'model', recipe, trainer.global_step)


def _check_folders(root: Path, output: Path, last: Path, resume: bool) -> None:
    if not root.is_dir():
        raise SourceError(f'{root}: no such data folder; give the one that the paths of the '
                          'recipe refer to')
    if resume and not last.is_file():
        raise ConfigError(f'{last}: no checkpoint to resume from; start without --resume')
    if last.is_file() and not resume:
        raise ConfigError(f'{last}: is the checkpoint of an earlier run; go on with --resume, or '
                          'choose another folder')
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f'{output}: cannot be made ({error.strerror}); choose a folder where '
                          'you may write') from error


def _check_checkpoint(path: Path, module: FineTrackModule) -> None:
    """Raise ConfigError where a checkpoint is damaged or of another model or other data."""
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
        found = {name: value.shape for name, value in content['state_dict'].items()}
    except (OSError, EOFError, RuntimeError, KeyError, pickle.UnpicklingError) as error:
        raise ConfigError(f'{path}: is damaged ({error}); remove it and start anew') from error
    wanted = {name: value.shape for name, value in module.state_dict().items()}
    if found != wanted:
        name = next(key for key in {**wanted, **found} if wanted.get(key) != found.get(key))
        raise ConfigError(f'{path}: is of another recipe or other data ({name} differs); resume '
                          'with the recipe that the run began with, or choose another folder')


@contextlib.contextmanager
def _clear_errors() -> Iterator[None]:
    """Turn what ends a training into an error that a user can act on."""
    try:
        yield
    except FinetrackError as error:
        # Worker processes send their errors with a traceback in front.
        kind = type(error)
        raise kind(str(error).rpartition(f'{kind.__name__}: ')[2].strip()) from error
    except (MemoryError, RuntimeError) as error:
        known = isinstance(error, MemoryError) or any(
            text in str(error) for text in OUT_OF_MEMORY)
        if not known:
            raise
        raise FinetrackError(
            f'out of memory ({error}); lower data.real_frames, data.composed_frames or '
            'train.detector_sizes and raise train.accumulate instead, or lower '
            'data.num_workers') from error


def averaging(decay: float) -> Callable[..., torch.Tensor]:
    """Return how the moving average of the weights takes in the latest ones."""
    def average(mean: torch.Tensor, latest: torch.Tensor, count: torch.Tensor) -> torch.Tensor:
        # Of equal weights lerp makes the same again, bit for bit: what is frozen stays.
        return mean.lerp(latest, 1 - decay) if mean.is_floating_point() else latest
    return average


def _trainer(recipe: Recipe, output: Path, hardware: Hardware,
             average: WeightAveraging) -> L.Trainer:
    train = recipe.train
    checkpoint = ModelCheckpoint(
        output / 'checkpoints', save_last=True, save_top_k=0, save_on_train_epoch_end=False,
        every_n_train_steps=min(train.checkpoint_steps, train.steps),
        enable_version_counter=False)
    try:
        return L.Trainer(
            accelerator=hardware.accelerator, devices=hardware.devices, num_nodes=hardware.nodes,
            strategy=hardware.strategy, use_distributed_sampler=False,
            precision=train.precision, max_steps=train.steps,  # type: ignore[arg-type]
            accumulate_grad_batches=train.accumulate, gradient_clip_val=10.0,
            log_every_n_steps=min(10, train.steps), logger=_loggers(output),
            default_root_dir=output,
            callbacks=[average, checkpoint, TQDMProgressBar(refresh_rate=20)])
    except (MisconfigurationException, ValueError) as error:
        raise ConfigError(f'--device, --devices or --strategy does not fit this machine: '
                          f'{error}') from error


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


def write_model(model: FineTrack, folder: Path, recipe: Recipe, steps: int) -> Path:
    """Write a model's checkpoint and both graphs into a folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model.to(torch.device('cpu')).eval()
    extra: dict[str, Any] = {'steps': steps, 'recipe': recipe.as_dict(), 'revision': revision()}
    save_checkpoint(model, folder / 'model.pt', **extra)
    export_onnx(model, folder, name=recipe.name)
    return folder
