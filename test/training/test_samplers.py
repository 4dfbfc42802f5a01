# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Invariants of the batch samplers."""

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.training.samplers import (
    RandomFrameSampler,
    SequentialSampler,
    ShuffleGroupSampler,
)

lengths = st.lists(st.integers(0, 40), max_size=5)
small = st.integers(1, 9)
seeds = st.integers(0, 1000)
SAMPLERS = {
    'shuffle_group': lambda videos, batch, seed=0: ShuffleGroupSampler(videos, 3, batch, seed),
    'random': RandomFrameSampler,
    'sequential': SequentialSampler,
}


@pytest.mark.parametrize('kind', SAMPLERS)
@settings(deadline=None)
@given(videos=lengths, batch_size=small, seed=seeds, epoch=seeds)
def test_epoch_holds_every_frame_once(kind, videos, batch_size, seed, epoch):
    sampler = SAMPLERS[kind](videos, batch_size, seed)
    sampler.set_epoch(epoch)
    batches = list(sampler)
    positions = [position for batch in batches for position in batch]
    everything = [(video, frame) for video, n in enumerate(videos) for frame in range(n)]
    assert sorted(positions) == everything
    assert len(batches) == len(sampler)
    assert all(1 <= len(batch) <= batch_size for batch in batches)


@pytest.mark.parametrize('kind', SAMPLERS)
@settings(deadline=None)
@given(videos=lengths, batch_size=small, seed=seeds, epoch=seeds)
def test_order_depends_on_seed_and_epoch_alone(kind, videos, batch_size, seed, epoch):
    first = SAMPLERS[kind](videos, batch_size, seed)
    list(first)
    first.set_epoch(epoch)
    second = SAMPLERS[kind](videos, batch_size, seed)
    second.set_epoch(epoch)
    assert list(first) == list(second)


@pytest.mark.parametrize('kind', ['shuffle_group', 'sequential'])
@settings(deadline=None)
@given(videos=lengths, batch_size=small, seed=seeds)
def test_batch_shows_one_video(kind, videos, batch_size, seed):
    for batch in SAMPLERS[kind](videos, batch_size, seed):
        assert len({video for video, _ in batch}) == 1


@settings(deadline=None)
@given(videos=lengths, group_size=small, batch_size=small, seed=seeds, epoch=seeds)
def test_groups_are_consecutive_and_in_order(videos, group_size, batch_size, seed, epoch):
    sampler = ShuffleGroupSampler(videos, group_size, batch_size, seed)
    sampler.set_epoch(epoch)
    positions = [position for batch in sampler for position in batch]
    while positions:
        video, start = positions[0]
        assert start % group_size == 0
        size = min(group_size, videos[video] - start)
        assert positions[:size] == [(video, start + step) for step in range(size)]
        positions = positions[size:]


@settings(deadline=None)
@given(videos=lengths, group_size=small, seed=seeds)
def test_batch_of_group_size_is_one_group(videos, group_size, seed):
    for batch in ShuffleGroupSampler(videos, group_size, group_size, seed):
        assert batch[0][1] % group_size == 0
        assert [frame for _, frame in batch] == list(range(batch[0][1], batch[-1][1] + 1))


@pytest.mark.parametrize('kind', ['shuffle_group', 'random'])
def test_epochs_and_seeds_differ(kind):
    sampler = SAMPLERS[kind]([60, 60], 4)
    first = list(sampler)
    sampler.set_epoch(1)
    assert list(sampler) != first
    assert list(SAMPLERS[kind]([60, 60], 4, 1)) != first


def test_groups_of_all_videos_are_mixed():
    videos = [batch[0][0] for batch in ShuffleGroupSampler([80, 80], 4, 4)]
    assert videos != sorted(videos)


def test_random_batches_mix_videos():
    assert any(len({video for video, _ in batch}) > 1 for batch in RandomFrameSampler([20, 20], 4))


@pytest.mark.parametrize(('arguments', 'name'), [
    (([5], 0, 4), 'group_size'), (([5], 4, 0), 'batch_size'), (([5, -1], 4, 4), 'video_lengths'),
    (([5], 4, 4, -1), 'seed'),
])
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ConfigError, match=name):
        ShuffleGroupSampler(*arguments)
