# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Batch samplers over videos: shuffle-group sampling and the two it is compared with.

Each sampler yields batches as lists of ``(video, frame)`` positions, both 0-based. An epoch holds
every frame of every video exactly once; its order depends on nothing but the seed and the epoch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from finetrack_ros.errors import ConfigError

FramePosition = tuple[int, int]


class BatchSampler(ABC):
    """
    Batches of frame positions, one list per batch.

    :param video_lengths: number of frames of each video
    :param batch_size: frames per batch; a batch is shorter where its frames run out
    :param seed: the order of an epoch is a function of seed and epoch number
    :raises ConfigError: when a length, the batch size or the seed is out of range
    """

    def __init__(self, video_lengths: Sequence[int], batch_size: int, seed: int = 0) -> None:
        _require('batch_size', batch_size, 1)
        _require('seed', seed, 0)
        for video, length in enumerate(video_lengths):
            _require(f'video_lengths[{video}]', length, 0)
        self.video_lengths = tuple(video_lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.epoch = 0
        self._length = len(self.batches(0))

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration yields."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of batches, the same in every epoch."""
        return self._length

    def __iter__(self) -> Iterator[list[FramePosition]]:
        """Yield the batches of the epoch chosen with ``set_epoch``."""
        return iter(self.batches(self.epoch))

    @abstractmethod
    def batches(self, epoch: int) -> list[list[FramePosition]]:
        """Return all batches of one epoch, in order."""


class ShuffleGroupSampler(BatchSampler):
    """
    Shuffle-Group Sampling (FineTrack, arXiv 2302.14589), our reading of it.

    Each video is cut into consecutive groups of ``group_size`` frames (its last group may be
    shorter) and the groups are shuffled each epoch. Frames stay in order within a group and a
    batch shows one video. A batch is one group, or a run within one where groups are longer than
    batches; where they are shorter, it joins as many groups of the video as fit.

    :param video_lengths: number of frames of each video
    :param group_size: frames per group
    :param batch_size: most frames per batch
    :param seed: see ``BatchSampler``
    :raises ConfigError: when an argument is out of range
    """

    def __init__(self, video_lengths: Sequence[int], group_size: int, batch_size: int,
                 seed: int = 0) -> None:
        _require('group_size', group_size, 1)
        self.group_size = group_size
        super().__init__(video_lengths, batch_size, seed)

    def batches(self, epoch: int) -> list[list[FramePosition]]:
        """Return all batches of one epoch, in order."""
        rng = np.random.default_rng((self.seed, epoch))
        joined = max(1, self.batch_size // self.group_size)
        packs: list[list[FramePosition]] = []
        for video, length in enumerate(self.video_lengths):
            groups = _chunks([(video, frame) for frame in range(length)], self.group_size)
            order = rng.permutation(len(groups))
            for chosen in _chunks(list(order), joined):
                packs.append([position for index in chosen for position in groups[index]])
        order = rng.permutation(len(packs))
        return [batch for index in order for batch in _chunks(packs[index], self.batch_size)]


class RandomFrameSampler(BatchSampler):
    """Frames of all videos in random order, as image-based trackers train."""

    def batches(self, epoch: int) -> list[list[FramePosition]]:
        """Return all batches of one epoch, in order."""
        rng = np.random.default_rng((self.seed, epoch))
        positions = _all_positions(self.video_lengths)
        order = rng.permutation(len(positions))
        return _chunks([positions[index] for index in order], self.batch_size)


class SequentialSampler(BatchSampler):
    """Videos one after the other, their frames in order; the same in every epoch."""

    def batches(self, epoch: int) -> list[list[FramePosition]]:
        """Return all batches of one epoch, in order."""
        return [
            batch
            for video, length in enumerate(self.video_lengths)
            for batch in _chunks([(video, frame) for frame in range(length)], self.batch_size)
        ]


def _all_positions(video_lengths: Sequence[int]) -> list[FramePosition]:
    return [(video, frame) for video, length in enumerate(video_lengths)
            for frame in range(length)]


def _chunks(items: list, size: int) -> list[list]:
    return [items[start:start + size] for start in range(0, len(items), size)]


def _require(name: str, value: int, minimum: int) -> None:
    if value < minimum:
        raise ConfigError(f'{name} = {value}: must be at least {minimum}')
