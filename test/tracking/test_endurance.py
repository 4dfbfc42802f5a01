# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Memory and time of a frame do not grow with the number of frames and ids so far."""

import time
import tracemalloc

import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig


def strangers(rng, count, turn=0):
    """Make detections that nobody has seen before, spread so that none overlaps another."""
    corner = 100.0 * np.stack(np.divmod(np.arange(count), 40), axis=1) + rng.uniform(0, 40)
    # Far from those of the turns before, who may still be in reach.
    corner += 5000 * (turn % 3)
    looks = rng.normal(size=(count, 8)).astype(np.float32)
    looks /= np.linalg.norm(looks, axis=1, keepdims=True)
    return Detections(np.concatenate([corner, corner + 50], axis=1), np.full(count, 0.9),
                      np.zeros(count), looks)


def run(tracker, rng, frames, count):
    """Feed strangers and empty frames in turns; return the median seconds of two frames."""
    seconds = []
    for turn in range(frames):
        start = time.thread_time()
        tracker.update(strangers(rng, count, turn))
        tracker.update(Detections.empty(8))
        seconds.append(time.thread_time() - start)
    return float(np.median(seconds))


def check_growth(frames, count, memory_seconds):
    """Compare the state of a tracker before and after many frames; return the last id."""
    tracker = Tracker(TrackerConfig(
        frame_rate=0.4, confirm_hits=1, memory_seconds=memory_seconds, recall_probability=1.0))
    rng = np.random.default_rng(0)
    early = run(tracker, rng, 30, count)
    tracemalloc.start()
    run(tracker, rng, 10, count)
    before = tracemalloc.get_traced_memory()[0]
    run(tracker, rng, frames, count)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    late = run(tracker, rng, 30, count)
    assert grown < 2e6
    assert late < 3 * early + 1e-3
    return tracker.update(strangers(rng, 1)).ids[0]


def test_a_thousand_frames_of_strangers_leave_nothing_behind():
    assert check_growth(frames=300, count=100, memory_seconds=30.0) > 30_000


@pytest.mark.slow
def test_a_million_ids_leave_nothing_behind():
    # Forgotten by the next frame, but for their places in the gallery, which are used again.
    assert check_growth(frames=2000, count=500, memory_seconds=2.0) > 1_000_000


@pytest.mark.slow
def test_thirty_thousand_frames_take_no_longer_at_the_end():
    tracker, rng = Tracker(TrackerConfig(memory_seconds=1.0)), np.random.default_rng(0)
    early = run(tracker, rng, 500, 1)
    run(tracker, rng, 14_000, 1)
    assert run(tracker, rng, 500, 1) < 3 * early + 1e-3
