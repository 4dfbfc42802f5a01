# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Bilinear sampling of feature maps at points, in two forms that give the same numbers.

``gather`` reads four rows of a channels-last map, which is what ONNX Runtime does fastest on a
CPU; ``grid_sample`` is one operator that TensorRT has natively. Points are (x, y) in pixels of the
map, where integer coordinates are pixel centres; outside the map its border is repeated.
"""

from __future__ import annotations

import torch
from torch import Tensor
import torch.nn.functional as F  # noqa: N812

FORMS = ('gather', 'grid_sample')


def sample_points(features: Tensor, image_index: Tensor, points: Tensor,
                  form: str = 'grid_sample') -> Tensor:
    """
    Sample maps bilinearly.

    :param features: float [B, C, H, W].
    :param image_index: int64 [N], which of the B maps each row of points reads.
    :param points: float [N, P, 2], (x, y) in map pixels.
    :param form: ``gather`` or ``grid_sample``.
    :return: [N, P, C] of the maps' type; half-precision maps are sampled in float32.
    """
    if form not in FORMS:
        raise ValueError(f'unknown sampling form {form!r}; use one of {", ".join(FORMS)}')
    height, width = features.shape[2], features.shape[3]
    x = points[..., 0].clamp(0, width - 1)
    y = points[..., 1].clamp(0, height - 1)
    sample = _sample_gather if form == 'gather' else _sample_grid
    return sample(features, image_index, x, y)


def _sample_gather(features: Tensor, image_index: Tensor, x: Tensor, y: Tensor) -> Tensor:
    channels, height, width = features.shape[1], features.shape[2], features.shape[3]
    rows = features.permute(0, 2, 3, 1).reshape(-1, channels)
    left, top = x.floor(), y.floor()
    weight_x, weight_y = (x - left).unsqueeze(-1), (y - top).unsqueeze(-1)
    x0, y0 = left.long(), top.long()
    x1 = (x0 + 1).clamp(max=width - 1)
    y1 = (y0 + 1).clamp(max=height - 1)
    base = image_index.unsqueeze(1) * (height * width)
    row0, row1 = base + y0 * width, base + y1 * width
    upper = _read(rows, row0 + x0) * (1 - weight_x) + _read(rows, row0 + x1) * weight_x
    lower = _read(rows, row1 + x0) * (1 - weight_x) + _read(rows, row1 + x1) * weight_x
    return (upper * (1 - weight_y) + lower * weight_y).to(features.dtype)


def _read(rows: Tensor, index: Tensor) -> Tensor:
    # Indexing by a matrix is exported as GatherND, which engines run slower than Gather.
    return rows.index_select(0, index.reshape(-1)).reshape(*index.shape, rows.shape[1])


def _sample_grid(features: Tensor, image_index: Tensor, x: Tensor, y: Tensor) -> Tensor:
    # The maps are stacked into one tall map, so that one GridSample serves all of a batch: the
    # clamped y never interpolates across a seam, because its weight there is zero.
    batch, channels, height, width = features.shape
    tall = features.permute(1, 0, 2, 3).reshape(1, channels, batch * height, width)
    y = y + (image_index * height).unsqueeze(1).to(y.dtype)
    grid = torch.stack(((x + 0.5) / width, (y + 0.5) / (batch * height)), dim=-1) * 2 - 1
    return _grid_sample(tall, grid.unsqueeze(0))[0].permute(1, 2, 0)


def _grid_sample(features: Tensor, grid: Tensor) -> Tensor:
    # TensorRT refuses half maps with a float grid; a half grid is too coarse for large maps.
    sampled = F.grid_sample(features.to(grid.dtype), grid, mode='bilinear', padding_mode='border',
                            align_corners=False)
    return sampled.to(features.dtype)


def warp(features: Tensor, flow: Tensor, form: str = 'grid_sample') -> Tensor:
    """
    Move a map along a flow: the output at (x, y) is the input at (x, y) + flow(x, y).

    :param features: float [B, C, H, W].
    :param flow: float [B, 2, H, W], (dx, dy) in pixels of this map.
    :param form: ``gather`` or ``grid_sample``.
    :return: float [B, C, H, W]; zero flow returns the input, unit flow shifts it by one pixel.
    """
    batch, channels, height, width = features.shape
    ys = torch.arange(height, device=flow.device, dtype=flow.dtype).view(1, height, 1)
    xs = torch.arange(width, device=flow.device, dtype=flow.dtype).view(1, 1, width)
    points = torch.stack((flow[:, 0] + xs, flow[:, 1] + ys), dim=-1)
    if form == 'grid_sample':
        size = torch.tensor([width, height], device=flow.device, dtype=flow.dtype)
        return _grid_sample(features, (points + 0.5) / size * 2 - 1)
    points = points.reshape(batch, height * width, 2)
    index = torch.arange(batch, device=features.device)
    sampled = sample_points(features, index, points, form)
    return sampled.permute(0, 2, 1).reshape(batch, channels, height, width)


def sample_rois(features: Tensor, rois: Tensor, stride: float, size: tuple[int, int],
                form: str = 'grid_sample') -> Tensor:
    """
    Sample one value per bin of each region (RoIAlign with one sample per bin, aligned).

    Equal to ``torchvision.ops.roi_align(features, rois, size, 1 / stride, 1, aligned=True)`` for
    boxes inside the image (He et al., "Mask R-CNN", arXiv 1703.06870).

    :param features: float [B, C, H, W] of the given stride.
    :param rois: float [N, 5], image index, then left, top, right, bottom in input pixels.
    :param stride: input pixels per map pixel.
    :param size: rows and columns of the output.
    :param form: ``gather`` or ``grid_sample``.
    :return: float [N, C, rows, columns]; N may be 0.
    """
    rows, columns = size
    boxes = rois[:, 1:] * (1.0 / stride)
    ys = (torch.arange(rows, device=rois.device, dtype=rois.dtype) + 0.5) / rows
    xs = (torch.arange(columns, device=rois.device, dtype=rois.dtype) + 0.5) / columns
    y = boxes[:, 1:2] + (boxes[:, 3:4] - boxes[:, 1:2]) * ys - 0.5
    x = boxes[:, 0:1] + (boxes[:, 2:3] - boxes[:, 0:1]) * xs - 0.5
    count = rois.shape[0]
    grid_x = x.unsqueeze(1).expand(count, rows, columns)
    grid_y = y.unsqueeze(2).expand(count, rows, columns)
    points = torch.stack((grid_x, grid_y), dim=-1).reshape(count, rows * columns, 2)
    sampled = sample_points(features, rois[:, 0].long(), points, form)
    return sampled.permute(0, 2, 1).reshape(count, features.shape[1], rows, columns)
