# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
YOLOX detector: CSPDarknet, PAFPN and decoupled head.

Method: Ge et al., "YOLOX: Exceeding YOLO Series in 2021", arXiv 2107.08430. Module and parameter
names are those of Megvii's released state dicts, so that official checkpoints load as they are.
Input images are BGR, 0-255, letterboxed with 114 at the bottom and right.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn, Tensor
import torch.nn.functional as F  # noqa: N812

# Depth and width multiples and whether convolutions are depthwise-separable, by model size.
SIZES: dict[str, tuple[float, float, bool]] = {
    'nano': (0.33, 0.25, True),
    'tiny': (0.33, 0.375, False),
    's': (0.33, 0.50, False),
    'm': (0.67, 0.75, False),
    'l': (1.0, 1.0, False),
    'x': (1.33, 1.25, False),
}
STRIDES = (8, 16, 32)


class BaseConv(nn.Module):
    """Convolution, batch norm, SiLU."""

    def __init__(self, in_channels: int, out_channels: int, ksize: int, stride: int,
                 groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, ksize, stride, (ksize - 1) // 2,
                              groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.03)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        return F.silu(self.bn(self.conv(x)))


class DWConv(nn.Module):
    """Depthwise convolution followed by a pointwise one."""

    def __init__(self, in_channels: int, out_channels: int, ksize: int, stride: int) -> None:
        super().__init__()
        self.dconv = BaseConv(in_channels, in_channels, ksize, stride, groups=in_channels)
        self.pconv = BaseConv(in_channels, out_channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        return self.pconv(self.dconv(x))


def _spatial_conv(depthwise: bool) -> type[BaseConv] | type[DWConv]:
    return DWConv if depthwise else BaseConv


class Bottleneck(nn.Module):
    """1x1 then 3x3 convolution, with a shortcut where shapes allow it."""

    def __init__(self, channels: int, shortcut: bool, depthwise: bool) -> None:
        super().__init__()
        self.conv1 = BaseConv(channels, channels, 1, 1)
        self.conv2 = _spatial_conv(depthwise)(channels, channels, 3, 1)
        self.use_add = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape [B, C, H, W]."""
        y = self.conv2(self.conv1(x))
        return y + x if self.use_add else y


class SPPBottleneck(nn.Module):
    """Spatial pyramid pooling with windows of 5, 9 and 13."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        hidden = in_channels // 2
        self.conv1 = BaseConv(in_channels, hidden, 1, 1)
        self.m = nn.ModuleList(nn.MaxPool2d(size, 1, size // 2) for size in (5, 9, 13))
        self.conv2 = BaseConv(hidden * 4, out_channels, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H, W]."""
        x = self.conv1(x)
        return self.conv2(torch.cat([x] + [pool(x) for pool in self.m], dim=1))


class CSPLayer(nn.Module):
    """Cross-stage partial block with n bottlenecks."""

    def __init__(self, in_channels: int, out_channels: int, n: int, shortcut: bool = True,
                 depthwise: bool = False) -> None:
        super().__init__()
        hidden = out_channels // 2
        self.conv1 = BaseConv(in_channels, hidden, 1, 1)
        self.conv2 = BaseConv(in_channels, hidden, 1, 1)
        self.conv3 = BaseConv(2 * hidden, out_channels, 1, 1)
        self.m = nn.Sequential(*(Bottleneck(hidden, shortcut, depthwise) for _ in range(n)))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H, W]."""
        # Both branches' first convolutions run before the bottlenecks, as in the original:
        # weights are paired with an exported graph by order of execution.
        deep, short = self.conv1(x), self.conv2(x)
        return self.conv3(torch.cat((self.m(deep), short), dim=1))


class Focus(nn.Module):
    """Space to depth by two, then a convolution."""

    def __init__(self, in_channels: int, out_channels: int, ksize: int) -> None:
        super().__init__()
        self.conv = BaseConv(in_channels * 4, out_channels, ksize, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, 3, H, W] to [B, out, H / 2, W / 2]."""
        quarters = (x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2])
        return self.conv(torch.cat(quarters, dim=1))

    def merged(self) -> BaseConv:
        """
        Return the same function as one convolution of twice the kernel and stride 2.

        It gives the same numbers without the slicing, which costs engines as much as the
        convolution itself; a state dict has another shape then.
        """
        conv, bn = self.conv.conv, self.conv.bn
        channels, size = conv.in_channels // 4, conv.kernel_size[0]
        merged = BaseConv(channels, conv.out_channels, 2 * size, 2)
        weight = conv.weight.new_zeros(conv.out_channels, channels, 2 * size, 2 * size)
        parts = conv.weight.detach().chunk(4, dim=1)
        for part, (row, column) in zip(parts, ((0, 0), (1, 0), (0, 1), (1, 1)), strict=True):
            weight[:, :, row::2, column::2] = part
        merged.conv.weight = nn.Parameter(weight)
        merged.conv.padding = (size - 1, size - 1)
        merged.bn = bn
        return merged


class CSPDarknet(nn.Module):
    """Backbone; gives the maps of strides 8, 16 and 32."""

    def __init__(self, depth: float, width: float, depthwise: bool) -> None:
        super().__init__()
        base = int(width * 64)
        n = max(round(depth * 3), 1)
        conv = _spatial_conv(depthwise)
        # An export puts the merged convolution in its place.
        self.stem: Focus | BaseConv = Focus(3, base, ksize=3)
        self.dark2 = nn.Sequential(
            conv(base, base * 2, 3, 2), CSPLayer(base * 2, base * 2, n, depthwise=depthwise))
        self.dark3 = nn.Sequential(
            conv(base * 2, base * 4, 3, 2),
            CSPLayer(base * 4, base * 4, n * 3, depthwise=depthwise))
        self.dark4 = nn.Sequential(
            conv(base * 4, base * 8, 3, 2),
            CSPLayer(base * 8, base * 8, n * 3, depthwise=depthwise))
        self.dark5 = nn.Sequential(
            conv(base * 8, base * 16, 3, 2), SPPBottleneck(base * 16, base * 16),
            CSPLayer(base * 16, base * 16, n, shortcut=False, depthwise=depthwise))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map images [B, 3, H, W] to maps of strides 8, 16, 32."""
        return self.deep(self.shallow(x))

    def shallow(self, x: Tensor) -> Tensor:
        """Map images [B, 3, H, W] to the map of stride 4; training mostly freezes this part."""
        return self.dark2(self.stem(x))

    def deep(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map the map of stride 4 to those of strides 8, 16, 32."""
        dark3 = self.dark3(x)
        dark4 = self.dark4(dark3)
        return dark3, dark4, self.dark5(dark4)


class YOLOPAFPN(nn.Module):
    """Path-aggregation neck over CSPDarknet."""

    def __init__(self, depth: float, width: float, depthwise: bool) -> None:
        super().__init__()
        self.backbone = CSPDarknet(depth, width, depthwise)
        c0, c1, c2 = (int(c * width) for c in (256, 512, 1024))
        n = round(3 * depth)
        conv = _spatial_conv(depthwise)
        self.lateral_conv0 = BaseConv(c2, c1, 1, 1)
        self.C3_p4 = CSPLayer(2 * c1, c1, n, False, depthwise)
        self.reduce_conv1 = BaseConv(c1, c0, 1, 1)
        self.C3_p3 = CSPLayer(2 * c0, c0, n, False, depthwise)
        self.bu_conv2 = conv(c0, c0, 3, 2)
        self.C3_n3 = CSPLayer(2 * c0, c1, n, False, depthwise)
        self.bu_conv1 = conv(c1, c1, 3, 2)
        self.C3_n4 = CSPLayer(2 * c1, c2, n, False, depthwise)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Map images [B, 3, H, W] to merged maps of strides 8, 16, 32."""
        return self.merge(self.backbone(x))

    def merge(self, maps: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Merge the backbone's maps of strides 8, 16, 32."""
        x2, x1, x0 = maps
        fpn_out0 = self.lateral_conv0(x0)
        f_out0 = self.C3_p4(torch.cat([_upsample(fpn_out0), x1], 1))
        fpn_out1 = self.reduce_conv1(f_out0)
        pan_out2 = self.C3_p3(torch.cat([_upsample(fpn_out1), x2], 1))
        pan_out1 = self.C3_n3(torch.cat([self.bu_conv2(pan_out2), fpn_out1], 1))
        pan_out0 = self.C3_n4(torch.cat([self.bu_conv1(pan_out1), fpn_out0], 1))
        return pan_out2, pan_out1, pan_out0


def _upsample(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode='nearest')


class YOLOXHead(nn.Module):
    """Decoupled head: class, objectness and box for every cell of every level."""

    def __init__(self, num_classes: int, width: float, depthwise: bool) -> None:
        super().__init__()
        hidden = int(256 * width)
        conv = _spatial_conv(depthwise)
        in_channels = [int(c * width) for c in (256, 512, 1024)]

        def tower() -> nn.Sequential:
            return nn.Sequential(conv(hidden, hidden, 3, 1), conv(hidden, hidden, 3, 1))

        self.cls_convs = nn.ModuleList(tower() for _ in in_channels)
        self.reg_convs = nn.ModuleList(tower() for _ in in_channels)
        self.cls_preds = nn.ModuleList(nn.Conv2d(hidden, num_classes, 1) for _ in in_channels)
        self.reg_preds = nn.ModuleList(nn.Conv2d(hidden, 4, 1) for _ in in_channels)
        self.obj_preds = nn.ModuleList(nn.Conv2d(hidden, 1, 1) for _ in in_channels)
        self.stems = nn.ModuleList(BaseConv(c, hidden, 1, 1) for c in in_channels)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Map the three levels to raw outputs [B, A, 5 + classes]: box, objectness, classes."""
        outputs = []
        for k, x in enumerate(maps):
            x = self.stems[k](x)
            classes = self.cls_preds[k](self.cls_convs[k](x))
            regression = self.reg_convs[k](x)
            box, objectness = self.reg_preds[k](regression), self.obj_preds[k](regression)
            outputs.append(torch.cat([box, objectness, classes], 1).flatten(2))
        return torch.cat(outputs, dim=2).transpose(1, 2)


class YOLOX(nn.Module):
    """
    YOLOX of a given size.

    :param size: one of nano, tiny, s, m, l, x.
    :param num_classes: number of classes of the head (80 in Megvii's checkpoints).
    """

    def __init__(self, size: str = 'nano', num_classes: int = 80) -> None:
        super().__init__()
        depth, width, depthwise = SIZES[size]
        self.backbone = YOLOPAFPN(depth, width, depthwise)
        self.head = YOLOXHead(num_classes, width, depthwise)

    def forward(self, images: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """
        Detect, undecoded.

        :param images: float [B, 3, H, W], BGR 0-255, H and W multiples of 32.
        :return: raw outputs [B, A, 5 + classes] (logits) and the neck's maps of strides 8, 16, 32.
        """
        return self.from_shallow(self.backbone.backbone.shallow(images))

    def from_shallow(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Detect from the backbone's map of stride 4; the result is that of ``forward``."""
        maps = self.backbone.merge(self.backbone.backbone.deep(x))
        return self.head(maps), maps


def anchor_points(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """
    Give the cell corners and strides of all levels, in the order of the head's outputs.

    :param maps: maps of strides 8, 16, 32 (only their sizes and device are used).
    :return: corners float [A, 2] (x, y in cells) and strides float [A, 1].
    """
    corners, strides = [], []
    for x, stride in zip(maps, STRIDES, strict=True):
        rows = torch.arange(x.shape[2], device=x.device, dtype=torch.float32)
        columns = torch.arange(x.shape[3], device=x.device, dtype=torch.float32)
        grid_y, grid_x = torch.meshgrid(rows, columns, indexing='ij')
        corner = torch.stack((grid_x, grid_y), 2).reshape(-1, 2)
        corners.append(corner)
        strides.append(torch.full_like(corner[:, :1], stride))
    return torch.cat(corners), torch.cat(strides)


def decode(raw: Tensor, corners: Tensor, strides: Tensor) -> tuple[Tensor, Tensor]:
    """
    Turn raw outputs into boxes and scores.

    :param raw: float [B, A, 5 + classes], logits.
    :return: boxes [B, A, 4] xyxy in input pixels and scores [B, A, classes], objectness x class.
    """
    centre = (raw[..., :2] + corners) * strides
    half = raw[..., 2:4].exp() * (strides * 0.5)
    boxes = torch.cat((centre - half, centre + half), dim=-1)
    return boxes, raw[..., 4:5].sigmoid() * raw[..., 5:].sigmoid()
