# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which frames each step trains on, whatever happens to the training in between."""

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

pytest.importorskip('torch', reason='needs the extra "train"')

from finetrack_ros.datasets.annotations import AnnotatedFrame, Clip  # noqa: E402
from finetrack_ros.training.config import DataConfig, SAMPLERS  # noqa: E402
from finetrack_ros.training.schedule import StepSchedule  # noqa: E402

FRAME = AnnotatedFrame(Path('none.jpg'), np.zeros((0, 4), np.float32), np.zeros(0, np.int64),
                       np.zeros(0, np.bool_))
quick = settings(deadline=None, max_examples=40)


@dataclass(frozen=True)
class Case:
    """Lengths of the clips, which are videos, how often each is seen, and the sampling."""

    clips: list[tuple[int, bool, int]]
    config: DataConfig

    def schedule(self, batches: int = 10**6) -> StepSchedule:
        clips = [Clip(str(number), (FRAME,) * length, is_video)
                 for number, (length, is_video, _) in enumerate(self.clips)]
        return StepSchedule(clips, [repeat for *_, repeat in self.clips], self.config, batches)


cases = st.builds(
    Case,
    st.lists(st.tuples(st.integers(1, 25), st.booleans(), st.integers(1, 3)), min_size=1,
             max_size=4),
    st.builds(DataConfig, sampler=st.sampled_from(SAMPLERS), real_frames=st.integers(1, 6),
              group_size=st.integers(1, 7), frame_stride=st.integers(1, 5),
              seed=st.integers(0, 99)))


@quick
@given(case=cases, turns=st.integers(1, 3))
def test_each_pass_shows_each_frame_as_often_as_asked(case: Case, turns: int) -> None:
    schedule = case.schedule()
    steps = iter(schedule)
    wanted = {(clip, frame): repeat for clip, (length, _, repeat) in enumerate(case.clips)
              for frame in range(length)}
    for _ in range(turns):
        one_pass = list(islice(steps, len(schedule.sampler)))
        assert Counter(frame for step in one_pass for frame in step.frames) == wanted
        assert all(1 <= len(step.frames) <= case.config.real_frames for step in one_pass)


@quick
@given(case=cases, start=st.integers(0, 60))
def test_order_is_the_same_from_any_start(case: Case, start: int) -> None:
    whole, resumed = case.schedule(61), case.schedule(61)
    resumed.start = start
    assert list(resumed) == list(whole)[start:]
    assert len(resumed) == 61


@quick
@given(case=cases, processes=st.integers(1, 4), start=st.integers(0, 9))
def test_processes_divide_the_batches_among_them(case: Case, processes: int, start: int) -> None:
    whole = list(case.schedule(10 * processes))
    for rank in range(processes):
        mine = case.schedule(10)
        mine.start = start
        mine.share(rank, processes)
        assert list(mine) == whole[rank::processes][start:]


@quick
@given(case=cases)
def test_steps_are_a_function_of_the_seed(case: Case) -> None:
    steps = list(case.schedule(30))
    assert steps == list(case.schedule(30))
    assert len({step.seed for step in steps}) == 30


def test_seeds_and_passes_differ() -> None:
    def frames(seed, sampler):
        schedule = Case([(20, False, 1), (20, True, 1)], DataConfig(
            sampler=sampler, seed=seed)).schedule()
        return [[step.frames for step in islice(iter(schedule), turn, turn + 14)]
                for turn in (0, len(schedule.sampler))]

    for sampler in ('shuffle_group', 'random'):
        first, second = frames(0, sampler)
        assert first != second
        assert first != frames(1, sampler)[0]


def test_stride_spreads_the_frames_of_a_group() -> None:
    config = DataConfig(real_frames=4, group_size=4, frame_stride=2)
    groups = [[frame for _, frame in step.frames] for step in Case([(8, True, 1)],
                                                                  config).schedule(2)]
    assert sorted(groups) == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_batch_of_stills_is_another_in_each_pass() -> None:
    config = DataConfig(real_frames=3, group_size=3)
    batches = {tuple(step.frames) for step in Case([(9, False, 1)], config).schedule(30)}
    assert len(batches) > 20
