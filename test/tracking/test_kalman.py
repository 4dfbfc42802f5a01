# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The array filter equals a dense eight-state filter, whatever it is fed."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from reference import DenseKalman

from finetrack_ros.tracking import kalman

NOISE = kalman.Noise()


def dense_state(filters):
    """Stack dense filters into the layout of KalmanState."""
    means = np.array([each.mean for each in filters])
    blocks = [np.array([np.diag(each.covariance[rows, cols]) for each in filters])
              for rows, cols in [(slice(4), slice(4)), (slice(4), slice(4, 8)),
                                 (slice(4, 8), slice(4, 8))]]
    return kalman.KalmanState(means[:, :4], means[:, 4:], *blocks)


@given(st.integers(0, 2 ** 32 - 1), st.integers(1, 6), st.integers(1, 40))
def test_trajectories_equal_the_dense_filter(seed, count, steps):
    rng = np.random.default_rng(seed)
    boxes = rng.uniform([0, 0, 5, 5], [1000, 1000, 200, 400], (count, 4))
    fast = kalman.initiate(boxes, NOISE)
    dense = [DenseKalman(box, NOISE) for box in boxes]
    for _ in range(steps):
        dt = rng.choice([0.0, 1 / 60, 1 / 30, 0.5])
        kalman.predict(fast, dt, NOISE)
        for each in dense:
            each.predict(dt)
        if rng.random() < 0.7:
            boxes = boxes + rng.normal(0, 3, boxes.shape)
            fast = kalman.update(fast, boxes, NOISE)
            for each, box in zip(dense, boxes, strict=True):
                each.update(box)
    for name, expected in vars(dense_state(dense)).items():
        np.testing.assert_allclose(getattr(fast, name), expected, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize('frame_rate', [2, 10, 30, 60])
def test_velocity_is_found_at_any_frame_rate(frame_rate):
    velocity = np.array([60.0, -30, 0, 0])
    start = np.array([500.0, 500, 50, 100])
    state = kalman.initiate(start[None], NOISE)
    for step in range(1, 3 * frame_rate):
        kalman.predict(state, 1 / frame_rate, NOISE)
        state = kalman.update(state, (start + velocity * step / frame_rate)[None], NOISE)
    np.testing.assert_allclose(state.velocity[0], velocity, atol=1)


def test_one_long_step_equals_two_short_ones():
    def filters():
        return kalman.initiate(np.array([[10.0, 20, 30, 40]]), NOISE)
    long, short = filters(), filters()
    kalman.predict(long, 0.2, NOISE)
    kalman.predict(short, 0.1, NOISE)
    kalman.predict(short, 0.1, NOISE)
    for name, values in vars(long).items():
        np.testing.assert_allclose(values, getattr(short, name))


def test_predicted_boxes_keep_a_positive_size():
    state = kalman.initiate(np.array([[10.0, 20, 30, 40]]), NOISE)
    state.velocity[:, 2:] = -1000
    kalman.predict(state, 1.0, NOISE)
    assert (state.position[:, 2:] > 0).all()
