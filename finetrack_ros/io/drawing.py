# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Draw tracks on images: boxes, ids and trails in a stable colour per id."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
import colorsys
from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_GOLDEN_RATIO = 0.6180339887498949
# Saturation and brightness take turns, so that the hues that come close again after a few ids
# still differ.
_SHADES = ((0.85, 1.0), (0.55, 1.0), (0.95, 0.75))
_TRAIL_STEPS = 3


class DrawableTracks(Protocol):
    """The part of a tracker's output that is drawn."""

    @property
    def ids(self) -> NDArray[np.int64]:
        """Return int64 [M]."""

    @property
    def boxes(self) -> NDArray[np.float32]:
        """Return float32 [M, 4], left, top, right, bottom in pixels."""


class Trails:
    """Where each track's foot (bottom centre of its box) was in the last frames."""

    def __init__(self, length: int = 45) -> None:
        """Keep up to ``length`` points per id, and forget ids unseen for as many updates."""
        self.length = length
        self._points: dict[int, deque[tuple[int, int]]] = {}
        self._last_seen: dict[int, int] = {}
        self._updates = 0

    def update(self, ids: NDArray[np.int64], feet: NDArray[np.int32]) -> None:
        """Append the feet, int32 [M, 2] pixels, of the tracks ``ids`` of one frame."""
        self._updates += 1
        for track_id, (x, y) in zip(ids.tolist(), feet.tolist(), strict=True):
            self._points.setdefault(track_id, deque(maxlen=self.length)).append((x, y))
            self._last_seen[track_id] = self._updates
        oldest = self._updates - self.length
        for track_id in [key for key, seen in self._last_seen.items() if seen <= oldest]:
            del self._points[track_id], self._last_seen[track_id]

    def points(self, track_id: int) -> NDArray[np.int32]:
        """Return the trail of an id, oldest point first: int32 [P, 2], P = 0 where unknown."""
        return np.array(self._points.get(track_id, ()), np.int32).reshape(-1, 2)

    def __len__(self) -> int:
        """Return the number of ids that have a trail."""
        return len(self._points)


@lru_cache(maxsize=4096)
def colour_of(track_id: int) -> Colour:
    """
    Return the colour (blue, green, red) of an id: always the same, far from its neighbours'.

    Hues step by the golden ratio, which spreads any run of consecutive ids over the circle.
    """
    saturation, brightness = _SHADES[track_id % len(_SHADES)]
    red, green, blue = colorsys.hsv_to_rgb(track_id * _GOLDEN_RATIO % 1.0, saturation, brightness)
    return round(blue * 255), round(green * 255), round(red * 255)


def ink_on(colour: Colour) -> Colour:
    """Return the colour, black or white, of text on a plate of some colour."""
    blue, green, red = colour
    is_bright = 0.114 * blue + 0.587 * green + 0.299 * red > 140
    return (0, 0, 0) if is_bright else (255, 255, 255)


def draw_tracks(image: NDArray[np.uint8], tracks: DrawableTracks, trails: Trails | None = None,
                labels: Sequence[str] | None = None) -> NDArray[np.uint8]:
    """
    Return a copy of the image with each track's box, id and trail drawn on it.

    :param image: BGR, uint8 [H, W, 3]; not changed.
    :param trails: kept by the caller from frame to frame of one source; this frame's positions
        are added to it. None draws no trails.
    :param labels: class name of each track [M], drawn before its id; None draws the id alone.
    """
    canvas = image.copy()
    height, width = image.shape[:2]
    thickness = max(1, round(min(height, width) / 300))
    # Far outside the image OpenCV's fixed-point coordinates would overflow.
    boxes = np.clip(np.rint(tracks.boxes), -width - height, 2 * (width + height)).astype(np.int32)
    if trails is not None:
        feet = np.stack([(boxes[:, 0] + boxes[:, 2]) // 2, boxes[:, 3]], axis=1)
        trails.update(tracks.ids, feet)
        for track_id in tracks.ids.tolist():
            _draw_trail(canvas, trails.points(track_id), colour_of(track_id), thickness)
    texts = [str(track_id) for track_id in tracks.ids.tolist()]
    if labels is not None:
        texts = [f'{label} {text}' for label, text in zip(labels, texts, strict=True)]
    for track_id, text, box in zip(tracks.ids.tolist(), texts, boxes.tolist(), strict=True):
        left, top, right, bottom = box
        colour = colour_of(track_id)
        cv2.rectangle(canvas, (left, top), (right, bottom), colour, thickness)
        _draw_label(canvas, text, left, top, colour, thickness)
    return canvas


def _draw_trail(canvas: NDArray[np.uint8], points: NDArray[np.int32], colour: Colour,
                thickness: int) -> None:
    """Draw a trail that grows thicker towards the present, in a few strokes."""
    count = len(points)
    for step in range(_TRAIL_STEPS):
        first = max(0, step * count // _TRAIL_STEPS - 1)
        stroke = points[first:(step + 1) * count // _TRAIL_STEPS]
        if len(stroke) > 1:
            width = max(1, round(thickness * (step + 1) / _TRAIL_STEPS))
            cv2.polylines(canvas, [stroke], False, colour, width, cv2.LINE_AA)


def _draw_label(canvas: NDArray[np.uint8], text: str, left: int, top: int, colour: Colour,
                thickness: int) -> None:
    """Draw text on a filled plate over the box, or inside it where the image ends above."""
    scale = 0.25 + 0.17 * thickness
    (width, height), baseline = cv2.getTextSize(text, _FONT, scale, thickness)
    plate_height = height + baseline + thickness
    plate_top = top - plate_height if top >= plate_height else max(top, 0)
    plate_left = min(max(left, 0), max(canvas.shape[1] - width - 2 * thickness, 0))
    corner = (plate_left + width + 2 * thickness, plate_top + plate_height)
    cv2.rectangle(canvas, (plate_left, plate_top), corner, colour, cv2.FILLED)
    cv2.putText(canvas, text, (plate_left + thickness, plate_top + height + thickness), _FONT,
                scale, ink_on(colour), thickness, cv2.LINE_AA)
