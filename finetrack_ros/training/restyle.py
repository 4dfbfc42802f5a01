# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
New people out of known ones: the same crop in other clothes.

A few thousand crops show too few clothes to learn from. Upper and lower half get colours of their
own; who that is nobody knows, but teachers say what it looks like.
"""

from __future__ import annotations

import cv2
import numpy as np

# Share of a person's height where trousers begin, and over which the two halves blend.
WAIST = (0.42, 0.58)
BLEND = 0.06


def restyle(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Dye the upper and the lower half of a crop.

    :param crop: BGR uint8 [h, w, 3] of one person, upright.
    :param rng: the colours are a function of its state.
    :return: an image of the same size.
    """
    height = crop.shape[0]
    rows = (np.arange(height) + 0.5) / height
    lower = np.clip((rows - rng.uniform(*WAIST)) / BLEND + 0.5, 0, 1)[:, None, None]
    hsv = cv2.cvtColor(crop, cv2.COLOR_BGR2HSV)
    top, bottom = _dyed(hsv, rng), _dyed(hsv, rng)
    return (top * (1 - lower) + bottom * lower + 0.5).astype(np.uint8)


def _dyed(hsv: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    levels = np.arange(256, dtype=np.float32)
    saturation = np.exp(rng.uniform(-0.7, 0.7))
    gamma = np.exp(rng.uniform(-0.5, 0.5))
    tables = np.stack([
        (levels + rng.uniform(0, 180)) % 180,
        np.clip(levels * saturation + rng.uniform(0, 60), 0, 255),
        255 * (levels / 255) ** gamma,
    ], axis=-1).astype(np.uint8)
    return cv2.cvtColor(cv2.LUT(hsv, tables[None]), cv2.COLOR_HSV2BGR)
