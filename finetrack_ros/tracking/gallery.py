# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A few different views of each track's appearance, for finding it again long after."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.tracking.association import Floats, Index, Mask
from finetrack_ros.tracking.scene import SceneMean, View

VIEWS = 4
"""Embeddings kept per track: about front, back and two sides of a person."""


class Gallery:
    """
    Embeddings [slots, VIEWS, D]; a track holds a slot from its first sample until it is dropped.

    Slots never move, unlike the rows of the track store: at 500 tracks of 512 values the gallery
    is 4 MB, too much to shift whenever a track ends.
    """

    def __init__(self, dim: int) -> None:
        """Start without slots for embeddings of ``dim`` values."""
        self.dim = dim
        self._views = np.zeros((0, VIEWS, dim), np.float32)
        self._filled = np.zeros(0, np.int32)
        self._free: list[int] = []

    def allocate(self, count: int) -> NDArray[np.int32]:
        """Return ``count`` empty slots, growing by doubling where none are free."""
        if len(self._free) < count:
            size = len(self._filled)
            grown = max(2 * size, size + count, 16)
            views = np.zeros((grown, *self._views.shape[1:]), np.float32)
            views[:size] = self._views
            self._views = views
            self._filled = np.concatenate([self._filled, np.zeros(grown - size, np.int32)])
            self._free.extend(range(grown - 1, size - 1, -1))
        slots = [self._free.pop() for _ in range(count)]
        self._filled[slots] = 0
        self._views[slots] = 0
        return np.array(slots, np.int32)

    def release(self, slots: NDArray[np.int32]) -> None:
        """Give slots back."""
        self._free.extend(slots.tolist())

    def add(self, slots: NDArray[np.int32], embeddings: Floats) -> None:
        """
        Store one unit embedding [D] per slot: in an empty view, else over the most similar one.

        Replacing the most similar keeps the views apart, where a ring would forget the back of a
        person who has shown the front for a while.
        """
        if not len(slots):
            return
        similar = np.einsum('nvd,nd->nv', self._views[slots], embeddings).argmax(axis=1)
        filled = self._filled[slots]
        view = np.where(filled < VIEWS, filled, similar)
        self._views[slots, view] = embeddings
        self._filled[slots] = np.minimum(filled + 1, VIEWS)

    def likeness(self, slots: NDArray[np.int32], embeddings: Floats, scene: SceneMean) -> Floats:
        """
        Return the best cosine of each embedding with any view of each slot, [N, S].

        :param embeddings: unit rows [N, D].
        :param scene: the mean that cosines are measured from.
        """
        views = self._views[slots].reshape(-1, self.dim)
        product = scene.cosines(embeddings, views).reshape(len(embeddings), len(slots), VIEWS)
        empty = np.arange(VIEWS) >= self._filled[slots, None]
        best: Floats = np.where(empty, np.float32(-1), product).max(axis=2)
        return best

    def compare(self, slots: NDArray[np.int32], embeddings: Floats, scene: SceneMean
                ) -> tuple[Floats, Floats]:
        """
        Return how alike tracks are to what they looked like before, and to each other.

        The best view but one stands for a time ago: the best is mostly of a moment ago.

        :param slots: of tracks that are seen side by side, [N].
        :param embeddings: what they look like now, unit rows [N, D].
        :return: cosines of those with two views at least with themselves, [S <= N], and the best
            of each with the next one's views, [N], or none where there is one track.
        """
        views = self._views[slots]
        seen, known = scene.view(embeddings), scene.view(views.reshape(-1, self.dim))
        known = View(known.along.reshape(-1, VIEWS), known.away.reshape(-1, VIEWS))
        empty = np.arange(VIEWS) >= self._filled[slots, None]

        def cosines(shift: int) -> Floats:
            dot = np.einsum('nvd,nd->nv', views, np.roll(embeddings, shift, axis=0))
            near = View(*(np.roll(part, shift)[:, None] for part in (seen.along, seen.away)))
            return np.where(empty, np.float32(-1), scene.cosine(dot, near, known))

        own = np.sort(cosines(0), axis=1)[self._filled[slots] > 1, -2]
        other = cosines(1).max(axis=1)[:len(slots) if len(slots) > 1 else 0]
        return own, other


def probable_matches(odds: Floats, others: Floats, least: float
                     ) -> tuple[Index, Index, Floats]:
    """
    Pick pairs that are probably one, against all that either may be instead.

    :param odds: likelihood ratio of each detection with each lost track, [N, L].
    :param others: sum of the ratios of each detection with everybody else, [N].
    :param least: least probability.
    :return: detections, lost tracks and probabilities of the picked pairs.
    """
    if not odds.size:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.float32)
    rows = np.arange(len(odds))
    best = odds.argmax(axis=1)
    value = odds[rows, best]
    total = others + odds.sum(axis=1) + odds.sum(axis=0)[best] - value
    chance = value / total
    # Above one half nobody is picked twice.
    clear: Mask = chance >= max(least, 0.5 + 1e-6)
    return rows[clear], best[clear], chance[clear]
