# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Motion of the camera between two frames, from sparse optical flow."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH = 320
"""Width to which images are reduced: a pixel there is 4 of 720p, flow finds a tenth of it."""
MAX_CORNERS = 200
FLOW_WINDOW = (15, 15)
FLOW_LEVELS = 2
"""OpenCV's defaults, 21 pixels and 3 levels, cost nearly twice as much and track no better."""
LEAST_CORNERS = 12
STILL_DIFFERENCE = 10
"""Grey levels that sensor noise and compression change; edges change more when the camera does."""
STILL_SHARE = 0.8
"""Share of the corners that must be unchanged for the camera to count as still."""
LEAST_SHIFT = 0.1
"""Reduced pixels; a fit that moves no corner of the image by more is noise."""


class CameraMotion:
    """
    Estimate the similarity transform (shift, rotation, scale) between consecutive frames.

    Corners of the frame before, outside the people, are followed by pyramidal Lucas-Kanade flow
    and a similarity is fitted to them by RANSAC, as in BoT-SORT (arXiv 2206.14651). Corners are
    looked for again after each motion. A camera that stands still is noticed from the corners'
    surroundings, which do not change, and costs no flow.
    """

    def __init__(self) -> None:
        """Start without a frame."""
        self._grey: NDArray[np.uint8] | None = None
        self._corners: NDArray[np.float32] = np.zeros((0, 1, 2), np.float32)

    def reset(self) -> None:
        """Forget the frame before; the next estimate is None."""
        self._grey = None

    def estimate(self, image: NDArray[np.uint8],
                 boxes: NDArray[np.floating[Any]] | None = None) -> NDArray[np.float64] | None:
        """
        Return how the picture moved since the image given before.

        :param image: BGR uint8 [H, W, 3].
        :param boxes: xyxy [N, 4] of moving objects in this image, in its pixels; corners on them
            are left out.
        :return: affine [2, 3] from pixels of the image before to pixels of this one; None where
            the camera stood still, at the start, and where too little could be followed.
        """
        ratio = WIDTH / image.shape[1]
        size = (WIDTH, max(round(image.shape[0] * ratio), 1))
        small = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        before, self._grey = self._grey, grey
        if before is None or before.shape != grey.shape:
            self._find_corners(boxes, ratio)
            return None
        if self._is_still(before, grey):
            return None
        affine = self._follow(before, grey)
        self._find_corners(boxes, ratio)
        if affine is not None:
            affine[:, 2] /= ratio
        return affine

    def _find_corners(self, boxes: NDArray[np.floating[Any]] | None, ratio: float) -> None:
        """Look for corners of the current frame outside the boxes."""
        assert self._grey is not None
        mask = np.full(self._grey.shape, 255, np.uint8)
        if boxes is not None:
            inside = np.nan_to_num(boxes).clip(0, max(mask.shape) / ratio) * ratio
            for left, top, right, bottom in inside.round().astype(int):
                mask[top:bottom, left:right] = 0
        corners = cv2.goodFeaturesToTrack(
            self._grey, MAX_CORNERS, qualityLevel=0.01, minDistance=6, mask=mask)
        self._corners = np.zeros((0, 1, 2), np.float32) if corners is None else corners

    def _is_still(self, before: NDArray[np.uint8], grey: NDArray[np.uint8]) -> bool:
        """Return whether the picture is the same around nearly all corners."""
        if len(self._corners) < LEAST_CORNERS:
            return False
        x, y = self._corners[:, 0].astype(np.intp).T
        changed = cv2.absdiff(before, grey)[y, x] > STILL_DIFFERENCE
        return bool(changed.mean() <= 1 - STILL_SHARE)

    def _follow(self, before: NDArray[np.uint8],
                grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """Follow the corners and fit a similarity in reduced pixels."""
        if len(self._corners) < LEAST_CORNERS:
            return None
        moved, found, _ = cv2.calcOpticalFlowPyrLK(
            before, grey, self._corners, None, winSize=FLOW_WINDOW, maxLevel=FLOW_LEVELS)
        found = found[:, 0] == 1
        if found.sum() < LEAST_CORNERS:
            return None
        affine, _ = cv2.estimateAffinePartial2D(
            self._corners[found], moved[found], method=cv2.RANSAC, ransacReprojThreshold=1.0)
        if affine is None:
            return None
        height, width = grey.shape
        corners = np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
        shift = corners @ affine[:, :2].T + affine[:, 2] - corners
        return np.asarray(affine, np.float64) if np.abs(shift).max() > LEAST_SHIFT else None
