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

from finetrack_ros.geometry import box_area, clip_boxes, letterbox_ratio, resizable
from finetrack_ros.training.config import require_least, require_probabilities, require_range

PADDING = 114
MOST_ENLARGED = 4.0


@dataclass(frozen=True)
class AugmentConfig:
    """
    Strength of the augmentations.

    ``scale``: range of the zoom relative to the whole image letterboxed. ``aspect``: largest
    relative change of width against height. ``hue``: largest shift, of 180. ``saturation`` and
    ``value``: largest relative change. ``blur``, ``jpeg``, ``flip``: probabilities.

    What a robot sees, as probabilities: ``close``, a person so near that the picture cuts it off,
    its height ``close_height`` times that of the frame; ``dim``, little light and its noise;
    ``cast``, light of one colour; ``small``, a camera of few pixels, enlarged.
    """

    scale: tuple[float, float] = (0.8, 1.8)
    aspect: float = 0.1
    flip: float = 0.5
    hue: float = 5.0
    saturation: float = 0.4
    value: float = 0.3
    blur: float = 0.15
    jpeg: float = 0.15
    close: float = 0.15
    close_height: tuple[float, float] = (0.7, 2.5)
    dim: float = 0.15
    cast: float = 0.15
    small: float = 0.15

    def __post_init__(self) -> None:
        """Check that probabilities are such, and ranges can be drawn from."""
        require_probabilities(self, 'flip', 'blur', 'jpeg', 'close', 'dim', 'cast', 'small')
        require_least(self, {'aspect': 0, 'hue': 0, 'saturation': 0, 'value': 0})
        for name in ('scale', 'close_height'):
            require_range(self, name, 0.01)


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
    person = boxes[rng.integers(len(boxes))] if len(boxes) else None
    if person is not None and rng.random() < config.close:
        part = np.exp(rng.uniform(*np.log(config.close_height)))
        # Never smaller than without, and not so large that nothing but blur is left.
        zoom = np.clip(part * input_size[0] / max(person[3] - person[1], 1.0),
                       ratio, MOST_ENLARGED * max(ratio, 1.0))
    stretch = np.exp(rng.uniform(-config.aspect, config.aspect) / 2)
    scale = (zoom * stretch, zoom / stretch)
    window = (min(width, max(1, round(input_size[1] / scale[0]))),
              min(height, max(1, round(input_size[0] / scale[1]))))
    free = np.array([width - window[0], height - window[1]])
    if person is not None and rng.random() < 0.5:
        left, top, right, bottom = person
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
    content = cv2.resize(resizable(image[top:bottom, left:right]), (width, height),
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
    """
    Change an image as cameras and light do: colour, darkness, noise, blur, few pixels, JPEG.

    :return: an image of the same size.
    """
    image = jitter_colour(image, rng, config)
    if rng.random() < config.cast:
        image = cv2.multiply(image, (*rng.uniform(0.6, 1.15, 3), 0))
    if rng.random() < config.small:
        image = _shrink(image, rng)
    if rng.random() < config.blur:
        image = _blur(image, rng)
    if rng.random() < config.dim:
        image = _dim(image, rng)
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


def _shrink(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take away detail as a camera of a third to two thirds of the pixels does."""
    height, width = image.shape[:2]
    part = rng.uniform(0.3, 0.7)
    size = (max(1, round(width * part)), max(1, round(height * part)))
    method = cv2.INTER_AREA if rng.random() < 0.5 else cv2.INTER_LINEAR
    return cv2.resize(resizable(cv2.resize(resizable(image), size, interpolation=method)),
                      (width, height))


def _dim(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Darken an image, with less contrast in the shadows and the noise of a high gain."""
    levels = np.arange(256, dtype=np.float32) / 255
    curve = levels ** rng.uniform(1.0, 1.8) * rng.uniform(0.25, 0.8)
    dark = cv2.LUT(image, (curve * 255).astype(np.uint8))
    # Noise of half the pixels' size costs a quarter and looks like a sensor's after its filter.
    height, width = (max(1, side // 2) for side in image.shape[:2])
    noise = rng.normal(0, rng.uniform(1, 8), (height, width, 3)).astype(np.float32)
    noise = cv2.resize(resizable(noise), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return cv2.add(dark, noise, dtype=cv2.CV_8U)


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
