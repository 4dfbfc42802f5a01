# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The Lightning module that trains detector, embedding, or both together."""

from __future__ import annotations

import copy
from dataclasses import asdict
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
from finetrack_ros.training.config import TrainConfig
from finetrack_ros.training.crop_dataset import CropBatch
from finetrack_ros.training.dataset import Batch, Targets
from finetrack_ros.training.distillation import hold, Mimic, ranking, relation
from finetrack_ros.training.losses import (
    batch_hard_triplet,
    detection_loss,
    DetectionTargets,
    IdentityClassifier,
)


class FineTrackModule(L.LightningModule):
    """
    Train FineTrack.

    :param model: with the detector's weights already loaded.
    :param config: see ``TrainConfig``.
    :param num_identities: of the training data; 0 where nobody's identity is known.
    :param teacher_dim: width of the teachers' vectors; 0 without teachers.
    """

    def __init__(self, model: FineTrack, config: TrainConfig, num_identities: int,
                 teacher_dim: int = 0) -> None:
        super().__init__()
        self.config, self.model = config, model
        # In a list, so that neither checkpoint nor average holds what never changes.
        self._before = [copy.deepcopy(model.detector).eval().requires_grad_(False)]
        for stage in config.frozen:
            getattr(model.detector.backbone.backbone, stage).requires_grad_(False)
        if not config.detector:
            model.detector.requires_grad_(False)
        shape = model.config
        self._has_identities = num_identities > 0
        self.classifier = self.mimic = None
        if not config.appearance:
            model.fafpn.requires_grad_(False)
            model.embedder.requires_grad_(False)
        if config.appearance and num_identities and config.loss.identity:
            self.classifier = IdentityClassifier(
                num_identities, shape.global_dim, shape.heads, shape.local_dim)
        if config.appearance and teacher_dim and config.loss.mimic:
            self.mimic = Mimic(shape.embedding_dim, teacher_dim)
        self.save_hyperparameters({'model': shape.as_dict(), 'train': asdict(config)})
        # Lightning keeps the modes it finds, so the frozen statistics must be set already.
        self.train()

    def train(self, mode: bool = True) -> FineTrackModule:
        """Set the mode; what is pretrained or does not learn keeps its batch statistics."""
        super().train(mode)
        kept: list[nn.Module] = [self.model.detector]
        if not self.config.appearance:
            kept += [self.model.fafpn, self.model.embedder]
        for part in kept:
            for module in part.modules():
                if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
                    module.eval()
        return self

    def training_step(self, batch: Batch | CropBatch, batch_index: int) -> Tensor:
        """Compute the weighted sum of all losses of one step and log each."""
        if isinstance(batch, CropBatch):
            losses = self._crop_losses(batch)
        else:
            # A function of the batch alone: training resumed goes on as if uninterrupted.
            accumulate = self.config.accumulate
            number = self.global_step * accumulate + batch_index % accumulate
            sizes = self.config.detector_sizes
            losses = self._frame_losses(batch, sizes[(number * 7919) % len(sizes)])
        weights = asdict(self.config.loss)
        total = sum((weights['class_' if name == 'class' else name.split('_')[0]] * value
                     for name, value in losses.items()),
                    start=torch.zeros((), device=self.device))
        self.log_dict({f'loss/{name}': value.detach() for name, value in losses.items()},
                      batch_size=1)
        self.log('loss', total.detach(), prog_bar=True, batch_size=1)
        return total

    def _frame_losses(self, batch: Batch, side: int) -> dict[str, Tensor]:
        """Compute the losses of frames that the detector sees at a size of so many pixels."""
        frames = batch.images.float()
        ratio = side / frames.shape[3]
        images = F.interpolate(frames, size=[side, side], mode='bilinear',
                               align_corners=False, antialias=True)
        # Convolutions on a CPU train a third faster on channels-last maps.
        images = images.contiguous(memory_format=torch.channels_last)
        losses: dict[str, Tensor] = {}
        if self.config.detector:
            shallow = self.model.detector.backbone.backbone.shallow(images)
            raw, maps = self.model.detector.from_shallow(shallow)
            held = self._held(images, shallow) if self.config.loss.hold else None
            losses |= self._detection_losses(raw, maps, held, batch.targets, ratio)
        else:
            with torch.no_grad():
                maps = self.model.detector.backbone(images)
        if self.config.appearance:
            features = self.model.fafpn(maps)
            losses |= self._appearance_losses(frames, features, batch.targets, ratio)
        return losses

    def _crop_losses(self, batch: CropBatch) -> dict[str, Tensor]:
        """Compute the losses of crops alone: the detector's map says nothing, which is zero."""
        features = torch.zeros(1, self.model.config.fafpn_channels, 2, 2, device=self.device)
        rois = torch.zeros(len(batch.crops), 5, device=self.device)
        self.model.embedder.train(len(rois) > 1)
        vectors = self.model.embedder.vectors(features, rois, batch.crops)
        with torch.autocast(self.device.type, enabled=False):
            return self._losses(Vectors(*(value.float() for value in vectors)), batch.ids,
                                batch.teacher)

    @torch.no_grad()
    def _held(self, images: Tensor, shallow: Tensor) -> Tensor:
        """Return the raw outputs of the detector that the training began from."""
        before = self._before[0].to(images.device)
        if {'stem', 'dark2'} <= set(self.config.frozen):
            # The first stages are the same, and half of the work.
            return before.from_shallow(shallow)[0]
        return before(images)[0]

    def _detection_losses(self, raw: Tensor, maps: Any, held: Tensor | None,
                          targets: list[Targets], ratio: float) -> dict[str, Tensor]:
        rows = [i for i, target in enumerate(targets) if target.detect]
        corners, strides = anchor_points(maps)
        wanted = [DetectionTargets(targets[i].boxes * ratio, targets[i].ignore) for i in rows]
        found = detection_loss(raw[rows].float(), corners, strides, wanted)
        losses = found.losses
        if held is not None:
            free = torch.zeros(raw.shape[:2], dtype=torch.bool, device=raw.device)
            free[rows] = found.positive
            losses['hold'] = hold(raw, held, free)
        return losses

    def _appearance_losses(self, frames: Tensor, features: Tensor, targets: list[Targets],
                           ratio: float) -> dict[str, Tensor]:
        rois, ids, teacher = regions(targets)
        size = (self.model.config.crop_rows, self.model.config.crop_columns)
        crops = roi_align(frames, rois, size, sampling_ratio=2, aligned=True)
        scaled = torch.cat((rois[:, :1], rois[:, 1:] * ratio), dim=1)
        # One person has no batch statistics, and nobody even less.
        self.model.embedder.train(len(rois) > 1)
        vectors = self.model.embedder.vectors(features, scaled, crops.permute(0, 2, 3, 1))
        # Similarities differ by less than bfloat16 tells apart.
        with torch.autocast(frames.device.type, enabled=False):
            return self._losses(Vectors(*(value.float() for value in vectors)), ids, teacher)

    def _losses(self, vectors: Vectors, ids: Tensor, teacher: Tensor) -> dict[str, Tensor]:
        joint = joint_embedding(vectors.global_bn, vectors.local_bn)
        losses = self._identity_losses(vectors, joint, ids) if self._has_identities else {}
        if self.model.config.heads:
            losses['diversity'] = diversity(vectors.parts)
        if teacher.shape[1]:
            taught = ~teacher[:, 0].isnan()
            ours, theirs = joint[taught], F.normalize(teacher[taught], dim=1)
            losses |= {'relation': relation(ours, theirs), 'ranking': ranking(ours, theirs)}
            if self.mimic is not None:
                losses['mimic'] = self.mimic(ours, theirs)
        return losses

    def _identity_losses(self, vectors: Vectors, joint: Tensor, ids: Tensor) -> dict[str, Tensor]:
        known = ids >= 0
        vectors = Vectors(*(value[known] for value in vectors))
        ids = ids[known]
        losses = {'triplet_joint': batch_hard_triplet(joint[known], ids),
                  'triplet_global': batch_hard_triplet(vectors.global_raw, ids)}
        if self.model.config.heads:
            losses['triplet_local'] = batch_hard_triplet(vectors.local_raw, ids)
        if self.classifier is not None:
            losses['identity_global'], local = self.classifier(
                vectors.global_bn, vectors.local_bn, ids)
            if self.model.config.heads:
                losses['identity_local'] = local
        return losses

    def configure_optimizers(self) -> Any:
        """Use AdamW with a warm-up and a cosine, slower for the pretrained detector."""
        config = self.config
        mine = {id(p) for p in self.model.detector.parameters()}
        groups = [{'params': [p for p in self.parameters()
                              if p.requires_grad and id(p) not in mine],
                   'lr': config.learning_rate},
                  {'params': [p for p in self.model.detector.parameters() if p.requires_grad],
                   'lr': config.detector_learning_rate}]
        optimizer = torch.optim.AdamW([group for group in groups if group['params']],
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


def regions(targets: list[Targets]) -> tuple[Tensor, Tensor, Tensor]:
    """
    Return the people whom identity or teachers know.

    :return: regions float [N, 5] with the image's index first, ids int64 [N] or -1, and the
        teachers' vectors float [N, Dt], NaN where there are none.
    """
    rois, ids, teacher = [], [], []
    for i, target in enumerate(targets):
        known = target.ids >= 0
        if target.teacher.shape[1]:
            known = known | ~target.teacher[:, 0].isnan()
        known = known & ~target.ignore
        boxes = target.regions[known]
        rois.append(torch.cat((torch.full_like(boxes[:, :1], i), boxes), dim=1))
        ids.append(target.ids[known])
        teacher.append(target.teacher[known])
    return torch.cat(rois), torch.cat(ids), torch.cat(teacher)
