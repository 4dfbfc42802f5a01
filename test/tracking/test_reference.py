# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The array tracker equals the plain one over whole random scenes."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from reference import PlainTracker

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.kalman import Noise


def scene(seed, targets, frames, dim, leaving=0.0, bare=0.0):
    """
    Yield the detections and stamps of people who walk, cross, hide and are misdetected.

    ``leaving`` is the chance of each in each frame to leave for a while and return elsewhere,
    ``bare`` that of each detection to have no embedding; every third target then never has one.
    """
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0, 400, (targets, 2))
    velocity = rng.normal(0, 60, (targets, 2))
    size = rng.uniform([20, 60], [60, 150], (targets, 2))
    looks = rng.normal(size=(targets, dim or 1))
    returns = np.zeros(targets)
    stamp = 0.0
    for _ in range(frames):
        dt = rng.choice([1 / 60, 1 / 30, 0.1, 0.5], p=[0.3, 0.5, 0.15, 0.05])
        stamp += dt
        centre = centre + velocity * dt
        leaves = (returns < stamp) & (rng.random(targets) < leaving)
        returns[leaves] = stamp + rng.uniform(0.2, 4, leaves.sum())
        centre[leaves] = rng.uniform(0, 400, (leaves.sum(), 2))
        seen = np.flatnonzero((returns < stamp) & (rng.random(targets) > 0.15))
        boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)[seen]
        boxes = boxes + rng.normal(0, 2, boxes.shape)
        views = looks[seen] + 0.5 * rng.normal(size=(len(seen), looks.shape[1]))
        views /= np.linalg.norm(views, axis=1, keepdims=True)
        if bare:
            views[(rng.random(len(seen)) < bare) | (seen % 3 == 0)] = 0
        with_looks = dim is not None and rng.random() > 0.1
        yield Detections(boxes, rng.uniform(0.15, 1, len(seen)), rng.integers(0, 2, len(seen)),
                         views if with_looks else None), stamp


def compare(config, frames, other=None):
    """
    Run both trackers, assert that they agree in every frame, and return the last new id.

    With another configuration, both change to it and back every 20 frames.
    """
    fast = Tracker(config)
    plain = PlainTracker(config, Noise(
        config.measurement_noise, config.position_noise, config.velocity_noise))
    for number, (detections, stamp) in enumerate(frames):
        if other is not None and number and number % 20 == 0:
            config, other = other, config
            fast.config = plain.config = config
        tracks = fast.update(detections, stamp)
        expected = plain.update(detections, stamp)
        got = dict(zip(tracks.ids.tolist(), tracks.detection_indices.tolist(), strict=True))
        assert got == expected
        every = fast.tracks(include_lost=True)
        near = [track for track in plain.tracks if plain.in_reach(track)]
        assert every.ids.tolist() == [track.id for track in near]
        assert every.classes.tolist() == [track.cls for track in near]
        means = np.array([track.kalman.mean for track in near]).reshape(-1, 8)
        np.testing.assert_allclose(every.velocities, means[:, 4:], rtol=1e-4, atol=1e-2)
    return plain.next_id - 1


@settings(max_examples=25)
@given(st.integers(0, 2 ** 32 - 1), st.integers(0, 10), st.sampled_from([None, 8]))
def test_whole_scenes_equal_the_plain_tracker(seed, targets, dim):
    compare(TrackerConfig(memory_seconds=0, recover_seconds=0.2), scene(seed, targets, 40, dim))


@settings(max_examples=25)
@given(st.integers(0, 2 ** 32 - 1), st.integers(0, 10), st.sampled_from([0, 60, 2000]),
       st.sampled_from(['vote', 'forbid', 'ignore']), st.floats(0.55, 0.95))
def test_scenes_with_recall_equal_the_plain_tracker(seed, targets, window, policy, least):
    config = TrackerConfig(
        memory_seconds=3, lost_seconds=0.4, recall_probability=least, scene_window=window,
        class_policy=policy)
    compare(config, scene(seed, targets, 80, 8, leaving=0.04))


@settings(max_examples=25)
@given(st.integers(0, 2 ** 32 - 1), st.integers(0, 10), st.sampled_from([60, 2000]),
       st.sampled_from(['vote', 'forbid', 'ignore']), st.sampled_from([0.01, 0.3, 1.0]))
def test_scenes_where_some_have_no_embedding(seed, targets, window, policy, bare):
    config = TrackerConfig(memory_seconds=3, lost_seconds=0.4, recall_probability=0.7,
                           scene_window=window, class_policy=policy)
    compare(config, scene(seed, targets, 80, 8, leaving=0.04, bare=bare))


@settings(max_examples=10)
@given(st.integers(0, 2 ** 32 - 1), st.integers(1, 10))
def test_memory_and_window_change_at_run_time(seed, targets):
    config = TrackerConfig(memory_seconds=3, lost_seconds=0.4, recall_probability=0.7)
    other = replace(config, memory_seconds=0, scene_window=30)
    compare(config, scene(seed, targets, 80, 8, leaving=0.04), other)


def test_these_scenes_have_many_recalls():
    config = TrackerConfig(memory_seconds=3, lost_seconds=0.4, recall_probability=0.7)
    frames = list(scene(1, 8, 150, 8, leaving=0.04))
    assert compare(config, frames) < 0.8 * compare(replace(config, memory_seconds=0), frames)
