# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Find the depth image that was taken with a colour image, in whichever order the two come."""

from __future__ import annotations

from collections import deque
from typing import Any, Generic, NamedTuple, TypeVar

Frame = TypeVar('Frame')

#: Depth images kept at most: half a second of a camera with 30 images per second.
DEPTHS = 15
#: Frames that wait at most for the depth images that come after them.
WAITING = 15


class Stamped(NamedTuple):
    """Something with its time in seconds."""

    stamp: float
    value: Any


class NearestPairing(Generic[Frame]):
    """
    Pairs each frame with the depth image nearest in time, no farther than a tolerance.

    Depth often comes after the tracks of its colour image: the driver aligns it first. A frame
    whose depth is not there therefore waits for the next depth image. One that is nearer than half
    of the tolerance is taken at once: a nearer one would come within the tolerance after it.

    :ivar tolerance: seconds; may change at any time.
    """

    def __init__(self, tolerance: float) -> None:
        """Start without depth images and frames."""
        self.tolerance = tolerance
        self._depths: deque[Stamped] = deque(maxlen=DEPTHS)
        self._waiting: deque[Stamped] = deque()

    def add_depth(self, stamp: float, depth: Any) -> list[tuple[Frame, Any]]:
        """Take a depth image, and return the frames that are decided, as :meth:`add_frame`."""
        if self._depths and stamp < self._depths[-1].stamp:
            self._depths.clear()
        self._depths.append(Stamped(stamp, depth))
        return self._decided()

    def add_frame(self, stamp: float, frame: Frame) -> list[tuple[Frame, Any]]:
        """
        Take a frame, and return those that are decided, each with its depth image or None.

        Times that jump back (a bag that starts again) drop what waits from before.
        """
        if self._waiting and stamp < self._waiting[-1].stamp:
            self._waiting.clear()
        self._waiting.append(Stamped(stamp, frame))
        return self._decided()

    def clear(self) -> None:
        """Forget all depth images and frames."""
        self._depths.clear()
        self._waiting.clear()

    def _decided(self) -> list[tuple[Frame, Any]]:
        pairs = []
        while self._waiting:
            stamp, frame = self._waiting[0]
            # Of equals the newest: the stamps of a driver that does not stamp are all zero.
            nearest = min(reversed(self._depths), key=lambda depth: abs(depth.stamp - stamp),
                          default=None)
            distance = abs(nearest.stamp - stamp) if nearest else float('inf')
            final = bool(self._depths) and self._depths[-1].stamp >= stamp
            if not (final or distance <= self.tolerance / 2 or len(self._waiting) > WAITING):
                break
            self._waiting.popleft()
            pairs.append((frame, nearest.value if nearest and distance <= self.tolerance
                          else None))
        return pairs
