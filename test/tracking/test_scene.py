# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Embeddings are compared from the mean of their scene."""

import numpy as np

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.scene import SceneMean


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


def test_stranger_is_not_recalled_for_what_all_share():
    """Two people of one scene look alike from zero, and different from the scene's mean."""
    looks = _people(8, shift=3.0)
    boxes = np.array([[x, 0, x + 20, 60] for x in range(0, 240, 30)], np.float32)
    ids = {}
    for window in (0, 2000):
        tracker = Tracker(TrackerConfig(
            memory_seconds=30, memory_gate=0.5, memory_margin=0, scene_window=window))
        everyone = Detections(boxes, np.full(8, 0.9), np.zeros(8), looks)
        for stamp in (0.0, 0.1, 0.2):
            tracker.update(everyone, stamp)
        for stamp in (0.3, 2.0):
            tracker.update(everyone[:6], stamp)
        stranger = Detections(
            boxes[:1] + [500, 0, 500, 0], [0.9], [0], _people(9, shift=3.0, seed=4)[8:])
        for stamp in (2.1, 2.2):
            ids[window] = tracker.update(stranger, stamp).ids.tolist()
    assert ids[2000] == [9]
    assert ids[0] != [9]
