# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Lightning module that trains detector and embedding together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
import math
from typing import Any

import lightning as L
import torch
from torch import nn, Tensor
import torch.nn.functional as F  # noqa: N812
from torchvision.ops import roi_align

from finetrack_ros.models.finetrack import FineTrack, joint_embedding, Vectors
from finetrack_ros.models.mpmg import diversity
from finetrack_ros.models.yolox import anchor_points
from finetrack_ros.training.dataset import Batch, Targets
from finetrack_ros.training.losses import (
    batch_hard_triplet,
    detection_loss,
    DetectionTargets,
    IdentityClassifier,
)


@dataclass(frozen=True)
class TrainConfig:
    """
    Every number of the optimisation.

    ``steps`` in all; ``learning_rate`` of FAFPN, embedder and classifier;
    ``detector_learning_rate`` of the pretrained detector; ``warmup`` steps; ``final_fraction`` of
    the rates at the end of the cosine. ``detector_sizes``: the network's input is a random one of
    these sides, smaller than the frames that crops are cut from, as on a camera. ``frozen``:
    backbone stages that keep their pretrained weights, the first ones being the dearest to train
    and the most general. ``box_jitter``: largest shift of a region's edges, in fractions of its
    size. ``iou`` … ``diversity``: weights of the losses.
    """

    steps: int = 4000
    learning_rate: float = 1e-3
    detector_learning_rate: float = 5e-5
    weight_decay: float = 1e-3
    warmup: int = 200
    final_fraction: float = 0.02
    detector_sizes: tuple[int, ...] = (320, 352, 384, 416, 448, 480)
    frozen: tuple[str, ...] = ('stem', 'dark2')
    box_jitter: float = 0.06
    iou: float = 5.0
    objectness: float = 1.0
    class_: float = 1.0
    identity: float = 1.0
    triplet: float = 1.0
    diversity: float = 1.0


class FineTrackModule(L.LightningModule):
    """
    Train FineTrack.

    :param model: with the detector's weights already loaded.
    :param num_identities: of the training data.
    :param config: see ``TrainConfig``.
    """

    def __init__(self, model: FineTrack, num_identities: int,
                 config: TrainConfig | None = None) -> None:
        super().__init__()
        self.config = config or TrainConfig()
        self.model = model
        for stage in self.config.frozen:
            getattr(model.detector.backbone.backbone, stage).requires_grad_(False)
        shape = model.config
        self.classifier = IdentityClassifier(num_identities, shape.global_dim, shape.heads,
                                             shape.local_dim)
        self.save_hyperparameters({'model': shape.as_dict(), 'train': asdict(self.config)})
        # Lightning keeps the modes it finds, so the frozen statistics must be set already.
        self.train()

    def train(self, mode: bool = True) -> FineTrackModule:
        """Set the mode; the detector's batch norms keep the statistics it was pretrained with."""
        super().train(mode)
        for module in self.model.detector.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """Compute the weighted sum of all losses of one step and log each."""
        frames = batch.images.float()
        sizes = self.config.detector_sizes
        # A function of the step alone: training resumed at an epoch goes on as if uninterrupted.
        side = sizes[(self.global_step * 7919) % len(sizes)]
        ratio = side / max(frames.shape[2:])
        images = F.interpolate(frames, size=_scaled(frames.shape[2:], ratio), mode='bilinear',
                               align_corners=False, antialias=True)
        # Convolutions on a CPU train a third faster on channels-last maps.
        raw, maps = self.model.detector(images.contiguous(memory_format=torch.channels_last))
        losses = self._detection_losses(raw, maps, batch.targets, ratio)
        losses |= self._appearance_losses(frames, self.model.fafpn(maps), batch.targets, ratio)
        weights = asdict(self.config)
        total = sum((weights['class_' if name == 'class' else name.split('_')[0]] * value
                     for name, value in losses.items()), start=raw.new_zeros(()))
        self.log_dict({f'loss/{name}': value.detach() for name, value in losses.items()})
        self.log('loss', total.detach(), prog_bar=True)
        return total

    def _detection_losses(self, raw: Tensor, maps: Any, targets: list[Targets], ratio: float
                          ) -> dict[str, Tensor]:
        rows = [i for i, target in enumerate(targets) if target.detect]
        corners, strides = anchor_points(maps)
        wanted = [DetectionTargets(targets[i].boxes * ratio, targets[i].ignore) for i in rows]
        return detection_loss(raw[rows].float(), corners, strides, wanted)

    def _appearance_losses(self, frames: Tensor, features: Tensor, targets: list[Targets],
                           ratio: float) -> dict[str, Tensor]:
        rois, ids = self._regions(targets)
        size = (self.model.config.crop_rows, self.model.config.crop_columns)
        crops = roi_align(frames, rois, size, sampling_ratio=2, aligned=True)
        scaled = torch.cat((rois[:, :1], rois[:, 1:] * ratio), dim=1)
        vectors = self.model.embedder.vectors(features, scaled, crops.permute(0, 2, 3, 1))
        vectors = Vectors(*(value.float() for value in vectors))
        global_id, local_id = self.classifier(vectors.global_bn, vectors.local_bn, ids)
        joint = joint_embedding(vectors.global_bn, vectors.local_bn)
        return {'identity_global': global_id, 'identity_local': local_id,
                'triplet_global': batch_hard_triplet(vectors.global_raw, ids),
                'triplet_local': batch_hard_triplet(vectors.local_raw, ids),
                'triplet_joint': batch_hard_triplet(joint, ids),
                'diversity': diversity(vectors.parts)}

    def _regions(self, targets: list[Targets]) -> tuple[Tensor, Tensor]:
        """Return jittered regions [N, 5] of all people of known identity, and their ids [N]."""
        rois, ids = [], []
        for i, target in enumerate(targets):
            known = (target.ids >= 0) & ~target.ignore
            boxes = target.boxes[known]
            size = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
            shift = (torch.rand_like(boxes) * 2 - 1) * self.config.box_jitter
            rois.append(torch.cat((torch.full_like(boxes[:, :1], i), boxes + shift * size), dim=1))
            ids.append(target.ids[known])
        return torch.cat(rois), torch.cat(ids)

    def configure_optimizers(self) -> Any:
        """Use AdamW with a warm-up and a cosine, slower for the pretrained detector."""
        config = self.config
        fresh = [*self.model.fafpn.parameters(), *self.model.embedder.parameters(),
                 *self.classifier.parameters()]
        optimizer = torch.optim.AdamW(
            [{'params': fresh, 'lr': config.learning_rate},
             {'params': [p for p in self.model.detector.parameters() if p.requires_grad],
              'lr': config.detector_learning_rate}],
            weight_decay=config.weight_decay)

        def factor(step: int) -> float:
            if step < config.warmup:
                return (step + 1) / config.warmup
            progress = min((step - config.warmup) / max(config.steps - config.warmup, 1), 1.0)
            cosine = 0.5 * (1 + math.cos(math.pi * progress))
            return config.final_fraction + (1 - config.final_fraction) * cosine

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {'optimizer': optimizer,
                'lr_scheduler': {'scheduler': scheduler, 'interval': 'step'}}


def _scaled(size: torch.Size, ratio: float) -> list[int]:
    """Return a size scaled to multiples of 32 pixels."""
    return [max(round(side * ratio / 32), 1) * 32 for side in size]
