# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracks as parallel arrays: what the tracker gives out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class TrackState(IntEnum):
    """Life of a track; the values are those of :attr:`Tracks.states`."""

    TENTATIVE = 0
    """New and not yet given out."""
    CONFIRMED = 1
    """Seen in the last frame."""
    LOST = 2
    """Confirmed before, not seen in the last frame, and may come back."""


@dataclass(frozen=True)
class Tracks:
    """
    Tracks after one frame; row i of every array belongs to track i.

    :ivar ids: int64 [M], from 1, never used twice by one tracker.
    :ivar boxes: float32 [M, 4], xyxy in pixels of the source image: the matched detection's box
        where the track was seen, else the filter's prediction.
    :ivar velocities: float32 [M, 4], centre x, centre y, width and height in pixels per second.
    :ivar scores: float32 [M], score of the last matched detection.
    :ivar classes: int32 [M].
    :ivar ages: float32 [M], seconds since the track's first detection.
    :ivar hits: int32 [M], number of matched detections.
    :ivar time_since_seen: float32 [M], seconds since the last matched detection.
    :ivar states: uint8 [M], a :class:`TrackState`.
    :ivar detection_indices: int32 [M], row of the matched detection in the update's
        :class:`~finetrack_ros.detections.Detections`, -1 where not seen.
    :ivar embeddings: float32 [M, D], smoothed, of unit length (zero where a track never had one),
        or None where the tracker has seen no embedding.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    velocities: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    ages: NDArray[np.float32]
    hits: NDArray[np.int32]
    time_since_seen: NDArray[np.float32]
    states: NDArray[np.uint8]
    detection_indices: NDArray[np.int32]
    embeddings: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return the number of tracks."""
        return len(self.ids)

    def __getitem__(self, index: Any) -> Tracks:
        """Return the tracks that an index array, mask or slice selects."""
        columns: dict[str, Any] = {
            name: None if column is None else column[index]
            for name, column in vars(self).items()}
        return Tracks(**columns)
