# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every track's story is told once, in order, and agrees with the tracks given out."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from test_reference import scene

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import EventKind, Tracker, TrackerConfig

BOX = np.array([100.0, 100, 150, 250])
LOOKS = np.eye(4, dtype=np.float32)


def frame(boxes, looks=None):
    """Make strong detections of one class."""
    return Detections(np.reshape(boxes, (-1, 4)), np.full(len(boxes), 0.9), np.zeros(len(boxes)),
                      looks)


def story(tracker):
    """Return kind and id of the last update's events."""
    return [(event.kind.value, event.track_id) for event in tracker.events]


def test_a_life_without_embeddings():
    tracker, other = Tracker(TrackerConfig(lost_seconds=1.0)), BOX + 400
    tracker.update(frame([BOX]), 0.0)
    assert story(tracker) == [('born', 1), ('confirmed', 1)]
    tracker.update(frame([BOX, other]), 0.1)
    assert story(tracker) == [('born', 2)]
    tracker.update(frame([BOX, other]), 0.2)
    assert story(tracker) == [('confirmed', 2)]
    tracker.update(frame([BOX]), 0.3)
    assert story(tracker) == [('lost', 2)]
    tracker.update(frame([BOX]), 0.4)
    assert story(tracker) == []
    tracker.update(frame([BOX, other]), 0.5)
    assert story(tracker) == [('returned', 2)]
    assert tracker.events[0].gap == pytest.approx(0.3) and tracker.events[0].probability == 1
    for stamp in (0.6, 1.2, 1.6):
        tracker.update(frame([other]), stamp)
    assert story(tracker) == [('ended', 1)]
    assert tracker.events[0].gap == pytest.approx(1.1)
    tracker.reset()
    assert story(tracker) == [('ended', 2)]


def test_a_recall_tells_gap_and_probability():
    tracker = Tracker()
    boxes = BOX + 200 * np.arange(2)[:, None]
    for step in range(11):
        tracker.update(frame(boxes, LOOKS[:2]), step / 10)
    for step in range(5):
        tracker.update(Detections.empty(4), 2.0 + step)
    tracker.update(frame([BOX + 700], LOOKS[1:2]), 7.0)
    assert story(tracker) == [('recalled', 2)]
    assert tracker.events[0].gap == pytest.approx(6.0)
    assert 0.9 <= tracker.events[0].probability < 1


@settings(max_examples=20)
@given(st.integers(0, 2 ** 32 - 1), st.integers(0, 8), st.sampled_from([None, 8]))
def test_stories_agree_with_the_tracks(seed, targets, dim):
    tracker = Tracker(TrackerConfig(memory_seconds=3, lost_seconds=0.4, recall_probability=0.6))
    seen, alive = set(), set()
    for detections, stamp in scene(seed, targets, 60, dim, leaving=0.04):
        tracks = tracker.update(detections, stamp)
        for event in tracker.events:
            assert event.gap >= 0 and 0.5 < event.probability <= 1
            if event.kind == EventKind.BORN:
                assert event.track_id not in alive
                alive.add(event.track_id)
            elif event.kind in (EventKind.CONFIRMED, EventKind.RETURNED, EventKind.RECALLED):
                # Recalled without being lost before where the next frame comes late.
                assert event.track_id in alive
                assert event.track_id not in seen or event.kind == EventKind.RECALLED
                seen.add(event.track_id)
            elif event.kind == EventKind.LOST:
                seen.remove(event.track_id)
            else:
                alive.remove(event.track_id)
                # Not lost before where the next frame comes too late.
                seen.discard(event.track_id)
        assert set(tracks.ids.tolist()) == seen <= alive
