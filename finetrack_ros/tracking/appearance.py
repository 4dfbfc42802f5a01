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
    Mask,
    Pairs,
)
from finetrack_ros.tracking.config import TrackerConfig
from finetrack_ros.tracking.evidence import Distributions, Evidence
from finetrack_ros.tracking.gallery import Gallery, probable_matches
from finetrack_ros.tracking.scene import SceneMean
from finetrack_ros.tracking.store import TrackStore
from finetrack_ros.tracking.tracks import TrackState

SAMPLE_SECONDS = 0.5
"""Time between two samples of a track for the gallery: frames next to each other look alike."""
LOOKS = Distributions(same=0.6, different=0.0, deviation=0.25)
"""Cosines from the scene's mean before any are seen: those of a middling network."""
STEP_LIMIT, RETURN_LIMIT = 4.0, 6.0
"""Most nats that one look is worth, from frame to frame and after an absence."""
LEAST_RATIO = np.float32(np.log(0.1 / 0.9))
"""Log-likelihood ratio of a probability of 0.1: lost tracks that are less likely do not match."""
SURE = 2.0
"""Similarity of a certain match, in times that of the least."""
BESIDE = 16
"""Most pairs of two people that teach in a frame: more cost time and tell little more."""
STRANGERS = 3.0
"""How many strangers stand against each lost track that a newcomer may be."""


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
        self._start_learning()

    def see(self, embeddings: Floats, good: Mask, config: TrackerConfig) -> None:
        """Learn what the frame's embeddings [N, D] have in common, where ``good`` [N]."""
        self._scene.window = config.scene_window
        self._scene.learn(embeddings, good)

    def forget_scene(self) -> None:
        """Start a new scene."""
        self._scene = SceneMean(self._gallery.dim, self._scene.window)
        self._start_learning()

    def _start_learning(self) -> None:
        self._step = Evidence(LOOKS, STEP_LIMIT)
        # Which tracks the frame's sure pairs have: only they teach.
        self._sure = np.zeros(0, bool)
        self._return = Evidence(LOOKS, RETURN_LIMIT)

    @property
    def evidence(self) -> dict[str, Distributions]:
        """Return what is known of cosines from frame to frame, and after an absence."""
        return {'step': self._step.distributions, 'return': self._return.distributions}

    def release(self, slots: NDArray[np.int32]) -> None:
        """Give back the gallery slots [N] of tracks that are dropped; -1 is none."""
        self._gallery.release(slots[slots >= 0])

    def favour(self, pairs: Candidates, scores: Floats, embeddings: Floats, clear: Mask,
               config: TrackerConfig) -> tuple[Candidates, Floats]:
        """
        Favour pairs that look alike; forbid lost tracks that look different.

        A track seen in the frame before may look different: somebody passes in front of it.
        Pairs that nobody contests, of such tracks, teach what looks tell in this scene.

        :param pairs: candidate pairs of tracks and detections, [P].
        :param scores: their similarity without appearance, [P].
        :param embeddings: of the detections, unit rows [N, D].
        :param clear: which detections have an embedding that tells something, [N].
        :return: the pairs that remain and their similarity.
        """
        store, scene = self._store, self._scene
        tracked = store.ensure_embeddings(embeddings.shape[1])
        tracks, seen = scene.view(tracked), scene.view(embeddings)
        likeness = scene.cosine(
            cosine(tracked, embeddings, pairs), tracks[pairs.rows], seen[pairs.cols])
        known = store.embedded[pairs.rows] & clear[pairs.cols]
        ratio = np.where(known, self._step.ratio(likeness), 0)
        certain = known & _uncontested(pairs) & (scores > SURE * config.match_similarity)
        certain &= store.states[pairs.rows] == TrackState.CONFIRMED
        sure = pairs[np.flatnonzero(certain)]
        self._sure = np.zeros(len(store), bool)
        self._sure[sure.rows] = True
        beside = _side_by_side(sure[np.arange(min(len(sure), BESIDE))])
        self._step.learn(likeness[certain], scene.cosine(
            cosine(tracked, embeddings, beside), tracks[beside.rows], seen[beside.cols]))
        fit = (ratio >= LEAST_RATIO) | (store.states[pairs.rows] == TrackState.CONFIRMED)
        favoured = scores + np.float32(config.appearance_weight) * np.maximum(ratio, 0)
        return pairs[fit], favoured[fit]

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
        old = store.slots[rows] >= 0
        old[old] = self._sure[rows[old]]
        slots = store.slots[rows[old]]
        if len(slots):
            same, different = self._gallery.compare(slots, embeddings[old], self._scene)
            self._return.learn(same, different)
        fresh = rows[store.slots[rows] < 0]
        store.slots[fresh] = self._gallery.allocate(len(fresh))
        self._gallery.add(store.slots[rows], embeddings)
        store.sampled[rows] = clock

    def recall(self, looks: Floats, classes: NDArray[np.int32], lost: Index, seen: Index,
               config: TrackerConfig) -> tuple[Index, Index, Floats]:
        """
        Find the lost tracks that newcomers are by their looks alone.

        :param looks: embeddings of the newcomers, unit rows [N, D].
        :param classes: their classes, [N].
        :param lost: rows of the tracks that may come back, [L].
        :param seen: rows of the tracks in view, which newcomers must not look like.
        :return: newcomers, the rows of the tracks that they are, and how probably.
        """
        store = self._store
        lost = lost[store.slots[lost] >= 0]
        likeness = self._gallery.likeness(store.slots[lost], looks, self._scene)
        visible = store.ensure_embeddings(looks.shape[1])[seen[store.embedded[seen]]]
        odds = np.exp(self._return.ratio(likeness))
        if config.class_policy == 'forbid':
            odds[classes[:, None] != store.classes[lost]] = 0
        rivals = np.exp(self._return.ratio(self._scene.cosines(looks, visible))).sum(axis=1)
        found, index, chances = probable_matches(
            odds, STRANGERS + rivals, config.recall_probability)
        return found, lost[index], chances


def _uncontested(pairs: Pairs) -> Mask:
    """Return which pairs [P] share neither track nor detection with another."""
    alone: Mask = np.bincount(pairs.rows, minlength=1)[pairs.rows] == 1
    alone &= np.bincount(pairs.cols, minlength=1)[pairs.cols] == 1
    return alone


def _side_by_side(sure: Pairs) -> Pairs:
    """Pair each track with the detection of the next: two people, as both are sure of theirs."""
    if len(sure) < 2:
        return Pairs(sure.rows[:0], sure.cols[:0])
    return Pairs(sure.rows, np.roll(sure.cols, 1))


def look_over(embeddings: Floats) -> tuple[Mask, Mask]:
    """Return which embeddings [N, D] are finite, and which are there: not all zeros."""
    # A product is not finite where any value is not, and faster than a sum.
    ones = np.ones(embeddings.shape[1], np.float32)
    with np.errstate(invalid='ignore', over='ignore'):
        sums = embeddings @ ones
    present = sums != 0
    doubtful = np.flatnonzero(~present)
    present[doubtful] = embeddings[doubtful].any(axis=1)
    return np.isfinite(sums), present
