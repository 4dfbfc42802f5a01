# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a training: data, module, Lightning trainer, checkpoints, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint, TQDMProgressBar
from lightning.pytorch.loggers import CSVLogger
import torch

from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.models import FineTrack, FineTrackConfig, YOLOX
from finetrack_ros.models.checkpoint import (
    load_checkpoint,
    load_yolox_onnx,
    load_yolox_state,
    save_checkpoint,
    take_detector,
)
from finetrack_ros.models.export import export_onnx
from finetrack_ros.training.dataset import DataConfig, FineTrackData
from finetrack_ros.training.module import FineTrackModule, TrainConfig

COCO_CLASSES = 80
COCO_PERSON = 0


def initial_model(weights: Path, size: str) -> FineTrack:
    """
    Build a model to train from pretrained weights.

    :param weights: a FineTrack checkpoint (.pt), or an 80-class YOLOX as exported ONNX or as
        Megvii's state dict (.pth).
    :param size: YOLOX size of the weights, nano to x; a FineTrack checkpoint knows its own.
    :raises ModelError: where the weights are missing, damaged or of another size.
    """
    if not weights.is_file():
        raise ModelError(f'{weights}: no such file; pass YOLOX weights (.onnx, .pth) '
                         'or a FineTrack checkpoint (.pt)')
    if weights.suffix == '.pt':
        return load_checkpoint(weights)
    coco = YOLOX(size, COCO_CLASSES)
    load = load_yolox_onnx if weights.suffix == '.onnx' else load_yolox_state
    load(coco, weights)
    model = FineTrack(FineTrackConfig(size=size))
    take_detector(model, coco, [COCO_PERSON])
    return model


def fit(weights: Path, output: Path, data: DataConfig, train: TrainConfig, size: str = 'nano',
        accelerator: str = 'auto', precision: str = '32-true', resume: bool = False,
        name: str = 'finetrack') -> Path:
    """
    Train, then write the averaged weights and both ONNX graphs.

    :param weights: see ``initial_model``.
    :param output: folder of the run: checkpoints, the curve in
        ``curve/version_N/metrics.csv``, and at the end ``model/``.
    :param accelerator: Lightning's accelerator; on several GPUs Lightning distributes the work.
    :param precision: Lightning's precision, such as 32-true or bf16-mixed.
    :param resume: go on from the run's last checkpoint.
    :return: the folder ``output/model``.
    :raises ConfigError: where there is nothing to resume, or frames are not square.
    """
    if data.input_size[0] != data.input_size[1]:
        raise ConfigError(f'input_size {data.input_size}: training frames must be square')
    last = output / 'checkpoints' / 'last.ckpt'
    if resume and not last.is_file():
        raise ConfigError(f'{last}: no checkpoint to resume from; start without --resume')
    L.seed_everything(data.seed, workers=True)
    model = initial_model(weights, size).to(memory_format=torch.channels_last)
    datamodule = FineTrackData(replace(data))
    datamodule.setup()
    module = FineTrackModule(model, datamodule.num_identities, train)
    average = EMAWeightAveraging(decay=0.998, use_buffers=True)
    checkpoint = ModelCheckpoint(output / 'checkpoints', save_last=True, save_top_k=0,
                                 every_n_train_steps=max(min(200, train.steps // 4), 1))
    trainer = L.Trainer(
        accelerator=accelerator, devices='auto' if accelerator != 'cpu' else 1,
        precision=precision, max_steps=train.steps,  # type: ignore[arg-type]
        gradient_clip_val=10.0, log_every_n_steps=10, logger=CSVLogger(output, 'curve'),
        callbacks=[average, checkpoint, TQDMProgressBar(refresh_rate=20)])
    trainer.fit(module, datamodule, ckpt_path=str(last) if resume else None)
    # The callback has put the averaged weights into the module at the end of fit.
    if trainer.is_global_zero:
        return write_model(module.model, output / 'model', name, trainer.global_step)
    return output / 'model'


def write_model(model: FineTrack, folder: Path, name: str, steps: int) -> Path:
    """Write a model's checkpoint and both graphs into a folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = model.to(torch.device('cpu')).eval()
    save_checkpoint(model, folder / 'model.pt', steps=steps)
    export_onnx(model, folder, name=name)
    return folder
