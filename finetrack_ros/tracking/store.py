# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""All tracks of one tracker in a few arrays that grow by doubling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.tracking.kalman import Array, KalmanState

_COLUMNS: dict[str, tuple[Any, int]] = {
    'ids': (np.int64, 0),
    'position': (np.float64, 4),
    'velocity': (np.float64, 4),
    'p_pp': (np.float64, 4),
    'p_pv': (np.float64, 4),
    'p_vv': (np.float64, 4),
    'boxes': (np.float64, 4),
    'born': (np.float64, 0),
    'seen': (np.float64, 0),
    'hits': (np.int32, 0),
    'states': (np.uint8, 0),
    'scores': (np.float32, 0),
    'classes': (np.int32, 0),
    'votes': (np.float32, 0),
    'matched': (np.int32, 0),
    'embedded': (np.bool_, 0),
    'slots': (np.int32, 0),
    'sampled': (np.float64, 0),
}


class TrackStore:
    """
    Live tracks, oldest first; attribute ``x`` is a view of the first ``len(store)`` rows.

    Write through the views (``store.hits[rows] += 1``); ``append`` and ``keep`` replace them.

    :ivar boxes: last matched boxes, cxcywh.
    :ivar born: time of the first detection on the tracker's clock, seconds.
    :ivar seen: time of the last matched detection, seconds.
    :ivar votes: weight of the class in the running majority vote.
    :ivar matched: row of the detection matched in this frame, -1 if none.
    :ivar embedded: whether the track has an embedding.
    :ivar slots: place of the track in the gallery, -1 if none.
    :ivar sampled: time of the last sample for the gallery, seconds.
    :ivar embeddings: float32 [M, D], or None while no detection has brought one.
    """

    ids: NDArray[np.int64]
    position: Array
    velocity: Array
    p_pp: Array
    p_pv: Array
    p_vv: Array
    boxes: Array
    born: Array
    seen: Array
    hits: NDArray[np.int32]
    states: NDArray[np.uint8]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    votes: NDArray[np.float32]
    matched: NDArray[np.int32]
    embedded: NDArray[np.bool_]
    slots: NDArray[np.int32]
    sampled: Array

    def __init__(self) -> None:
        """Start without tracks."""
        self._count = 0
        self._buffers: dict[str, NDArray[Any]] = {
            name: np.zeros((16, width) if width else 16, dtype)
            for name, (dtype, width) in _COLUMNS.items()}
        self._set_views()

    def __len__(self) -> int:
        """Return the number of live tracks."""
        return self._count

    @property
    def embeddings(self) -> NDArray[np.float32] | None:
        """Smoothed unit embeddings [M, D], zero where a track has none."""
        buffer = self._buffers.get('embeddings')
        return None if buffer is None else buffer[:self._count]

    @property
    def kalman(self) -> KalmanState:
        """The filters of all tracks, as views."""
        return KalmanState(self.position, self.velocity, self.p_pp, self.p_pv, self.p_vv)

    def ensure_embeddings(self, dim: int) -> NDArray[np.float32]:
        """
        Return the embeddings, making room for them when the first ones arrive.

        :raises ValueError: when the width differs from that of the embeddings before.
        """
        if self.embeddings is None:
            self._buffers['embeddings'] = np.zeros((len(self._buffers['ids']), dim), np.float32)
        embeddings = self._buffers['embeddings']
        if embeddings.shape[1] != dim:
            raise ValueError(
                f'embeddings have {dim} values, those before had {embeddings.shape[1]}: '
                'make a new tracker for another model')
        return embeddings[:self._count]

    def set_kalman(self, rows: NDArray[np.intp], state: KalmanState) -> None:
        """Write the filters of the given tracks."""
        for name, values in vars(state).items():
            getattr(self, name)[rows] = values

    def append(self, count: int) -> slice:
        """Add tracks of zeros at the end and return their rows."""
        first, self._count = self._count, self._count + count
        capacity = len(self._buffers['ids'])
        if self._count > capacity:
            capacity = max(2 * capacity, self._count)
            for name, buffer in self._buffers.items():
                grown = np.zeros((capacity, *buffer.shape[1:]), buffer.dtype)
                grown[:first] = buffer[:first]
                self._buffers[name] = grown
        rows = slice(first, self._count)
        for buffer in self._buffers.values():
            buffer[rows] = 0
        self._set_views()
        return rows

    def keep(self, mask: NDArray[np.bool_]) -> None:
        """Drop the tracks where ``mask`` [M] is false; the others keep their order."""
        if mask.all():
            return
        # Rows before the first dropped one stay where they are.
        first = int(np.argmin(mask))
        rows = first + np.flatnonzero(mask[first:])
        for buffer in self._buffers.values():
            buffer[first:first + len(rows)] = buffer[rows]
        self._count = first + len(rows)
        self._set_views()

    def clear(self) -> None:
        """Drop all tracks."""
        self._count = 0
        self._set_views()

    def _set_views(self) -> None:
        for name in _COLUMNS:
            setattr(self, name, self._buffers[name][:self._count])
