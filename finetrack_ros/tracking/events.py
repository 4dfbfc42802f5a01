# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens to tracks: what a tracker tells beside the tracks themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class EventKind(str, Enum):
    """What happened to a track; the values are those to write into files and messages."""

    BORN = 'born'
    """It has its first detection, and its id."""
    CONFIRMED = 'confirmed'
    """It is given out from now on."""
    LOST = 'lost'
    """It was seen in the frame before and is not in this one."""
    RETURNED = 'returned'
    """It was lost and is seen again where its motion led to."""
    RECALLED = 'recalled'
    """It was out of its motion's reach and is seen again, known by its looks alone."""
    ENDED = 'ended'
    """It cannot come back; its id is not used again. Where a frame comes late it was not LOST."""


@dataclass(frozen=True)
class TrackEvent:
    """
    One thing that happened to one track.

    :ivar track_id: its id.
    :ivar gap: seconds since it was last seen; 0 where it is born or confirmed.
    :ivar probability: that the id is right, for what was recalled; 1 for all else.
    """

    kind: EventKind
    track_id: int
    gap: float = 0.0
    probability: float = 1.0


def tell(kind: EventKind, ids: NDArray[np.int64], gaps: NDArray[np.float64],
         probabilities: NDArray[np.float32] | None = None) -> list[TrackEvent]:
    """Return one event of this kind for each of the tracks [N]; None is a probability of 1."""
    chances = [1.0] * len(ids) if probabilities is None else probabilities.tolist()
    return [TrackEvent(kind, *values)
            for values in zip(ids.tolist(), gaps.tolist(), chances, strict=True)]
