# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Multi-head Part Mask Generator: finds body parts without part labels.

Our reading of FineTrack (Ren et al., CVPR 2023, arXiv 2302.14589): K parallel attention heads
each give a soft mask over the region map; masked average pooling turns the masks into one global
and K local vectors.
"""

from __future__ import annotations

import torch
from torch import nn, Tensor


class MPMG(nn.Module):
    """
    Part masks by self-attention within each region.

    :param channels: channels of the region map.
    :param heads: number of parts, K.
    :param dim: width d of queries, keys and values of a head.
    """

    def __init__(self, channels: int, heads: int = 6, dim: int = 32) -> None:
        super().__init__()
        self.heads, self.dim = heads, dim
        self.query = nn.Conv2d(channels, heads * dim, 1)
        self.key = nn.Conv2d(channels, heads * dim, 1)
        self.value = nn.Conv2d(channels, heads * dim, 1)
        self.skip = nn.Conv2d(channels, heads * dim, 1)
        # One 1x1 convolution per head, to a single channel: the mask's logit.
        self.mask = nn.Conv2d(heads * dim, heads, 1, groups=heads)

    def forward(self, x: Tensor) -> Tensor:
        """
        Give the part masks.

        :param x: float [N, C, H, W]; N may be 0.
        :return: float [N, K, H, W] in 0..1.
        """
        count, _, height, width = x.shape
        split = (count * self.heads, self.dim, height * width)
        query = self.query(x).reshape(split).transpose(1, 2)
        key = self.key(x).reshape(split)
        value = self.value(x).reshape(split)
        attention = torch.softmax(torch.bmm(query, key) * self.dim ** -0.5, dim=-1)
        attended = torch.bmm(value, attention.transpose(1, 2))
        attended = attended.reshape(count, self.heads * self.dim, height, width)
        return torch.sigmoid(self.mask(attended + self.skip(x)))


def masked_pool(x: Tensor, masks: Tensor, eps: float = 1e-6) -> tuple[Tensor, Tensor]:
    """
    Average a region map under each mask, and under their maximum.

    :param x: float [N, C, H, W].
    :param masks: float [N, K, H, W] in 0..1.
    :return: global vector [N, C] and local vectors [N, K, C].
    """
    combined = torch.cat((masks.amax(dim=1, keepdim=True), masks), dim=1).flatten(2)
    weights = combined / combined.sum(dim=2, keepdim=True).clamp(min=eps)
    pooled = torch.bmm(weights, x.flatten(2).transpose(1, 2))
    return pooled[:, 0], pooled[:, 1:]


def diversity(local: Tensor) -> Tensor:
    """
    Measure how alike the parts of each target are.

    :param local: float [N, K, D].
    :return: scalar, mean over pairs i != j of |cos(l_i, l_j)|: 1 where all parts are the same,
        0 where all are orthogonal (and for N = 0).
    """
    heads = local.shape[1]
    if local.shape[0] == 0 or heads < 2:
        return local.sum() * 0.0
    unit = nn.functional.normalize(local, dim=2)
    cosines = torch.bmm(unit, unit.transpose(1, 2)).abs()
    off_diagonal = cosines.sum((1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(1)
    return (off_diagonal / (heads * (heads - 1))).mean()
