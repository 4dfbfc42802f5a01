# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Which frames each step trains on: a function of the seed and the step's number alone.

So a training that was killed goes on with the very frames it would have seen, and the number of
worker processes changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler

from finetrack_ros.datasets.annotations import Clip
from finetrack_ros.training.config import DataConfig
from finetrack_ros.training.samplers import (
    BatchSampler,
    RandomFrameSampler,
    SequentialSampler,
    ShuffleGroupSampler,
)


class Step(NamedTuple):
    """What one batch is made of: real frames as (clip, frame), and the seed of its randomness."""

    frames: list[tuple[int, int]]
    seed: tuple[int, ...]


class StepSchedule(Sampler[Step]):
    """
    The batches of a training: sampler batches, one pass after the other.

    :param clips: the clips that steps refer to.
    :param repeats: how often each clip is seen in one pass.
    :param config: sampler, sizes and seed.
    :param batches: number of batches of the whole training, for each process.
    :ivar start: number of the batch that the next iteration begins with.
    """

    def __init__(self, clips: Sequence[Clip], repeats: Sequence[int], config: DataConfig,
                 batches: int) -> None:
        self._config, self._clips, self._batches = config, clips, batches
        # A sampler video is one of a clip's interleaved videos: its clip and frame positions.
        self._videos = [
            (number, np.arange(start, len(clip.frames), stride))
            for number, (clip, repeat) in enumerate(zip(clips, repeats, strict=True))
            for _ in range(repeat)
            for stride in [config.frame_stride if clip.is_video else 1]
            for start in range(min(stride, len(clip.frames)))
        ]
        self.sampler = _make_sampler([len(frames) for _, frames in self._videos], config)
        self.start = 0
        self._rank, self._processes = 0, 1

    def share(self, rank: int, processes: int) -> None:
        """Take every ``processes``-th batch from ``rank`` on: several processes train at once."""
        self._rank, self._processes = rank, processes

    def __len__(self) -> int:
        """Return the number of batches of the whole training."""
        return self._batches

    def __iter__(self) -> Iterator[Step]:
        """Yield the batches from ``start`` on."""
        batches: list[list[tuple[int, int]]] = []
        current = -1
        for place in range(self.start, self._batches):
            number = place * self._processes + self._rank
            turn, position = divmod(number, len(self.sampler))
            if turn != current:
                batches, current = self._pass(turn), turn
            yield Step(batches[position], (self._config.seed, number))

    def _pass(self, turn: int) -> list[list[tuple[int, int]]]:
        """Return the batches of one pass; still images, having no order, are regrouped in each."""
        orders = []
        for number, frames in self._videos:
            rng = np.random.default_rng((self._config.seed, turn, number))
            orders.append(frames if self._clips[number].is_video else rng.permutation(frames))
        return [[(self._videos[video][0], int(orders[video][frame])) for video, frame in batch]
                for batch in self.sampler.batches(turn)]


def _make_sampler(lengths: list[int], config: DataConfig) -> BatchSampler:
    if config.sampler == 'shuffle_group':
        return ShuffleGroupSampler(lengths, config.group_size, config.real_frames, config.seed)
    kinds = {'random': RandomFrameSampler, 'sequential': SequentialSampler}
    return kinds[config.sampler](lengths, config.real_frames, config.seed)
