# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Augmentations of training frames, cheap enough for one core: OpenCV on uint8 images.

Every random function takes a NumPy generator, so that a frame is a function of its seed. Images
are BGR uint8 [H, W, 3]; boxes float32 [N, 4] xyxy in pixels of the image they come with.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from finetrack_ros.geometry import box_area, clip_boxes, letterbox_ratio

PADDING = 114


@dataclass(frozen=True)
class AugmentConfig:
    """
    Strength of the augmentations.

    ``scale``: range of the zoom relative to the whole image letterboxed. ``aspect``: largest
    relative change of width against height. ``hue``: largest shift, of 180. ``saturation`` and
    ``value``: largest relative change. ``blur``, ``jpeg``, ``flip``: probabilities.
    """

    scale: tuple[float, float] = (0.8, 1.8)
    aspect: float = 0.1
    flip: float = 0.5
    hue: float = 5.0
    saturation: float = 0.4
    value: float = 0.3
    blur: float = 0.15
    jpeg: float = 0.15


@dataclass(frozen=True)
class View:
    """
    A cut of an image that fits the network's input, with its boxes.

    ``image`` uint8 [h, w, 3], at most as large as the input; ``boxes`` float32 [N, 4] in its
    pixels; ``visible`` float32 [N], the fraction of each box that the cut left.
    """

    image: np.ndarray
    boxes: np.ndarray
    visible: np.ndarray


def random_view(image: np.ndarray, boxes: np.ndarray, input_size: tuple[int, int],
                rng: np.random.Generator, config: AugmentConfig) -> View:
    """
    Zoom, cut, stretch and flip at random.

    Half of the cuts are made around a person, the others anywhere.
    """
    height, width = image.shape[:2]
    ratio = letterbox_ratio(height, width, input_size)
    zoom = ratio * np.exp(rng.uniform(*np.log(config.scale)))
    stretch = np.exp(rng.uniform(-config.aspect, config.aspect) / 2)
    scale = (zoom * stretch, zoom / stretch)
    window = (min(width, round(input_size[1] / scale[0])),
              min(height, round(input_size[0] / scale[1])))
    free = np.array([width - window[0], height - window[1]])
    if len(boxes) and rng.random() < 0.5:
        left, top, right, bottom = boxes[rng.integers(len(boxes))]
        centre = np.array([left + right, top + bottom]) / 2
        corner = np.clip(centre - rng.uniform(0.2, 0.8, 2) * window, 0, free)
    else:
        corner = rng.uniform(0, 1, 2) * free
    left, top = (int(value) for value in corner)
    region = (left, top, left + window[0], top + window[1])
    return _cut(image, boxes, region, scale, input_size, flip=rng.random() < config.flip)


def _cut(image: np.ndarray, boxes: np.ndarray, region: tuple[int, int, int, int],
         scale: tuple[float, float], input_size: tuple[int, int], flip: bool) -> View:
    """Resize a region (left, top, right, bottom) by the scale of x and y."""
    left, top, right, bottom = region
    width = min(input_size[1], max(1, int((right - left) * scale[0])))
    height = min(input_size[0], max(1, int((bottom - top) * scale[1])))
    content = cv2.resize(image[top:bottom, left:right], (width, height),
                         interpolation=cv2.INTER_LINEAR)
    moved = (boxes - [left, top, left, top]) * np.tile(scale, 2)
    if flip:
        content = cv2.flip(content, 1)
        moved[:, [0, 2]] = width - moved[:, [2, 0]]
    clipped = clip_boxes(moved.astype(np.float32), height, width)
    visible = box_area(clipped) / np.maximum(box_area(moved.astype(np.float32)), 1e-6)
    return View(content, clipped, visible.astype(np.float32))


def pad(image: np.ndarray, input_size: tuple[int, int]) -> np.ndarray:
    """Put an image at the top left of the input, as at inference; the rest is grey."""
    canvas = np.full((*input_size, 3), PADDING, np.uint8)
    canvas[:image.shape[0], :image.shape[1]] = image
    return canvas


def photometric(image: np.ndarray, rng: np.random.Generator, config: AugmentConfig) -> np.ndarray:
    """Shift hue, saturation and brightness, then sometimes blur or compress the image."""
    image = jitter_colour(image, rng, config)
    if rng.random() < config.blur:
        image = _blur(image, rng)
    if rng.random() < config.jpeg:
        image = _compress(image, rng)
    return image


def jitter_colour(image: np.ndarray, rng: np.random.Generator,
                  config: AugmentConfig) -> np.ndarray:
    """Shift hue by an angle and scale saturation and value, through one table per channel."""
    hue, saturation, value = rng.uniform(-1, 1, 3) * [config.hue, config.saturation, config.value]
    levels = np.arange(256, dtype=np.float32)
    tables = np.stack([
        (levels + hue) % 180,
        np.clip(levels * (1 + saturation), 0, 255),
        np.clip(levels * (1 + value), 0, 255),
    ], axis=-1).astype(np.uint8)
    hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
    return cv2.cvtColor(cv2.LUT(hsv, tables[None]), cv2.COLOR_HSV2BGR)


def _blur(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur as a camera does that moves sideways, or one out of focus."""
    if rng.random() < 0.5:
        return cv2.blur(image, (int(rng.integers(2, 6)), 1))
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.2))


def _compress(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    quality = int(rng.integers(35, 85))
    _, encoded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    restored = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
    assert restored is not None, 'OpenCV reads what it has just written'
    return restored
