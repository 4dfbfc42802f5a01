# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""How tracks look: what appearance adds to association, and recall by appearance alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.tracking.association import (
    Candidates,
    cosine,
    Floats,
    Index,
    lead,
    Mask,
)
from finetrack_ros.tracking.config import TrackerConfig
from finetrack_ros.tracking.gallery import Gallery, unambiguous_matches
from finetrack_ros.tracking.scene import SceneMean
from finetrack_ros.tracking.store import TrackStore

SAMPLE_SECONDS = 0.5
"""Time between two samples of a track for the gallery: frames next to each other look alike."""


class Appearance:
    """
    The looks of a store's tracks, and the mean of the scene that they are seen from.

    :param store: the tracks; their smoothed embeddings and gallery slots are written here only.
    :param dim: width D of the embeddings.
    """

    def __init__(self, store: TrackStore, dim: int) -> None:
        self._store = store
        # The window follows the configuration, frame by frame.
        self._scene = SceneMean(dim, window=0)
        self._gallery = Gallery(dim)

    def see(self, embeddings: Floats, good: Mask, config: TrackerConfig) -> None:
        """Learn what the frame's embeddings [N, D] have in common, where ``good`` [N]."""
        self._scene.window = config.scene_window
        self._scene.learn(embeddings, good)

    def forget_scene(self) -> None:
        """Start a new scene."""
        self._scene = SceneMean(self._gallery.dim, self._scene.window)

    def release(self, slots: NDArray[np.int32]) -> None:
        """Give back the gallery slots [N] of tracks that are dropped; -1 is none."""
        self._gallery.release(slots[slots >= 0])

    def favour(self, pairs: Candidates, similarity: Floats, embeddings: Floats, clear: Mask,
               config: TrackerConfig) -> tuple[Candidates, Floats]:
        """
        Forbid pairs that look different and favour those that look alike.

        :param pairs: candidate pairs of tracks and detections, [P].
        :param similarity: their similarity without appearance, [P].
        :param embeddings: of the detections, unit rows [N, D].
        :param clear: which detections have an embedding that tells something, [N].
        :return: the pairs that remain and their similarity.
        """
        store, scene = self._store, self._scene
        tracked = store.ensure_embeddings(embeddings.shape[1])
        likeness = scene.cosine(
            cosine(tracked, embeddings, pairs), scene.view(tracked)[pairs.rows],
            scene.view(embeddings)[pairs.cols])
        known = store.embedded[pairs.rows] & clear[pairs.cols]
        alike = ~known | (likeness >= config.appearance_gate)
        pairs, similarity = pairs[alike], similarity[alike]
        likeness = np.where(known, np.maximum(likeness, 0), 0)[alike]
        trust = 1 + lead(likeness, pairs.rows, len(store))[pairs.rows]
        trust += lead(likeness, pairs.cols, len(embeddings))[pairs.cols]
        return pairs, similarity + np.float32(config.appearance_weight) * trust * likeness

    def learn(self, rows: Index, embeddings: Floats, clock: float, config: TrackerConfig) -> None:
        """Move the tracks' embeddings towards the detections' [N, D] and sample these."""
        store = self._store
        known = store.ensure_embeddings(embeddings.shape[1])
        mixed = known[rows]
        mixed *= np.float32(config.embedding_momentum) * store.embedded[rows, None]
        mixed += np.where(store.embedded[rows, None],
                          np.float32(1 - config.embedding_momentum), np.float32(1)) * embeddings
        norm = np.sqrt(np.einsum('nd,nd->n', mixed, mixed))[:, None]
        mixed /= np.maximum(norm, np.finfo(np.float32).tiny)
        known[rows] = mixed
        store.embedded[rows] = True
        if config.memory_seconds > 0:
            due = store.slots[rows] < 0
            due |= clock - store.sampled[rows] >= SAMPLE_SECONDS
            self._sample(rows[due], embeddings[due], clock)

    def _sample(self, rows: Index, embeddings: Floats, clock: float) -> None:
        """Put embeddings [N, D] of the given tracks into the gallery."""
        store = self._store
        fresh = rows[store.slots[rows] < 0]
        store.slots[fresh] = self._gallery.allocate(len(fresh))
        self._gallery.add(store.slots[rows], embeddings)
        store.sampled[rows] = clock

    def recall(self, looks: Floats, classes: NDArray[np.int32], lost: Index, seen: Index,
               config: TrackerConfig) -> tuple[Index, Index]:
        """
        Find the lost tracks that newcomers are by their looks alone.

        :param looks: embeddings of the newcomers, unit rows [N, D].
        :param classes: their classes, [N].
        :param lost: rows of the tracks that may come back, [L].
        :param seen: rows of the tracks in view, which newcomers must not look like.
        :return: newcomers and the rows of the tracks that they are.
        """
        store = self._store
        lost = lost[store.slots[lost] >= 0]
        likeness = self._gallery.likeness(store.slots[lost], looks, self._scene)
        if config.class_policy == 'forbid':
            likeness[classes[:, None] != store.classes[lost]] = -np.inf
        visible = store.ensure_embeddings(looks.shape[1])[seen[store.embedded[seen]]]
        rivals = self._scene.cosines(looks, visible).max(axis=1, initial=-1)
        found, index = unambiguous_matches(
            likeness, rivals, config.memory_gate, config.memory_margin)
        return found, lost[index]
