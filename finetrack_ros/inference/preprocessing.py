# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What happens to pixels before the network: letterboxing and target crops."""

from __future__ import annotations

from collections.abc import Sequence
import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import ConfigError, InputError
from finetrack_ros.geometry import clip_boxes, InputRule, letterbox_ratio, resizable
from finetrack_ros.protocols import Image

PAD_VALUE = 114
STRIDE = 32
InputSize = int | tuple[int, int] | InputRule
"""The long side of every image's input; height and width; or the rule that the side follows."""


def check_image(image: Any) -> Image:
    """
    Return a BGR image uint8 [H, W, 3] with at least one pixel, dense in memory.

    :raises InputError: where it is anything else; says what, and how to convert it.
    """
    if not isinstance(image, np.ndarray):
        raise InputError(f'image is {"None" if image is None else f"a {type(image).__name__}"}: '
                         'give a NumPy array, BGR, uint8 [H, W, 3]; None is what OpenCV returns '
                         'for a file that it cannot read')
    form = f'image is {image.dtype} {list(image.shape)}'
    if not image.size:
        raise InputError(f'{form}: it is empty; give at least one pixel')
    if image.ndim == 2 or image.ndim == 3 and image.shape[2] == 1:
        raise InputError(f'{form}: it is grey; convert it with '
                         'cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)')
    if image.ndim == 3 and image.shape[2] == 4:
        raise InputError(f'{form}: it has four channels; convert it with '
                         'cv2.cvtColor(image, cv2.COLOR_BGRA2BGR)')
    if image.ndim != 3 or image.shape[2] != 3:
        raise InputError(f'{form}: give one image, BGR, [H, W, 3]')
    if image.dtype != np.uint8:
        remedy = {'f': '(255 * image).astype(np.uint8) where its values are in 0..1',
                  'b': '255 * image.astype(np.uint8)'}.get(
                      image.dtype.kind, '(image >> 8).astype(np.uint8) where it uses 16 bits')
        raise InputError(f'{form}: give uint8, such as {remedy}')
    return np.ascontiguousarray(image)


def network_size(images: Sequence[Image], size: InputSize) -> tuple[int, int]:
    """
    Choose the network's input for a batch: no more padding than stride 32 asks for.

    :param images: BGR images [H, W, 3] of any sizes.
    :param size: see :data:`InputSize`.
    :return: height and width, multiples of 32, that hold every image at its scale.
    """
    if isinstance(size, tuple):
        return size
    height = width = STRIDE
    for image in images:
        ratio = _long_side(image, size) / max(image.shape[:2])
        height = max(height, _ceil(image.shape[0] * ratio))
        width = max(width, _ceil(image.shape[1] * ratio))
    return height, width


def _long_side(image: Image, size: int | InputRule) -> int:
    return size if isinstance(size, int) else size.long_side(*image.shape[:2])


def _ceil(pixels: float) -> int:
    return math.ceil(round(pixels, 3) / STRIDE) * STRIDE


def check_input_size(size: int | tuple[int, int]) -> int | tuple[int, int]:
    """
    Check an input size: the long side, or height and width.

    :raises ConfigError: where a side is no positive multiple of 32.
    """
    sides = (size,) if isinstance(size, int) else tuple(size)
    if len(sides) > 2 or any(side <= 0 or side % STRIDE for side in sides):
        raise ConfigError(f'input_size {size}: sides must be positive multiples of {STRIDE}; '
                          'use for example 416 or 640')
    return size


def letterbox(images: Sequence[Image], size: InputSize
              ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """
    Scale images into one batch, at the top left, padded with 114.

    :param images: BGR uint8 images [H, W, 3] of any sizes.
    :param size: see :data:`InputSize`. Each image has the scale that it has alone, but where
        height and width are given: it fills them then.
    :return: uint8 [B, height, width, 3], and float32 [B] input pixels per source pixel.
    """
    canvas_size = network_size(images, size)
    batch = np.empty((len(images), *canvas_size, 3), np.uint8)
    ratios = np.empty(len(images), np.float32)
    for canvas, (i, image) in zip(batch, enumerate(images), strict=True):
        ratio = letterbox_ratio(image.shape[0], image.shape[1], canvas_size)
        if not isinstance(size, tuple):
            ratio = min(ratio, _long_side(image, size) / max(image.shape[:2]))
        height = min(max(round(image.shape[0] * ratio), 1), canvas_size[0])
        width = min(max(round(image.shape[1] * ratio), 1), canvas_size[1])
        canvas[height:] = PAD_VALUE
        canvas[:height, width:] = PAD_VALUE
        cv2.resize(resizable(image), (width, height), dst=canvas[:height, :width],
                   interpolation=cv2.INTER_LINEAR)
        ratios[i] = ratio
    return batch, ratios


def crop_targets(image: Image, boxes: NDArray[np.floating[Any]], size: tuple[int, int]
                 ) -> NDArray[np.uint8]:
    """
    Cut targets out of the source image, each scaled to one size.

    :param image: BGR uint8 [H, W, 3].
    :param boxes: xyxy [N, 4] in pixels of the image; the part inside the image is taken.
    :param size: rows and columns of a crop.
    :return: uint8 [N, rows, columns, 3].
    """
    rows, columns = size
    crops = np.empty((len(boxes), rows, columns, 3), np.uint8)
    height, width = image.shape[:2]
    edges = np.rint(clip_boxes(boxes, height, width)).astype(int)
    # A box of no area after rounding still covers the pixel that it lies in.
    left = np.minimum(edges[:, 0], width - 1)
    top = np.minimum(edges[:, 1], height - 1)
    right, bottom = np.maximum(edges[:, 2], left + 1), np.maximum(edges[:, 3], top + 1)
    for i, crop in enumerate(crops):
        # Far larger targets are averaged down: plain bilinear would skip most of their pixels.
        shrinks = bottom[i] - top[i] > 2 * rows
        target = image[top[i]:bottom[i], left[i]:right[i]]
        cv2.resize(resizable(target), (columns, rows), dst=crop,
                   interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return crops
