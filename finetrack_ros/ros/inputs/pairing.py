# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bring an image and the detections of the same stamp together, whichever comes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Stamp = tuple[int, int]
UNSTAMPED: Stamp = (0, 0)


class StampPairs:
    """
    Images and detections that wait for their partner, at most ``depth`` of each.

    Partners have exactly the same stamp. The newest pair wins: with it, all that came before it
    is given up. A stamp of zero says nothing of when a message was made, and never pairs.
    """

    def __init__(self, depth: int, unpaired: Callable[[int, int], None]) -> None:
        """
        Start with nobody waiting.

        :param unpaired: is told how many images and messages of detections were given up.
        """
        self._depth = depth
        self._unpaired = unpaired
        self._images: dict[Stamp, Any] = {}
        self._detections: dict[Stamp, Any] = {}

    def add_image(self, image: Any) -> tuple[Any, Any] | None:
        """Take an image; return it with its detections where they are there already."""
        found, lost_images, lost_detections = self._add(image, self._images, self._detections)
        self._unpaired(lost_images, lost_detections)
        return None if found is None else (image, found)

    def add_detections(self, detections: Any) -> tuple[Any, Any] | None:
        """Take detections; return them behind their image where it is there already."""
        found, lost_detections, lost_images = self._add(
            detections, self._detections, self._images)
        self._unpaired(lost_images, lost_detections)
        return None if found is None else (found, detections)

    def clear(self) -> None:
        """Give up everybody without counting them."""
        self._images.clear()
        self._detections.clear()

    def _add(self, msg: Any, own: dict[Stamp, Any], others: dict[Stamp, Any]
             ) -> tuple[Any, int, int]:
        """Return the partner or None, and how many of either kind were given up."""
        stamp = (msg.header.stamp.sec, msg.header.stamp.nanosec)
        if stamp == UNSTAMPED:
            return None, 1, 0
        if stamp in others:
            overtaken = list(others).index(stamp)
            lost = len(own)
            own.clear()
            for older in list(others)[:overtaken]:
                del others[older]
            return others.pop(stamp), lost, overtaken
        lost = int(own.pop(stamp, None) is not None)
        own[stamp] = msg
        if len(own) > self._depth:
            del own[next(iter(own))]
            lost += 1
        return None, lost, 0
