# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Axis-aligned boxes as NumPy arrays.

Boxes are rows of pixel coordinates of the source image, in one of three layouts: ``xyxy`` (left,
top, right, bottom), ``tlwh`` (left, top, width, height) and ``cxcywh`` (centre, width, height).
Right and bottom are exclusive, so that width is right minus left. Every function takes zero rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating[Any]]
"""Boxes of any floating type, [N, 4]."""
Scalar = TypeVar('Scalar', bound=np.floating[Any])


def xyxy_to_tlwh(boxes: NDArray[Scalar]) -> NDArray[Scalar]:
    """Convert corners [N, 4] to left, top, width, height, same dtype."""
    converted = boxes.copy()
    converted[:, 2:] -= boxes[:, :2]
    return converted


def tlwh_to_xyxy(boxes: NDArray[Scalar]) -> NDArray[Scalar]:
    """Convert left, top, width, height [N, 4] to corners, same dtype."""
    converted = boxes.copy()
    converted[:, 2:] += boxes[:, :2]
    return converted


def xyxy_to_cxcywh(boxes: NDArray[Scalar]) -> NDArray[Scalar]:
    """Convert corners [N, 4] to centre, width, height, same dtype."""
    converted = xyxy_to_tlwh(boxes)
    converted[:, :2] += converted[:, 2:] / 2
    return converted


def cxcywh_to_xyxy(boxes: NDArray[Scalar]) -> NDArray[Scalar]:
    """Convert centre, width, height [N, 4] to corners, same dtype."""
    converted = boxes.copy()
    converted[:, :2] -= boxes[:, 2:] / 2
    converted[:, 2:] += converted[:, :2]
    return converted


def box_area(boxes: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return the area of xyxy boxes [N, 4] in square pixels, [N]; inverted boxes have area 0."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def clip_boxes(boxes: NDArray[Scalar], height: int, width: int) -> NDArray[Scalar]:
    """Clip xyxy boxes [N, 4] to an image of the given size in pixels, same dtype."""
    return np.clip(boxes, 0, np.array([width, height, width, height], boxes.dtype))


def valid_boxes(boxes: Boxes) -> NDArray[np.bool_]:
    """
    Return which xyxy boxes [N, 4] have a positive width and height and sane coordinates, [N].

    NaN and coordinates from a billion pixels on are not sane: areas would overflow float32.
    """
    sane = (np.abs(boxes) < 1e9).all(axis=1)
    return sane & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])


def box_iou(a: Boxes, b: Boxes) -> NDArray[np.float32]:
    """
    Return the intersection over union of every pair of xyxy boxes.

    Works on one plane per coordinate and in place: broadcasting [N, M, 2] corners is several
    times slower at hundreds of boxes.

    :param a: boxes [N, 4].
    :param b: boxes [M, 4].
    :return: float32 [N, M] in 0..1; 0 where both boxes are without area.
    """
    left, top, right, bottom = (a[:, i, None].astype(np.float32) for i in range(4))
    other = b.T.astype(np.float32)
    overlap = np.minimum(right, other[2])
    overlap -= np.maximum(left, other[0])
    np.maximum(overlap, 0, out=overlap)
    height = np.minimum(bottom, other[3])
    height -= np.maximum(top, other[1])
    np.maximum(height, 0, out=height)
    overlap *= height
    union = np.add(box_area(a)[:, None], box_area(b), out=height, casting='same_kind')
    union -= overlap
    np.maximum(union, np.finfo(np.float32).tiny, out=union)
    overlap /= union
    return np.minimum(overlap, 1, out=overlap)


def nms(boxes: Boxes, scores: NDArray[np.floating[Any]], threshold: float) -> NDArray[np.intp]:
    """
    Suppress boxes that overlap a better one (greedy non-maximum suppression, one class).

    :param boxes: xyxy boxes [N, 4].
    :param scores: confidence [N]; ties keep the earlier box.
    :param threshold: a box goes when its IoU with a kept one is above this.
    :return: indices of the kept boxes, best score first.
    """
    order = np.argsort(-scores, kind='stable')
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[box_iou(boxes[best, None], boxes[order])[0] <= threshold]
    return np.array(kept, np.intp)


def letterbox_ratio(height: int, width: int, target: tuple[int, int]) -> float:
    """Return the scale that fits an image of height x width into target (height, width)."""
    return min(target[0] / height, target[1] / width)


@dataclass(frozen=True)
class InputRule:
    """
    How large a network's input is for an image, where the user does not say.

    It follows the image: one that is small is enlarged, since detectors find little in inputs far
    smaller than those they were trained on, but no further than it gains; one that is large is
    reduced. Measured in docs/model.md, 'Input size'.

    :ivar most: longest side of an input in pixels, a multiple of 32.
    :ivar upscale: largest enlargement of an image.
    :ivar least: the long side of an input that small images are enlarged to all the same.
    """

    most: int = 640
    upscale: float = 1.2
    least: int = 256

    def long_side(self, height: int, width: int) -> int:
        """Return the input's long side for an image, a multiple of 32 in pixels."""
        wanted = round(self.upscale * max(height, width) / 32) * 32
        return min(max(wanted, self.least), self.most)

    def __str__(self) -> str:
        """Return the rule in a few words."""
        return f'auto (at most {self.upscale:g} times the image, {self.most})'


def resizable(image: NDArray[Any]) -> NDArray[Any]:
    """
    Return an image that OpenCV can resize; of one pixel it is made two, which look the same.

    :param image: [H, W, ...]. OpenCV 4.5, which Ubuntu 22.04 has, refuses H = W = 1.
    """
    return image.repeat(2, axis=1) if image.shape[:2] == (1, 1) else image
