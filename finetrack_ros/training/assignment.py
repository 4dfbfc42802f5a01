# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""SimOTA label assignment (Ge et al., "YOLOX", arXiv 2107.08430, and "OTA", arXiv 2103.14259)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
import torch.nn.functional as F  # noqa: N812

# Cells this many strides around a box's centre are candidates, and so are all cells inside it.
CENTRE_RADIUS = 1.5
# The number of cells a box gets is the sum of its best so many IoUs.
DYNAMIC_K_CANDIDATES = 10
IOU_WEIGHT = 3.0
OUTSIDE_COST = 1e6


class Assignment(NamedTuple):
    """
    Which cells of one image learn which box.

    ``cells`` int64 [P] positive cells; ``boxes`` int64 [P] the box of each; ``ious`` float [P]
    IoU of the cell's prediction with its box.
    """

    cells: Tensor
    boxes: Tensor
    ious: Tensor


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Return IoU [N, M] of xyxy boxes [N, 4] and [M, 4]."""
    size = (torch.minimum(a[:, None, 2:], b[None, :, 2:])
            - torch.maximum(a[:, None, :2], b[None, :, :2])).clamp(min=0)
    intersection = size[..., 0] * size[..., 1]
    areas = [(boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) for boxes in (a, b)]
    return intersection / (areas[0][:, None] + areas[1][None] - intersection).clamp(min=1e-6)


@torch.no_grad()
def assign(boxes: Tensor, scores: Tensor, points: Tensor, strides: Tensor, targets: Tensor,
           classes: Tensor) -> Assignment:
    """
    Assign cells to the boxes of one image.

    :param boxes: predictions, float [A, 4] xyxy in input pixels.
    :param scores: float [A, C], objectness x class probability.
    :param points: float [A, 2], centres of the cells in input pixels.
    :param strides: float [A].
    :param targets: float [G, 4] xyxy; classes: int64 [G].
    """
    if len(targets) == 0:
        empty = torch.zeros(0, dtype=torch.long, device=boxes.device)
        return Assignment(empty, empty, boxes.new_zeros(0))
    inside, central = _candidates(points, strides, targets)
    cells = (inside | central).any(dim=0).nonzero().squeeze(1)
    iou = pairwise_iou(targets, boxes[cells])
    class_cost = -scores[cells][:, classes].T.clamp(min=1e-8).log()
    cost = class_cost - IOU_WEIGHT * (iou + 1e-8).log()
    cost = cost + OUTSIDE_COST * ~(inside & central)[:, cells]
    chosen = _choose(cost, iou)
    columns = chosen.any(dim=0).nonzero().squeeze(1)
    owners = chosen[:, columns].float().argmax(dim=0)
    return Assignment(cells[columns], owners, iou[owners, columns])


def _candidates(points: Tensor, strides: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return which cells [G, A] lie inside each box, and which near its centre."""
    low, high = points[None] - targets[:, None, :2], targets[:, None, 2:] - points[None]
    inside = torch.minimum(low, high).amin(dim=2) > 0
    centres = (targets[:, :2] + targets[:, 2:]) * 0.5
    distance = (points[None] - centres[:, None]).abs().amax(dim=2)
    return inside, distance < CENTRE_RADIUS * strides[None]


def _choose(cost: Tensor, iou: Tensor) -> Tensor:
    """Give each box its dynamic number of cheapest cells, and each cell one box; bool [G, P]."""
    count = min(DYNAMIC_K_CANDIDATES, iou.shape[1])
    wanted = iou.topk(count, dim=1).values.sum(dim=1).int().clamp(min=1)
    rank = cost.argsort(dim=1).argsort(dim=1)
    chosen = rank < wanted[:, None]
    contested = chosen.sum(dim=0) > 1
    cheapest = F.one_hot(cost.argmin(dim=0), len(cost)).T.bool()
    return torch.where(contested[None], cheapest, chosen)
