# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings are compared from the mean of their scene."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
import numpy as np

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.scene import PRIOR, SceneMean


def _people(count, shift, seed=0):
    """Return unit embeddings of different people that all have a common part."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(count, 16)) * 0.3
    own[:, 0] += shift
    return (own / np.linalg.norm(own, axis=1, keepdims=True)).astype(np.float32)


def test_common_part_is_taken_out():
    looks = _people(60, shift=3.0)
    scene = SceneMean(16, 1000)
    scene.learn(looks)
    before, after = looks @ looks.T, scene.cosines(looks, looks)
    apart = ~np.eye(len(looks), dtype=bool)
    assert np.median(before[apart]) > 0.8
    assert np.median(after[apart]) < 0.2
    np.testing.assert_allclose(np.diag(after), 1, rtol=1e-5)


def test_window_forgets_an_earlier_scene():
    scene = SceneMean(16, 50)
    scene.learn(_people(500, shift=3.0))
    for seed in range(20):
        scene.learn(_people(50, shift=-3.0, seed=seed))
    fresh = SceneMean(16, 50)
    fresh.learn(_people(500, shift=-3.0, seed=19))
    looks = _people(5, shift=-3.0, seed=99)
    np.testing.assert_allclose(
        scene.cosines(looks, looks), fresh.cosines(looks, looks), atol=0.2)


def test_nothing_seen_or_no_window_changes_nothing():
    looks = _people(5, shift=3.0)
    scene = SceneMean(16, 0)
    scene.learn(looks)
    for unmoved in (scene, SceneMean(16, 100)):
        np.testing.assert_allclose(unmoved.cosines(looks, looks), looks @ looks.T, atol=1e-6)


@given(st.integers(0, 2 ** 32 - 1), st.integers(1, 40), st.floats(0, 5), st.integers(0, 100))
def test_cosines_equal_those_of_centred_embeddings(seed, frames, shift, window):
    """The dot products that avoid a copy give what subtracting the mean would."""
    scene, total, count = SceneMean(16, window), np.zeros(16), 0.0
    for step in range(frames):
        looks = _people(5, shift, seed + step).astype(float)
        good = np.random.default_rng(seed + step).random(5) < 0.7
        scene.learn(looks.astype(np.float32), good)
        total, count = total + looks[good].sum(axis=0), count + good.sum()
        if count > window:
            total, count = total * window / count, window
    queries = _people(9, shift, seed + frames)
    centred = queries - total / (count + PRIOR)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    np.testing.assert_allclose(scene.cosines(queries, queries), centred @ centred.T, atol=1e-3)


def test_one_look_for_ever_stays_a_cosine():
    """The mean of a frozen picture is the picture: nothing is left to compare."""
    look = _people(1, shift=3.0)
    scene = SceneMean(16, 1000000)
    for _ in range(20):
        scene.learn(np.repeat(look, 50000, axis=0))
    assert np.abs(scene.cosines(look, look)).max() <= 1


def test_window_may_change_at_run_time():
    looks = _people(8, shift=3.0)
    boxes = np.array([[x, 0, x + 20, 60] for x in range(0, 240, 30)], np.float32)
    people = Detections(boxes, np.full(8, 0.9), np.zeros(8), looks)
    tracker = Tracker(TrackerConfig(scene_window=2000))
    tracker.update(people, 0.0)
    # Seen from the mean, the noise of a second look is most of what is left.
    again = looks + 0.05 * np.random.default_rng(1).normal(size=looks.shape)
    again /= np.linalg.norm(again, axis=1, keepdims=True)
    second = Detections(boxes, np.full(8, 0.9), np.zeros(8), again)
    tracker.config = replace(tracker.config, scene_window=0)
    assert len(tracker.update(second, 0.1)) == 8


def test_stranger_is_not_recalled_for_what_all_share():
    """Two people of one scene look alike from zero, and different from the scene's mean."""
    looks = _people(8, shift=3.0)
    boxes = np.array([[x, 0, x + 20, 60] for x in range(0, 240, 30)], np.float32)
    tracker = Tracker(TrackerConfig(memory_seconds=30))
    everyone = Detections(boxes, np.full(8, 0.9), np.zeros(8), looks)
    for stamp in (0.0, 0.1, 0.2):
        tracker.update(everyone, stamp)
    for stamp in (0.3, 2.0):
        tracker.update(everyone[:6], stamp)
    stranger = Detections(
        boxes[:1] + [500, 0, 500, 0], [0.9], [0], _people(9, shift=3.0, seed=4)[8:])
    for stamp in (2.1, 2.2):
        ids = tracker.update(stranger, stamp).ids.tolist()
    assert ids == [9]
