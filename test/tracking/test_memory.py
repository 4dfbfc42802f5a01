# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracks come back by appearance alone when, and only when, it is clear who they are."""

import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.gallery import Gallery, probable_matches, VIEWS
from finetrack_ros.tracking.scene import SceneMean

BOX = np.array([100.0, 100, 150, 250])
AWAY = BOX + 700
LOOKS = np.eye(4, dtype=np.float32)


def frame(boxes, looks):
    """Make strong detections of one class."""
    return Detections(boxes, np.full(len(boxes), 0.9), np.zeros(len(boxes)), looks)


def tracker_that_saw(looks, seconds=5.0, **config):
    """Return a tracker that saw objects side by side for a second and then nothing."""
    tracker = Tracker(TrackerConfig(memory_seconds=60, **config))
    boxes = BOX + 200 * np.arange(len(looks))[:, None]
    for step in range(11):
        tracker.update(frame(boxes, looks), step / 10)
    for step in range(int(seconds)):
        tracker.update(Detections.empty(4), 2.0 + step)
    return tracker


def test_a_track_comes_back_far_away_after_a_long_time():
    tracker = tracker_that_saw(LOOKS[:2])
    tracks = tracker.update(frame([AWAY], LOOKS[1:2]), 7.0)
    assert tracks.ids.tolist() == [2]
    assert tracks.boxes[0].tolist() == AWAY.tolist()
    assert tracks.hits.tolist() == [12]
    np.testing.assert_allclose(tracks.velocities, 0)


def test_who_has_no_embedding_comes_back_by_motion_alone():
    looks = LOOKS[:2].copy()
    looks[1] = 0
    tracker = tracker_that_saw(looks, seconds=0, confirm_hits=1)
    bare = np.zeros((1, 4), np.float32)
    # Unseen for less than lost_seconds, it is where it was; later, nobody can tell.
    tracks = tracker.update(frame([BOX + 200], bare), 2.0)
    assert tracks.ids.tolist() == [2]
    assert not tracks.embeddings.any()
    assert tracker.update(frame([BOX + 200], bare), 9.0).ids.tolist() == [3]
    # Nor is it taken for one who has an embedding, or in the way of that one's return.
    tracks = tracker.update(frame([AWAY, AWAY + 300], np.concatenate([LOOKS[:1], bare])), 10.0)
    assert tracks.ids.tolist() == [1, 4]
    assert tracks.embeddings.any(axis=1).tolist() == [True, False]


def test_nothing_comes_back_with_the_memory_off():
    tracker = tracker_that_saw(LOOKS[:2])
    tracker.config = TrackerConfig(confirm_hits=1, memory_seconds=0)
    assert tracker.update(frame([AWAY], LOOKS[1:2]), 7.0).ids.tolist() == [3]


def test_a_stranger_gets_a_new_id():
    tracker = tracker_that_saw(LOOKS[:2], confirm_hits=1)
    assert tracker.update(frame([AWAY], LOOKS[2:3]), 7.0).ids.tolist() == [3]


def test_no_return_when_two_lost_tracks_look_alike():
    twins = np.array([[1, 0.05, 0, 0], [1, -0.05, 0, 0]], np.float32)
    twins /= np.linalg.norm(twins, axis=1, keepdims=True)
    tracker = tracker_that_saw(twins, confirm_hits=1)
    assert tracker.update(frame([AWAY], LOOKS[:1]), 7.0).ids.tolist() == [3]


def test_no_return_when_two_detections_look_alike():
    tracker = tracker_that_saw(LOOKS[:1], confirm_hits=1)
    tracks = tracker.update(frame([BOX, AWAY], LOOKS[[0, 0]]), 7.0)
    assert tracks.ids.tolist() == [2, 3]


def test_no_return_when_a_seen_track_looks_alike():
    tracker = tracker_that_saw(LOOKS[:1], confirm_hits=1)
    tracker.update(frame([AWAY], np.array([[0.6, 0.8, 0, 0]], np.float32)), 7.0)
    near = np.array([[0.8, 0.6, 0, 0]], np.float32)
    seen = frame([AWAY, BOX], np.array([[0.6, 0.8, 0, 0], near[0]], np.float32))
    assert tracker.update(seen, 7.1).ids.tolist() == [2, 3]


def test_memory_ends_after_its_seconds():
    tracker = tracker_that_saw(LOOKS[:1], seconds=70, confirm_hits=1)
    assert tracker.update(frame([AWAY], LOOKS[:1]), 80.0).ids.tolist() == [2]


def test_remembered_tracks_are_not_listed():
    tracker = tracker_that_saw(LOOKS[:1])
    assert len(tracker.tracks(include_lost=True)) == 0


def test_gallery_replaces_the_most_similar_view():
    gallery = Gallery(VIEWS + 1)
    looks = np.eye(VIEWS + 1, dtype=np.float32)
    slots = gallery.allocate(1)
    for look in looks[:VIEWS]:
        gallery.add(slots, look[None])
    changed = looks[[1]] * 0.9 + looks[[VIEWS]] * np.sqrt(1 - 0.81)
    gallery.add(slots, changed)
    no_scene = SceneMean(VIEWS + 1, 0)
    expected = [1, 0.9] + [1] * (VIEWS - 2) + [np.sqrt(1 - 0.81)]
    np.testing.assert_allclose(gallery.likeness(slots, looks, no_scene)[:, 0], expected, rtol=1e-5)


def test_gallery_reuses_released_slots():
    gallery = Gallery(2)
    first = gallery.allocate(40)
    gallery.release(first)
    assert sorted(gallery.allocate(40).tolist()) == sorted(first.tolist())


def test_no_track_comes_back_twice():
    """At the least probability, too, equals are ambiguous."""
    found, _, _ = probable_matches(np.full((2, 1), 1e6), np.zeros(2), 0.5)
    assert not len(found)


def test_forbidden_classes_come_back_at_no_gate():
    tracker = tracker_that_saw(
        LOOKS[:1], class_policy='forbid', recall_probability=0.5, confirm_hits=1)
    other = Detections([AWAY], [0.9], [1], LOOKS[:1])
    assert tracker.update(other, 7.0).ids.tolist() == [2]


@pytest.mark.parametrize(('odds', 'others', 'expected'), [
    ([[90, 2]], [3], [(0, 0)]),
    ([[20, 2]], [3], []),
    ([[90, 20]], [3], []),
    ([[90, 2]], [20], []),
    ([[90, 2], [20, 1]], [3, 3], []),
    ([[90, 1], [1, 90]], [3, 3], [(0, 0), (1, 1)])])
def test_matches_are_probable(odds, others, expected):
    *found, chances = probable_matches(np.array(odds, float), np.array(others, float), 0.9)
    assert list(zip(*(index.tolist() for index in found), strict=True)) == expected
    assert (chances >= 0.9).all() and (chances <= 1).all()
