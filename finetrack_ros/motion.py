# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Motion of the camera between two frames, from sparse optical flow."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.geometry import resizable

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
REFRESH = 30
"""Frames of a still camera after which corners are looked for again: light and people change."""
GREY = np.array([0.114, 0.587, 0.299], np.float32)
"""Weights of blue, green and red in a grey level (ITU-R BT.601)."""
LEAST_SHIFT = 0.1
"""Reduced pixels; a fit that moves no corner of the image by more is noise."""


class CameraMotion:
    """
    Estimate the similarity transform (shift, rotation, scale) between consecutive frames.

    Corners of the frame before, outside the people, are followed by pyramidal Lucas-Kanade flow
    and a similarity is fitted to them by RANSAC, as in BoT-SORT (arXiv 2206.14651). Corners are
    looked for again after each motion. A camera that stands still is noticed from the pixels at
    the corners, which do not change from frame to frame; nothing else of the image is read then,
    except now and again to look for corners anew.
    """

    def __init__(self) -> None:
        """Start without a frame."""
        self._grey: NDArray[np.uint8] | None = None
        self._corners: NDArray[np.float32] = np.zeros((0, 1, 2), np.float32)
        self._looks: NDArray[np.float32] = np.zeros(0, np.float32)
        self._image: NDArray[np.uint8] | None = None
        self._still_frames = 0

    def reset(self) -> None:
        """Forget the frames before; the next estimate is None."""
        self._image = None

    def estimate(self, image: NDArray[np.uint8],
                 boxes: NDArray[np.floating[Any]] | None = None) -> NDArray[np.float64] | None:
        """
        Return how the picture moved since the image given before.

        :param image: BGR uint8 [H, W, 3]; read again at the next call, so do not write into it.
        :param boxes: xyxy [N, 4] of moving objects in this image, in its pixels; corners on them
            are left out.
        :return: affine [2, 3] from pixels of the image before to pixels of this one; None where
            the camera stood still, at the start, and where too little could be followed.
        """
        before, self._image = self._image, image
        known = before is not None and before.shape == image.shape
        still = known and self._is_still(image)
        self._still_frames = self._still_frames + 1 if still else 0
        if still and self._still_frames % REFRESH:
            self._grey = None
            return None
        grey, affine = _reduce(image), None
        if before is not None and known and not still:
            # The image before is reduced only now where the camera stood still until then.
            affine = self._follow(_reduce(before) if self._grey is None else self._grey, grey)
        self._grey = grey
        ratio = WIDTH / image.shape[1]
        self._find_corners(boxes, ratio)
        self._looks = self._look(image)
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

    def _look(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the grey level at each corner, of as many pixels as its reduced pixel has."""
        step = image.shape[1] / WIDTH
        x, y = ((self._corners[:, 0] + 0.5) * step - 0.5).astype(np.intp).T[:, :, None]
        columns = np.minimum(x + [0, 1, 0, 1], image.shape[1] - 1)
        rows = np.minimum(y + [0, 0, 1, 1], image.shape[0] - 1)
        grey: NDArray[np.float32] = image[rows, columns].mean(axis=1, dtype=np.float32) @ GREY
        return grey

    def _is_still(self, image: NDArray[np.uint8]) -> bool:
        """Return whether the picture is the same at nearly all corners."""
        if len(self._corners) < LEAST_CORNERS:
            return False
        before, self._looks = self._looks, self._look(image)
        changed = np.abs(self._looks - before) > STILL_DIFFERENCE
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


def _reduce(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a BGR image [H, W, 3] as grey levels of width ``WIDTH``."""
    size = (WIDTH, max(round(image.shape[0] * WIDTH / image.shape[1]), 1))
    small = cv2.resize(resizable(image), size, interpolation=cv2.INTER_LINEAR)
    grey: NDArray[np.uint8] = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    return grey
