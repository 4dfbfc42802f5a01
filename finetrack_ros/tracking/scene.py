# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all people of a scene have in common, taken out before they are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.tracking.association import Floats, Index, Mask

PRIOR = 5.0
"""Weight of the zero vector in the mean, in detections: one person alone is not the scene."""
NEAREST = np.float32(1e-3)
"""What lies nearer to the mean counts as this far: float32 cannot tell its direction."""


@dataclass(frozen=True)
class View:
    """
    How embeddings lie to the mean m of their scene.

    :ivar along: their dot product with m, float32 [N].
    :ivar away: their distance from m, float32 [N].
    """

    along: Floats
    away: Floats

    def __getitem__(self, index: Index) -> View:
        """Return the view of the embeddings that an index array selects."""
        return View(self.along[index], self.away[index])


class SceneMean:
    """
    Running mean of the embeddings seen in one scene.

    Light, camera and resolution move all embeddings of a scene the same way, so that strangers
    look alike to a network that was trained elsewhere: measured on MOT16-09, the median cosine
    of two strangers is 0.8. Measured from the scene's mean it is below 0.

    The cosine of two embeddings a and b as seen from the mean m follows from a·b and from how
    each lies to m, so that no embedding is ever copied to be centred.

    :param dim: width D of the embeddings.
    :ivar window: number of detections over which the mean is taken; 0 keeps it at zero. May be
        changed between frames.
    """

    def __init__(self, dim: int, window: int) -> None:
        self._sum = np.zeros(dim, np.float64)
        self._mean = np.zeros(dim, np.float32)
        self._count = 0.0
        self.window = window

    def learn(self, embeddings: Floats, good: Mask | None = None) -> None:
        """Take in the unit embeddings [N, D] of a frame, or those of them where ``good`` [N]."""
        weights = np.ones(len(embeddings), np.float32)
        if good is not None:
            weights *= good
        if not weights.any():
            return
        self._sum += weights @ embeddings
        self._count += float(weights.sum())
        if self._count > self.window:
            self._sum *= self.window / self._count
            self._count = float(self.window)
        self._mean = (self._sum / (self._count + PRIOR)).astype(np.float32)

    def view(self, embeddings: Floats) -> View:
        """Return how embeddings [N, D] lie to the mean."""
        along = embeddings @ self._mean
        squared = np.einsum('nd,nd->n', embeddings, embeddings) - 2 * along
        squared += self._mean @ self._mean
        return View(along, np.sqrt(np.maximum(squared, NEAREST ** 2)))

    def cosine(self, dot: Floats, a: View, b: View) -> Floats:
        """
        Return cosines as seen from the mean.

        :param dot: dot products of embeddings, [P].
        :param a: view of the first embedding of each product, [P].
        :param b: view of the second, [P].
        :return: float32 [P], in -1..1 but for rounding.
        """
        return (dot - a.along - b.along + self._mean @ self._mean) / (a.away * b.away)

    def cosines(self, a: NDArray[np.float32], b: NDArray[np.float32]) -> Floats:
        """Return the cosine as seen from the mean of every pair of rows, [N, M]."""
        first, second = self.view(a), self.view(b)
        across = View(first.along[:, None], first.away[:, None])
        return self.cosine(a @ b.T, across, second)
