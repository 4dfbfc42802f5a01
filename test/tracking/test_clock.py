# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Disorder of stamps costs no track, and a new recording is told from it."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.clock import Clock

BOX = np.array([100.0, 100, 150, 250])


def ids_at(stamps, **config):
    """Return the ids of one person who stands still, frame by frame."""
    tracker = Tracker(TrackerConfig(**config))
    found = Detections(BOX[None], [0.9], [0])
    return [tracker.update(found, stamp).ids.tolist() for stamp in stamps], tracker


def at(rate, *numbers):
    """Return the stamps of frames by number."""
    return [number / rate for number in numbers]


@pytest.mark.parametrize('stamps', [
    [0, .04, .08, .12, .115, .155],
    [0, .04, .08, .12, .12, .115, .115, .155],
    at(25, 0, 1, 3, 2, 4, 6, 5, 7),
    at(25, 0, 1, 2, 3, 7, 6, 5, 4, 8, 9),
    at(100, 0, 1, 2, 3, 7, 6, 5, 4, 8, 9),
    at(2, 0, 1, 2, 4, 3, 5),
    at(30, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6),
    [0, .04, .08, *(.08 - .005 * step for step in range(1, 60)), -.175],
], ids=['step', 'repeated', 'swapped', 'reversed', 'fast', 'slow', 'clock', 'many steps'])
def test_disorder_keeps_the_id(stamps):
    ids, tracker = ids_at(stamps)
    assert ids == [[1]] * len(stamps)
    assert tracker.jumps == 0
    assert tracker.disordered == sum(b < a for a, b in zip(stamps, stamps[1:], strict=False))


@pytest.mark.parametrize('length', [3, 12])
@pytest.mark.parametrize('rate', [5, 25, 100])
def test_a_recording_that_starts_again_renews_the_ids(rate, length):
    stamps = [100 + stamp for stamp in at(rate, *range(length), *range(length), *range(length))]
    ids, tracker = ids_at(stamps)
    assert ids == [[1]] * length + [[2]] * length + [[3]] * length
    assert (tracker.jumps, tracker.disordered) == (2, 0)
    ids, tracker = ids_at(stamps, on_jump_back='continue')
    assert ids == [[1]] * 3 * length and tracker.jumps == 2


def test_another_recording_renews_the_ids_whatever_its_rate():
    stamps = [*at(25, *range(30)), *(-3 + stamp for stamp in at(5, *range(10))), -1000, -999.9]
    ids, tracker = ids_at(stamps)
    assert ids == [[1]] * 30 + [[2]] * 10 + [[3]] * 2
    assert tracker.jumps == 2


def test_time_passes_once_whatever_the_order():
    clock = Clock()
    for stamp in at(25, 0, 1, 3, 2, 4, 6, 5, 7):
        clock.advance(stamp, 30)
    assert clock.time == pytest.approx(7 / 25)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.sampled_from([1, 10, 30, 240]))
def test_late_frames_never_stop_the_time_for_long(delays, rate):
    # Each image arrives after up to three younger ones.
    order = sorted(range(len(delays)), key=lambda number: (number + delays[number], number))
    clock = Clock()
    for number in order:
        dt, jumped = clock.advance(number / rate, rate)
        assert dt >= 0 and not jumped
    assert clock.time == pytest.approx((len(delays) - 1 - order[0]) / rate, abs=1e-6)


def test_a_clock_that_runs_backwards_does_not_stop_the_time():
    clock = Clock()
    for step in range(200):
        clock.advance(step * 0.04, 25)
    for step in range(400):
        clock.advance(7.96 - step * 0.04, 25)
    assert clock.time > 7.96 + 2


@pytest.mark.parametrize(('rate', 'lost'), [(0.1, 1.5), (0.5, 1.5), (1, 0.5), (30, 0.0)])
def test_a_track_outlives_a_few_frame_periods_whatever_they_are(rate, lost):
    ids, _ = ids_at(at(rate, *range(6)), lost_seconds=lost)
    assert ids == [[1]] * 6
    tracker = Tracker(TrackerConfig(lost_seconds=lost))
    found = Detections(BOX[None], [0.9], [0])
    for number in range(12):
        there = number % 3 == 0
        tracks = tracker.update(found if there else Detections.empty(), number / rate)
        assert tracks.ids.tolist() == [1] * there
