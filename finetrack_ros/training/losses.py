# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Losses of detection and of appearance."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn, Tensor
import torch.nn.functional as F  # noqa: N812

from finetrack_ros.models.yolox import decode
from finetrack_ros.training.assignment import assign, Assignment


class DetectionTargets(NamedTuple):
    """People of one image: ``boxes`` float [G, 4] xyxy; ``ignore`` bool [G]."""

    boxes: Tensor
    ignore: Tensor


class DetectionLosses(NamedTuple):
    """
    Losses of a batch of B images with A cells.

    ``losses``: scalars ``iou``, ``objectness`` and ``class``, per positive cell; ``positive`` bool
    [B, A], the cells that learnt a box.
    """

    losses: dict[str, Tensor]
    positive: Tensor


def detection_loss(raw: Tensor, corners: Tensor, strides: Tensor,
                   targets: list[DetectionTargets]) -> DetectionLosses:
    """
    Compute YOLOX's losses: IoU, objectness, class (arXiv 2107.08430).

    Cells in ignored boxes that no counted box takes have no objectness loss.

    :param raw: logits, float [B, A, 5 + classes]; all targets are of class 0.
    :param corners: float [A, 2] and strides float [A, 1], of ``anchor_points``.
    """
    boxes, scores = decode(raw, corners, strides)
    points = (corners + 0.5) * strides
    # Zero, but with a gradient: a step without targets trains, and several processes agree.
    sums = {name: raw[:0].sum() for name in ('iou', 'objectness', 'class')}
    positive = torch.zeros(raw.shape[:2], dtype=torch.bool, device=raw.device)
    for i, target in enumerate(targets):
        wanted = target.boxes[~target.ignore]
        classes = torch.zeros(len(wanted), dtype=torch.long, device=raw.device)
        found = assign(boxes[i], scores[i], points, strides[:, 0], wanted, classes)
        positive[i, found.cells] = True
        ignored = _inside_any(points, target.boxes[target.ignore])
        for name, value in _image_losses(raw[i], boxes[i], wanted, found, ignored).items():
            sums[name] = sums[name] + value
    count = positive.sum().clamp(min=1)
    return DetectionLosses({name: value / count for name, value in sums.items()}, positive)


def _image_losses(raw: Tensor, boxes: Tensor, wanted: Tensor, found: Assignment,
                  ignored: Tensor) -> dict[str, Tensor]:
    objectness = torch.zeros_like(raw[:, 4])
    objectness[found.cells] = 1.0
    counted = ~ignored | objectness.bool()
    obj = F.binary_cross_entropy_with_logits(raw[counted, 4], objectness[counted],
                                             reduction='sum')
    class_target = torch.zeros_like(raw[found.cells, 5:])
    class_target[:, 0] = found.ious
    cls = F.binary_cross_entropy_with_logits(raw[found.cells, 5:], class_target, reduction='sum')
    iou = _paired_iou(boxes[found.cells], wanted[found.boxes])
    return {'iou': (1 - iou ** 2).sum(), 'objectness': obj, 'class': cls}


def _paired_iou(a: Tensor, b: Tensor) -> Tensor:
    size = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    intersection = size.prod(dim=1)
    union = (a[:, 2:] - a[:, :2]).prod(dim=1) + (b[:, 2:] - b[:, :2]).prod(dim=1) - intersection
    return intersection / union.clamp(min=1e-6)


def _inside_any(points: Tensor, boxes: Tensor) -> Tensor:
    if len(boxes) == 0:
        return torch.zeros(len(points), dtype=torch.bool, device=points.device)
    low, high = points[None] - boxes[:, None, :2], boxes[:, None, 2:] - points[None]
    return (torch.minimum(low, high).amin(dim=2) > 0).any(dim=0)


def batch_hard_triplet(vectors: Tensor, ids: Tensor) -> Tensor:
    """
    Compute the soft-margin batch-hard triplet loss (Hermans et al., arXiv 1703.07737).

    :param vectors: float [N, D] or [N, K, D] (then averaged over the K parts).
    :param ids: int64 [N].
    :return: scalar over the anchors that have both a positive and a negative; 0 without any.
    """
    parts = vectors.unsqueeze(1) if vectors.dim() == 2 else vectors
    unit = F.normalize(parts, dim=2).transpose(0, 1)
    # 2 - 2 cos is the squared distance of unit vectors; the floor keeps the root's gradient.
    distance = (2 - 2 * torch.bmm(unit, unit.transpose(1, 2))).clamp(min=1e-6).sqrt()
    same = ids[:, None] == ids[None]
    self_pair = torch.eye(len(ids), dtype=torch.bool, device=ids.device)
    positive, negative = same & ~self_pair, ~same
    usable = positive.any(dim=1) & negative.any(dim=1)
    if not usable.any():
        return vectors[:0].sum()
    hardest = distance.masked_fill(~positive, -1.0).amax(dim=2)
    nearest = distance.masked_fill(~negative, 4.0).amin(dim=2)
    # Unit vectors are at most 2 apart, so differences are scaled up for the softplus.
    return F.softplus(8.0 * (hardest - nearest))[:, usable].mean()


class IdentityClassifier(nn.Module):
    """
    Identity cross-entropy on the global vector and on each part.

    :param identities: number of identities in training.
    :param global_dim: width of the global vector; heads and local_dim: of the parts.
    :param scale: logits are this times the cosine with the class's vector.
    """

    def __init__(self, identities: int, global_dim: int, heads: int, local_dim: int,
                 scale: float = 20.0) -> None:
        super().__init__()
        self.scale = scale
        self.global_weight = nn.Parameter(torch.randn(identities, global_dim) * 0.01)
        self.local_weight = nn.Parameter(torch.randn(heads, identities, local_dim) * 0.01)

    def forward(self, global_vector: Tensor, local: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss of global [N, Dg] and local [N, K, Dl] vectors for ids int64 [N]."""
        if len(ids) == 0:
            # Zeros in which each weight takes part, as training by several processes demands.
            return ((global_vector @ self.global_weight[:0].T).sum(),
                    torch.bmm(local.transpose(0, 1), self.local_weight[:, :0].mT).sum())
        logits = F.normalize(global_vector, dim=1) @ F.normalize(self.global_weight, dim=1).T
        local_unit = F.normalize(local, dim=2).transpose(0, 1)
        local_logits = torch.bmm(local_unit, F.normalize(self.local_weight, dim=2).transpose(1, 2))
        heads, count, classes = local_logits.shape
        return (F.cross_entropy(self.scale * logits, ids, label_smoothing=0.1),
                F.cross_entropy(self.scale * local_logits.reshape(heads * count, classes),
                                ids.repeat(heads), label_smoothing=0.1))
