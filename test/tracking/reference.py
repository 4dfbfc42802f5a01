# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Slow, plain twins of the fast tracking code: dense matrices, loops, one object per thing."""

import lap
import numpy as np


class DenseKalman:
    """Eight-state constant-velocity filter of one box, with full matrices."""

    def __init__(self, box, noise):
        """Start at a cxcywh box [4] with unknown velocity."""
        self.noise = noise
        scale = self._scale(box)
        self.mean = np.concatenate([box, np.zeros(4)])
        self.covariance = np.diag(np.concatenate([
            (2 * noise.measurement * scale) ** 2, (noise.initial_velocity * scale) ** 2]))

    @staticmethod
    def _scale(box):
        width, height = max(box[2], 1.0), max(box[3], 1.0)
        return np.array([width, height, width, height])

    def predict(self, dt):
        """Move on by dt seconds."""
        scale = self._scale(self.mean[:4])
        position = (self.noise.position * scale) ** 2
        velocity = (self.noise.velocity * scale) ** 2
        transition = np.eye(8)
        transition[:4, 4:] = dt * np.eye(4)
        process = np.zeros((8, 8))
        process[:4, :4] = np.diag(dt * position + dt ** 3 / 3 * velocity)
        process[:4, 4:] = process[4:, :4] = np.diag(dt ** 2 / 2 * velocity)
        process[4:, 4:] = np.diag(dt * velocity)
        self.mean = transition @ self.mean
        self.mean[2:4] = np.maximum(self.mean[2:4], 1.0)
        self.covariance = transition @ self.covariance @ transition.T + process

    def update(self, box):
        """Take a measured cxcywh box [4]."""
        observe = np.eye(4, 8)
        measurement = np.diag((self.noise.measurement * self._scale(self.mean[:4])) ** 2)
        total = observe @ self.covariance @ observe.T + measurement
        gain = self.covariance @ observe.T @ np.linalg.inv(total)
        self.mean = self.mean + gain @ (box - observe @ self.mean)
        self.covariance = (np.eye(8) - gain @ observe) @ self.covariance


def dense_assignment(rows, cols, cost, limit, shape):
    """Assign with lap's own cost_limit on the full matrix; returns the set of (row, col)."""
    if min(shape) == 0:
        return set()
    matrix = np.full(shape, limit + 1e3)
    matrix[rows, cols] = cost
    _, col_of_row, _ = lap.lapjv(matrix, extend_cost=True, cost_limit=limit)
    return {(row, col) for row, col in enumerate(col_of_row.tolist()) if col >= 0}
