# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Flow Alignment FPN: aligns maps of different scales before it merges them.

Our reading of FineTrack (Ren et al., CVPR 2023, arXiv 2302.14589), whose equations were not at
hand. Lineage: the flow alignment of SFNet (Li et al., ECCV 2020) and its two-flow gate.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn, Tensor
import torch.nn.functional as F  # noqa: N812

from finetrack_ros.errors import ConfigError
from finetrack_ros.models.sampling import warp


def conv_bn(in_channels: int, out_channels: int, ksize: int, stride: int = 1) -> nn.Sequential:
    """Build convolution, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, ksize, stride, ksize // 2, bias=False),
        nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))


class FlowAlign(nn.Module):
    """
    Align a coarse map and a fine one along learned flows, and merge them channel by channel.

    :param channels: channels of both maps.
    :param reduction: how much narrower the attention's hidden layer is.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        self.flow = nn.Conv2d(2 * channels, 4, 3, padding=1)
        # Zero flow at the start: training begins from plain bilinear upsampling.
        for parameter in self.flow.parameters():
            nn.init.zeros_(parameter)
        hidden = max(2 * channels // reduction, 8)
        self.squeeze = nn.Conv2d(2 * channels, hidden, 1)
        self.excite = nn.Conv2d(hidden, 2 * channels, 1)
        self.channels = channels
        self.form = 'grid_sample'

    def align(self, fine: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        """
        Warp both maps onto the fine grid.

        :param fine: float [B, C, H, W].
        :param coarse: float [B, C, h, w].
        :return: the fine and the coarse map, both [B, C, H, W]. With zero flow they are the fine
            map itself and the bilinearly upsampled coarse one.
        """
        if coarse.shape[2:] != fine.shape[2:]:
            coarse = F.interpolate(coarse, size=fine.shape[2:], mode='bilinear',
                                   align_corners=False)
        # In half precision positions of a large map would be whole pixels.
        flow = self.flow(torch.cat((coarse, fine), dim=1)).float()
        return warp(fine, flow[:, 2:], self.form), warp(coarse, flow[:, :2], self.form)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Merge a fine [B, C, H, W] and a coarse [B, C, h, w] map into [B, C, H, W]."""
        fine, coarse = self.align(fine, coarse)
        both = torch.cat((fine, coarse), dim=1).mean((2, 3), keepdim=True)
        logits = self.excite(F.relu(self.squeeze(both)))
        # A softmax over two sources is the sigmoid of the difference of their logits.
        gate = torch.sigmoid(logits[:, :self.channels] - logits[:, self.channels:])
        return gate * fine + (1 - gate) * coarse


class PlainMerge(nn.Module):
    """Upsample the coarse map and add it to the fine one (FPN, Lin et al., arXiv 1612.03144)."""

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Merge a fine [B, C, H, W] and a coarse [B, C, h, w] map into [B, C, H, W]."""
        if coarse.shape[2:] != fine.shape[2:]:
            coarse = F.interpolate(coarse, size=fine.shape[2:], mode='bilinear',
                                   align_corners=False)
        return fine + coarse


def merger(alignment: str, channels: int) -> FlowAlign | PlainMerge:
    """
    Build what merges a fine and a coarse map of so many channels.

    :raises ConfigError: where the alignment is neither ``flow`` nor ``plain``.
    """
    if alignment not in ('flow', 'plain'):
        raise ConfigError(f"alignment '{alignment}': unknown; use flow or plain")
    return FlowAlign(channels) if alignment == 'flow' else PlainMerge()


class FAFPN(nn.Module):
    """
    Merge detector maps from coarse to fine.

    :param in_channels: channels of the maps, fine to coarse.
    :param channels: channels of the merged map.
    :param alignment: ``flow``, or ``plain`` to measure what alignment is worth.
    """

    def __init__(self, in_channels: Sequence[int], channels: int, alignment: str = 'flow') -> None:
        super().__init__()
        self.laterals = nn.ModuleList(conv_bn(c, channels, 1) for c in in_channels)
        self.aligns = nn.ModuleList(merger(alignment, channels) for _ in in_channels[1:])

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Merge maps [B, C_i, H_i, W_i], fine to coarse, into [B, C, H_0, W_0]."""
        merged = self.laterals[-1](maps[-1])
        for level in range(len(maps) - 2, -1, -1):
            merged = self.aligns[level](self.laterals[level](maps[level]), merged)
        return merged
