# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Evidence follows what the scene shows, and says nothing where a cue tells nothing."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from reference import PlainEvidence

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig
from finetrack_ros.tracking.appearance import LOOKS
from finetrack_ros.tracking.evidence import Distributions, Evidence, LEAST_DEVIATION


def draw(rng, mean, deviation, count):
    """Draw values of a cue."""
    return rng.normal(mean, deviation, count).astype(np.float32)


@given(st.integers(0, 2 ** 32 - 1), st.floats(-1, 1), st.floats(-1, 1))
def test_evidence_equals_the_plain_one(seed, same, different):
    rng = np.random.default_rng(seed)
    fast, plain = Evidence(LOOKS, 4.0), PlainEvidence(4.0)
    for _ in range(4):
        values = draw(rng, same, 0.2, rng.integers(0, 500)), draw(rng, different, 0.2, 300)
        fast.learn(*values)
        plain.learn(*values)
    asked = draw(rng, 0, 0.5, 9)
    np.testing.assert_allclose(
        fast.ratio(asked), [plain.ratio(value) for value in asked.tolist()], rtol=2e-3, atol=2e-3)


@given(st.integers(0, 2 ** 32 - 1), st.floats(-1, 1), st.floats(0.05, 0.5))
def test_a_cue_that_tells_nothing_is_worth_nothing(seed, mean, deviation):
    rng = np.random.default_rng(seed)
    evidence = Evidence(LOOKS, 4.0)
    for _ in range(20):
        evidence.learn(draw(rng, mean, deviation, 100), draw(rng, mean, deviation, 100))
    assert np.abs(evidence.ratio(draw(rng, mean, deviation, 100))).max() < 1


@given(st.lists(st.floats(-1, 1, width=32), max_size=50),
       st.lists(st.floats(-1, 1, width=32), max_size=50))
def test_the_ratio_never_falls_as_the_cue_rises(same, different):
    evidence = Evidence(Distributions(0.6, 0.0, 0.25), 4.0)
    evidence.learn(np.array(same, np.float32), np.array(different, np.float32))
    ratio = evidence.ratio(np.linspace(-1, 1, 50, dtype=np.float32))
    assert (np.diff(ratio) >= 0).all() and np.abs(ratio).max() <= 4
    assert evidence.distributions.deviation >= LEAST_DEVIATION


def test_evidence_follows_the_scene():
    rng = np.random.default_rng(0)
    evidence = Evidence(LOOKS, 4.0)
    for mean in (0.9, 0.5):
        for _ in range(50):
            evidence.learn(draw(rng, mean, 0.1, 100), draw(rng, mean - 0.3, 0.1, 100))
        known = evidence.distributions
        assert known.same == pytest.approx(mean, abs=0.03)
        assert known.different == pytest.approx(mean - 0.3, abs=0.03)
        assert known.deviation == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize('policy', ['vote', 'forbid'])
def test_random_embeddings_do_no_harm(policy):
    """Whoever is tracked by motion alone is tracked the same way beside noise."""
    rng, ids = np.random.default_rng(0), {}
    crowd = rng.uniform(0, 600, (12, 2)), rng.normal(0, 4, (12, 2))
    noise = np.random.default_rng(1)
    for dim in (None, 32):
        tracker = Tracker(TrackerConfig(class_policy=policy))
        for step in range(60):
            centre = crowd[0] + step * crowd[1]
            looks = noise.normal(size=(12, dim or 1)).astype(np.float32)
            looks /= np.linalg.norm(looks, axis=1, keepdims=True)
            tracks = tracker.update(Detections(
                np.concatenate([centre - [20, 50], centre + [20, 50]], axis=1), np.full(12, 0.9),
                np.zeros(12), None if dim is None else looks), step / 30)
            ids.setdefault(dim, []).append(tracks.ids.tolist())
    assert ids[None] == ids[32]
