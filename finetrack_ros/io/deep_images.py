# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bring images of more than 8 bits to the 8 bits that the networks take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Bits per value that cameras have, of which 16-bit containers do not tell.
_DEPTHS = (8, 10, 12, 14, 16)
#: Shares of the pixels that may lie below and above the range: dead and hot pixels, reflections.
_LOW, _HIGH = 0.001, 0.999
#: Part of its depth that an image must span for its contrast to be left as it is.
_LEAST_SPAN = 0.25
#: How far the range moves towards that of a frame which is narrower.
_NARROWING = 0.05
_SAMPLES = 40_000


class DepthReducer:
    """
    Scale the images of one camera to 8 bits, all alike, by the values that are found in them.

    Images that use the values of a camera of 8, 10, 12, 14 or 16 bits keep their upper 8 bits.
    Where they span less than a quarter of these, as those of thermal cameras do, the values that
    were found become 0 to 255: a range that widens at once and narrows slowly.

    :param report: called with a sentence when the depth, or that there is a range, is found.
    """

    def __init__(self, report: Callable[[str], None] = lambda text: None) -> None:
        self._report = report
        self._bits = 0
        self._range: tuple[float, float] | None = None

    def reduce(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        """
        Return an image [H, W] or [H, W, C] of any number type as uint8; uint8 as it is.

        Values that are not finite become 0.
        """
        if image.dtype == np.uint8:
            return image
        low, high = _span(image)
        bits = next((bits for bits in _DEPTHS if high < 1 << bits), _DEPTHS[-1])
        fresh = bits > self._bits
        self._bits = max(bits, self._bits)
        whole = image.dtype.kind in 'ui' and low >= 0
        is_narrow = 0 < high - low < _LEAST_SPAN * (1 << self._bits)
        if not whole or self._range is not None or is_narrow:
            return self._stretch(image, low, high)
        if fresh:
            self._report(f'images of {image.dtype.itemsize * 8} bits hold values of '
                         f'{low:g} to {high:g}: taken as {self._bits} bits, of which the upper 8 '
                         'are kept')
        return np.asarray(np.minimum(image >> (self._bits - 8), 255), np.uint8)

    def _stretch(self, image: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
        """Map the range of late to 0..255."""
        if self._range is None:
            self._report(f'images of {image.dtype.itemsize * 8} bits hold values of {low:g} to '
                         f'{high:g}: these become 0 to 255')
            self._range = low, high
        bottom, top = self._range
        bottom = min(low, bottom + _NARROWING * (low - bottom))
        top = max(high, top + _NARROWING * (high - top))
        self._range = bottom, top
        scale = 255 / (top - bottom) if top > bottom else 0.0
        values = (image.astype(np.float32) - np.float32(bottom)) * np.float32(scale)
        return np.clip(np.nan_to_num(values, posinf=255, neginf=0), 0, 255).astype(np.uint8)


def _span(image: NDArray[Any]) -> tuple[float, float]:
    """Return the values between which nearly all pixels lie; of few pixels, all."""
    values = image.reshape(-1)
    values = values[::max(len(values) // _SAMPLES, 1)]
    if values.dtype.kind == 'f':
        values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 0.0
    low, high = np.quantile(values, (_LOW, _HIGH), method='nearest')
    return float(low), float(high)
