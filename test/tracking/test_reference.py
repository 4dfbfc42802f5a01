# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The array tracker equals the plain one over whole random scenes."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from reference import PlainTracker

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.kalman import Noise


def scene(seed, targets, frames, dim):
    """Yield the detections and stamps of people who walk, cross, hide and are misdetected."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0, 400, (targets, 2))
    velocity = rng.normal(0, 60, (targets, 2))
    size = rng.uniform([20, 60], [60, 150], (targets, 2))
    looks = rng.normal(size=(targets, dim or 1))
    stamp = 0.0
    for _ in range(frames):
        dt = rng.choice([1 / 60, 1 / 30, 0.1, 0.5], p=[0.3, 0.5, 0.15, 0.05])
        stamp += dt
        centre = centre + velocity * dt
        seen = np.flatnonzero(rng.random(targets) > 0.15)
        boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)[seen]
        boxes = boxes + rng.normal(0, 2, boxes.shape)
        views = looks[seen] + 0.5 * rng.normal(size=(len(seen), looks.shape[1]))
        views /= np.linalg.norm(views, axis=1, keepdims=True)
        with_looks = dim is not None and rng.random() > 0.1
        yield Detections(boxes, rng.uniform(0.15, 1, len(seen)), rng.integers(0, 2, len(seen)),
                         views if with_looks else None), stamp


@settings(max_examples=25)
@given(st.integers(0, 2 ** 32 - 1), st.integers(0, 10), st.sampled_from([None, 8]))
def test_whole_scenes_equal_the_plain_tracker(seed, targets, dim):
    # No sum of frame periods comes near 0.21 s, where the two clocks might round differently.
    config = TrackerConfig(memory_seconds=0, recover_seconds=0.21)
    fast = Tracker(config)
    plain = PlainTracker(config, Noise(
        config.measurement_noise, config.position_noise, config.velocity_noise))
    for detections, stamp in scene(seed, targets, 40, dim):
        tracks = fast.update(detections, stamp)
        expected = plain.update(detections, stamp)
        got = dict(zip(tracks.ids.tolist(), tracks.detection_indices.tolist(), strict=True))
        assert got == expected
        every = fast.tracks(include_lost=True)
        assert every.ids.tolist() == [track.id for track in plain.tracks]
        assert every.classes.tolist() == [track.cls for track in plain.tracks]
        means = np.array([track.kalman.mean for track in plain.tracks]).reshape(-1, 8)
        np.testing.assert_allclose(every.velocities, means[:, 4:], rtol=1e-4, atol=1e-2)
