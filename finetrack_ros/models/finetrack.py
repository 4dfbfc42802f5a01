# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
FineTrack: one backbone pass for detection and for fine-grained appearance.

Ren et al., "Focus On Details: Online Multi-object Tracking with Diverse Fine-grained
Representation", CVPR 2023, arXiv 2302.14589. Where the paper leaves a choice it is ours:
FAFPN merges the detector's maps down to stride 8 on the whole image; its last, finest step runs
per target on the RoI grid, where the fine map comes from the target's own pixels. A person of
20x60 pixels in the network's input covers three by eight cells of a stride-8 map, too few to tell
clothes apart, and a whole-image map of stride 2 would cost more than the detector.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import nn, Tensor
import torch.nn.functional as F  # noqa: N812

from finetrack_ros.models.fafpn import conv_bn, FAFPN, FlowAlign, merger
from finetrack_ros.models.mpmg import masked_pool, MPMG
from finetrack_ros.models.sampling import sample_rois
from finetrack_ros.models.yolox import anchor_points, decode, SIZES, YOLOX


@dataclass(frozen=True)
class FineTrackConfig:
    """
    Every number of the architecture.

    ``embedding_classes`` names those of ``class_names`` that the embedder was trained for.
    """

    size: str = 'nano'
    class_names: tuple[str, ...] = ('person',)
    embedding_classes: tuple[str, ...] = ('person',)
    alignment: str = 'flow'
    fafpn_channels: int = 64
    roi_rows: int = 24
    roi_columns: int = 8
    crop_rows: int = 96
    crop_columns: int = 32
    stem_channels: int = 32
    trunk_channels: int = 128
    heads: int = 6
    head_dim: int = 32
    global_dim: int = 128
    local_dim: int = 64

    @property
    def embedding_dim(self) -> int:
        """Width of the joint embedding."""
        return self.global_dim + self.heads * self.local_dim

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for a checkpoint."""
        return asdict(self)


class Vectors(NamedTuple):
    """
    What the losses need of N targets with K parts.

    ``global_raw`` [N, Dg] and ``local_raw`` [N, K, Dl] before the BN-neck, ``global_bn`` and
    ``local_bn`` after it, ``parts`` [N, K, C] the pooled parts in their common feature space.
    """

    global_raw: Tensor
    local_raw: Tensor
    global_bn: Tensor
    local_bn: Tensor
    parts: Tensor


class BasicBlock(nn.Module):
    """Residual block of two 3x3 convolutions (He et al., arXiv 1512.03385)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = conv_bn(in_channels, out_channels, 3, stride)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map [N, in, H, W] to [N, out, H / stride, W / stride]."""
        return F.relu(self.bn2(self.conv2(self.conv1(x))) + self.shortcut(x))


class Embedder(nn.Module):
    """
    Turn regions into embeddings: RoI grid, last FAFPN step, trunk, MPMG, neck.

    :param config: the architecture's numbers.
    """

    def __init__(self, config: FineTrackConfig) -> None:
        super().__init__()
        self.config = config
        channels, trunk = config.fafpn_channels, config.trunk_channels
        self.stem = nn.Sequential(
            conv_bn(3, config.stem_channels, 3, 2), conv_bn(config.stem_channels, channels, 3, 2),
            BasicBlock(channels, channels))
        self.align = merger(config.alignment, channels)
        self.trunk = nn.Sequential(BasicBlock(channels, channels),
                                   BasicBlock(channels, trunk, 2), BasicBlock(trunk, trunk))
        self.global_head = nn.Linear(trunk, config.global_dim, bias=False)
        if config.heads:
            self.mpmg = MPMG(trunk, config.heads, config.head_dim)
            # A grouped 1x1 convolution is K linear layers side by side.
            self.local_head = nn.Conv1d(config.heads * trunk, config.heads * config.local_dim, 1,
                                        groups=config.heads, bias=False)
        self.neck = nn.BatchNorm1d(config.embedding_dim)
        self.form = 'grid_sample'

    def region_map(self, features: Tensor, rois: Tensor, crops: Tensor) -> Tensor:
        """
        Merge the detector's map and the target's pixels on the RoI grid.

        :param features: float [B, C, H/8, W/8].
        :param rois: float [N, 5], image index and box xyxy in input pixels.
        :param crops: uint8 or float [N, crop_rows, crop_columns, 3], BGR 0-255.
        :return: float [N, trunk_channels, roi_rows / 2, roi_columns / 2].
        """
        size = (self.config.roi_rows, self.config.roi_columns)
        coarse = sample_rois(features, rois, 8.0, size, self.form)
        # The type first: TensorRT transposes no uint8.
        pixels = crops.to(features.dtype).permute(0, 3, 1, 2) * (1 / 64.0) - 2.0
        return self.trunk(self.align(self.stem(pixels), coarse))

    def vectors(self, features: Tensor, rois: Tensor, crops: Tensor) -> Vectors:
        """Give the vectors that the losses need; parameters as ``region_map``."""
        config = self.config
        x = self.region_map(features, rois, crops)
        count = x.shape[0]
        if config.heads:
            global_pool, local_pool = masked_pool(x, self.mpmg(x))
            local = self.local_head(
                local_pool.reshape(count, config.heads * config.trunk_channels, 1))
            joint = torch.cat((self.global_head(global_pool), local.squeeze(2)), dim=1)
        else:
            joint = self.global_head(x.mean((2, 3)))
            local_pool = x.new_zeros((count, 0, config.trunk_channels))
        necked = self.neck(joint) if count or not self.training else joint
        split = (config.global_dim, config.heads * config.local_dim)
        parts = (count, config.heads, config.local_dim)
        global_raw, local_raw = joint.split(split, dim=1)
        global_bn, local_bn = necked.split(split, dim=1)
        return Vectors(global_raw, local_raw.reshape(parts), global_bn,
                       local_bn.reshape(parts), local_pool)

    def forward(self, features: Tensor, rois: Tensor, crops: Tensor) -> Tensor:
        """
        Embed regions; parameters as ``region_map``.

        :return: float [N, embedding_dim], rows of unit length; the dot product of two rows is
            half the cosine of the global vectors plus half the mean cosine of the local ones.
        """
        vectors = self.vectors(features, rois, crops)
        return joint_embedding(vectors.global_bn, vectors.local_bn)


def joint_embedding(global_vector: Tensor, local: Tensor) -> Tensor:
    """
    Join unit vectors with weights so that one dot product compares all of them.

    :param global_vector: float [N, Dg].
    :param local: float [N, K, Dl].
    :return: float [N, Dg + K * Dl], rows of unit length.
    """
    # Norms of half-precision vectors would be rounded, and their epsilon zero.
    global_vector, local = global_vector.float(), local.float()
    count, heads, dim = local.shape
    if not heads:
        return F.normalize(global_vector, dim=1)
    global_unit = F.normalize(global_vector, dim=1) * 0.5 ** 0.5
    local_unit = F.normalize(local, dim=2) * (0.5 / heads) ** 0.5
    return torch.cat((global_unit, local_unit.reshape(count, heads * dim)), dim=1)


class FineTrack(nn.Module):
    """
    Detector, FAFPN and embedder in one module.

    :param config: the architecture's numbers.
    """

    def __init__(self, config: FineTrackConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FineTrackConfig()
        self.detector = YOLOX(config.size, len(config.class_names))
        width = SIZES[config.size][1]
        self.fafpn = FAFPN([int(c * width) for c in (256, 512, 1024)], config.fafpn_channels,
                           config.alignment)
        self.embedder = Embedder(config)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Detect and give the map that the embedder reads.

        :param images: float [B, 3, H, W], BGR 0-255, letterboxed, H and W multiples of 32.
        :return: boxes [B, A, 4] xyxy in input pixels, scores [B, A, classes], features
            [B, fafpn_channels, H/8, W/8].
        """
        raw, maps = self.detector(images)
        # Half precision knows pixels above 2048 in steps of two.
        boxes, scores = decode(raw.float(), *anchor_points(maps))
        return boxes, scores, self.fafpn(maps)

    def set_sampling(self, form: str) -> None:
        """Choose how maps are sampled: ``gather`` for CPUs, ``grid_sample`` for TensorRT."""
        for module in self.modules():
            if isinstance(module, FlowAlign | Embedder):
                module.form = form
