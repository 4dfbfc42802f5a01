# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Constant-velocity Kalman filter of many boxes at once.

The usual tracker state (centre x, centre y, width, height and their velocities; SORT,
arXiv 1602.00763) has diagonal initial covariance, process noise and measurement noise, and a
transition that couples each coordinate with its own velocity alone. It therefore stays four
independent filters of two states for ever, and predict and update are a few element-wise
operations on [M, 4] arrays: no matrix products, no Cholesky factors, no loop over tracks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MIN_SIDE = 1.0
"""Shortest side of a predicted box in pixels: a shrinking box must not turn inside out."""


@dataclass(frozen=True)
class Noise:
    """
    Noise of the filter as fractions of the box: x and width scale with width, y with height.

    :ivar measurement: standard deviation of a detected coordinate.
    :ivar position: random walk of the coordinate, per square root of a second.
    :ivar velocity: random walk of the velocity, per second and square root of a second.
    :ivar initial_velocity: standard deviation of a new track's velocity, per second.
    """

    measurement: float = 0.05
    position: float = 0.27
    velocity: float = 1.0
    initial_velocity: float = 1.9


@dataclass
class KalmanState:
    """
    State of M filters; every array is float64 [M, 4] over centre x, centre y, width, height.

    :ivar position: pixels.
    :ivar velocity: pixels per second.
    :ivar p_pp: variance of the position.
    :ivar p_pv: covariance of position and velocity.
    :ivar p_vv: variance of the velocity.
    """

    position: Array
    velocity: Array
    p_pp: Array
    p_pv: Array
    p_vv: Array


def _scale(boxes: Array) -> Array:
    """Return the length that each coordinate's noise is a fraction of: width and height."""
    sides = np.maximum(boxes[:, 2:], MIN_SIDE)
    return np.concatenate([sides, sides], axis=1)


def initiate(measurement: Array, noise: Noise) -> KalmanState:
    """Return filters that start at measured cxcywh boxes [M, 4] with unknown velocity."""
    scale = _scale(measurement)
    zeros = np.zeros_like(measurement)
    return KalmanState(
        position=measurement.copy(), velocity=zeros,
        p_pp=(2 * noise.measurement * scale) ** 2, p_pv=zeros.copy(),
        p_vv=(noise.initial_velocity * scale) ** 2)


def predict(state: KalmanState, dt: float, noise: Noise) -> None:
    """
    Move all filters on by ``dt`` seconds, in place.

    Both random walks are integrated over dt (Bar-Shalom, Estimation with Applications to Tracking
    and Navigation, 6.2), so that one step of two frames equals two steps of one.
    """
    scale = _scale(state.position)
    q_position = (noise.position * scale) ** 2
    q_velocity = (noise.velocity * scale) ** 2
    state.position += dt * state.velocity
    np.maximum(state.position[:, 2:], MIN_SIDE, out=state.position[:, 2:])
    state.p_pp += dt * (2 * state.p_pv + dt * state.p_vv + q_position + dt * dt / 3 * q_velocity)
    state.p_pv += dt * (state.p_vv + dt / 2 * q_velocity)
    state.p_vv += dt * q_velocity


def drift(state: KalmanState, noise: Noise) -> Array:
    """
    Return how far centres may be from their prediction, beyond the noise of a detection.

    :return: standard deviation in pixels, horizontally and vertically, [M, 2].
    """
    measured = (noise.measurement * _scale(state.position)[:, :2]) ** 2
    return np.sqrt(np.maximum(state.p_pp[:, :2] - measured, 0))


def warp(state: KalmanState, affine: Array) -> None:
    """
    Move all filters with the camera, in place (BoT-SORT, arXiv 2206.14651).

    Translation and scale are exact. Rotation turns centres and their velocities; boxes stay
    upright and variances keep to their axes, which for the few degrees between two frames leaves
    out less than the noise, and keeps the filters decoupled.

    :param affine: [2, 3], from pixels of the frame before to pixels of this frame.
    """
    linear, shift = affine[:, :2], affine[:, 2]
    scale = np.sqrt(abs(np.linalg.det(linear)))
    state.position[:, :2] = state.position[:, :2] @ linear.T + shift
    state.velocity[:, :2] = state.velocity[:, :2] @ linear.T
    state.position[:, 2:] *= scale
    state.velocity[:, 2:] *= scale
    for covariance in (state.p_pp, state.p_pv, state.p_vv):
        covariance *= scale ** 2


def update(state: KalmanState, measurement: Array, noise: Noise) -> KalmanState:
    """Return the filters [M] after each took its measured cxcywh box [M, 4]."""
    variance = (noise.measurement * _scale(state.position)) ** 2
    total = state.p_pp + variance
    gain_p = state.p_pp / total
    gain_v = state.p_pv / total
    residual = measurement - state.position
    return KalmanState(
        position=state.position + gain_p * residual,
        velocity=state.velocity + gain_v * residual,
        p_pp=gain_p * variance,
        p_pv=gain_v * variance,
        p_vv=state.p_vv - gain_v * state.p_pv)


def recover(state: KalmanState, back: NDArray[np.bool_], before: Array, now: Array,
            absent: Array, noise: Noise) -> None:
    """
    Restart filters of tracks that were absent from the two detections around the absence.

    The prediction of an unseen track drifts, and so would its velocity after one update
    (observation-centric re-update of OC-SORT, arXiv 2203.14360). Two-point initiation
    (Bar-Shalom, 5.5.3) gives what re-updating along a straight line between the two detections
    tends to, in one step.

    :param state: all filters of the frame [M], changed in place where ``back``.
    :param back: which tracks came back, bool [M].
    :param before: last detection before the absence, cxcywh [M, 4].
    :param now: detection of this frame, cxcywh [M, 4].
    :param absent: seconds between the two, [M].
    """
    span = absent[back, None]
    scale = _scale(now[back])
    variance = (noise.measurement * scale) ** 2
    velocity = (now[back] - before[back]) / span
    velocity[:, 2:] = 0
    state.position[back] = now[back]
    state.velocity[back] = velocity
    state.p_pp[back] = variance
    state.p_pv[back] = variance / span
    state.p_vv[back] = 2 * variance / span ** 2 + span * (noise.velocity * scale) ** 2
