# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Where boxes of an image are in space, from a depth image that is aligned to it.

NumPy and OpenCV only: a depth image is an array, a calibration any object with the fields of
sensor_msgs/CameraInfo. Positions are in metres in the camera's optical frame (REP 103): x to the
right, y down, z forward. Depth is measured along z, as depth images hold it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import FinetrackError

#: Share of a box's width and height, about its centre, in which depth is read.
CORE = 0.5
#: Rows and columns of the grid on which it is read there, whatever the size of the box.
GRID = (24, 16)
#: Least share of the grid's values that must be a depth.
MIN_VALID = 0.1

# Aspect ratios of two images of the same view, as far as rounded sizes let them differ.
_ASPECT_TOLERANCE = 0.01
_PLUMB_BOB = ('plumb_bob', 'rational_polynomial', '')
_FISHEYE = 'equidistant'
_NO_DISTORTION = (np.empty(0), False)


class DepthError(FinetrackError, ValueError):
    """A depth image or a calibration that cannot be used; names the problem and the remedy."""


@dataclass(frozen=True)
class Intrinsics:
    """
    How the pixels of one image become rays.

    :ivar matrix: float64 [3, 3], focal lengths and principal point in pixels.
    :ivar distortion: float64 [D], coefficients in OpenCV's order; empty without distortion.
    :ivar fisheye: whether they are those of OpenCV's fisheye model.
    """

    matrix: NDArray[np.float64]
    distortion: NDArray[np.float64]
    fisheye: bool = False

    def rays(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return float64 [M, 2], x/z and y/z of the rays through points [M, 2] in pixels."""
        if not len(points) or not self.distortion.size:
            centre = self.matrix[:2, 2]
            return (points - centre) / self.matrix.diagonal()[:2]
        undistort = cv2.fisheye.undistortPoints if self.fisheye else cv2.undistortPoints
        column = np.asarray(points, np.float64).reshape(-1, 1, 2)
        return np.asarray(undistort(column, self.matrix, self.distortion)).reshape(-1, 2)


@dataclass(frozen=True)
class Positions:
    """
    Where M boxes are in space; the rows that are not ``valid`` are NaN.

    :ivar centres: float64 [M, 3], metres.
    :ivar sizes: float64 [M, 3], metres along x, y and z.
    :ivar valid: bool [M], whether there was enough depth in the box.
    """

    centres: NDArray[np.float64]
    sizes: NDArray[np.float64]
    valid: NDArray[np.bool_]


def read_intrinsics(info: Any, size: tuple[int, int], rectified: bool) -> Intrinsics:
    """
    Return the intrinsics of an image from its sensor_msgs/CameraInfo.

    The calibration may be of another resolution of the same view, binned or cut out (``roi``).

    :param size: width and height of the image.
    :param rectified: take the projection matrix P, without distortion; otherwise K and D.
    :raises DepthError: where the calibration is missing, of another shape, or of another model.
    """
    matrix = np.array(info.p if rectified else info.k, np.float64).reshape(3, -1)[:, :3]
    focal = matrix.diagonal()[:2]
    name = 'P' if rectified else 'K'
    if not np.isfinite(matrix).all() or focal.min() <= 0:
        raise DepthError(f'camera_info has a focal length of {focal[0]:g}, {focal[1]:g} in '
                         f'{name}: calibrate the camera, or let its driver publish what it knows')
    roi = info.roi
    cut = roi.width > 0 and roi.height > 0
    region = (roi.width, roi.height) if cut else (info.width, info.height)
    if min(region) > 0:
        if cut:
            matrix[:2, 2] -= (roi.x_offset, roi.y_offset)
        _check_aspect('camera_info', region, size)
        matrix[:2] *= np.divide(size, region)[:, None]
    return Intrinsics(matrix, *(_NO_DISTORTION if rectified else _distortion(info)))


def _distortion(info: Any) -> tuple[NDArray[np.float64], bool]:
    """Return the coefficients (none where all are zero), and whether they are of a fisheye."""
    coefficients = np.array(info.d, np.float64)
    if not coefficients.any():
        return _NO_DISTORTION
    model, count = info.distortion_model, len(coefficients)
    fisheye = model == _FISHEYE
    known = fisheye or model in _PLUMB_BOB
    counts = (4,) if fisheye else (4, 5, 8, 12, 14)
    if not known or count not in counts or not np.isfinite(coefficients).all():
        raise DepthError(
            f"camera_info has {count} coefficients of the distortion model '{model}', which is "
            'not known here: publish rectified images and set the parameter image_rectified')
    return coefficients, fisheye


def _check_aspect(what: str, size: tuple[int, int], image_size: tuple[int, int]) -> None:
    scale_x, scale_y = np.divide(image_size, size)
    if abs(scale_x / scale_y - 1) > _ASPECT_TOLERANCE:
        raise DepthError(
            f'{what} is of {size[0]}x{size[1]} pixels, the image of {image_size[0]}x'
            f'{image_size[1]}, which is not the same view: let the driver align depth to the '
            'image (align_depth, registered depth), with camera_info of the image')


def measure_depths(depth: NDArray[Any], boxes: NDArray[np.floating],
                   size: tuple[int, int]) -> NDArray[np.float64]:
    """
    Return the depth of the object in each box, float64 [M] in the image's units.

    Read on a grid in the core of the visible part of the box, where an object fills most of its
    box. The result is the middle of the shortest half of the valid values (the shorth; Rousseeuw
    and Leroy 1987), the nearer of equals: unlike the mean and the median it is not drawn towards
    a background or a foreground as long as that covers less than half of the core.

    :param depth: [H, W]; zero, negative and non-finite values are holes.
    :param boxes: [M, 4], left, top, right, bottom in pixels of the image.
    :param size: width and height of the image; the depth image may be larger or smaller.
    :return: NaN where fewer than :data:`MIN_VALID` of the grid are valid.
    :raises DepthError: where the depth image has another aspect ratio.
    """
    shape = depth.shape[1], depth.shape[0]
    _check_aspect('the depth image', shape, size)
    scale = np.tile(np.divide(shape, size), 2)
    inside = np.clip(boxes, 0, np.tile(size, 2)) * scale
    start, extent = inside[:, :2], inside[:, 2:] - inside[:, :2]
    rows, columns = ((1 - CORE) / 2 + CORE * (np.arange(n) + 0.5) / n for n in GRID)
    # Boxes may end on the image's border, and float boxes beyond int64 have been clipped above.
    xs = np.minimum(start[:, :1] + extent[:, :1] * columns, shape[0] - 1).astype(np.intp)
    ys = np.minimum(start[:, 1:] + extent[:, 1:] * rows, shape[1] - 1).astype(np.intp)
    count = GRID[0] * GRID[1]
    values = depth[ys[:, :, None], xs[:, None, :]].reshape(-1, count).astype(np.float64)
    values[~(np.isfinite(values) & (values > 0))] = np.nan
    values[~(extent > 0).all(axis=1)] = np.nan
    return _shorth(values, round(MIN_VALID * count))


def _shorth(values: NDArray[np.float64], least: int) -> NDArray[np.float64]:
    """Return the middle of the shortest half of each row, without NaN; NaN below ``least``."""
    ordered = np.sort(values, axis=1)
    counts = np.count_nonzero(~np.isnan(ordered), axis=1)
    half = counts // 2
    ends = np.arange(ordered.shape[1]) + half[:, None]
    within = ends < counts[:, None]
    lengths = np.take_along_axis(ordered, np.where(within, ends, 0), axis=1) - ordered
    first = np.where(within, lengths, np.inf).argmin(axis=1)
    middle = np.minimum(first + half // 2, ordered.shape[1] - 1)
    result = np.take_along_axis(ordered, middle[:, None], axis=1)[:, 0]
    return np.where(counts >= least, result, np.nan)


def locate(depth: NDArray[Any], metres: float, boxes: NDArray[np.floating],
           size: tuple[int, int], intrinsics: Intrinsics) -> Positions:
    """
    Return where the objects in boxes are, by the depth image of the same view.

    A centre lies on the ray through the centre of its box, at the depth of the visible surface.
    Width and height are those of the box at that depth. How deep the object is cannot be seen
    from one side: the smaller of width and height stands for it, as most objects that move on the
    ground are about as deep as they are wide, or as tall where they are seen from their long side.

    :param depth: [H, W], ``metres`` each.
    :param boxes: [M, 4], left, top, right, bottom in pixels of the image.
    :param size: width and height of the image.
    :param intrinsics: of the image.
    :raises DepthError: where the depth image has another aspect ratio.
    """
    boxes = np.asarray(boxes, np.float64)
    z = measure_depths(depth, boxes, size) * metres
    rays = intrinsics.rays((boxes[:, :2] + boxes[:, 2:]) / 2)
    centres = np.column_stack([rays * z[:, None], z])
    widths = (boxes[:, 2:] - boxes[:, :2]) / intrinsics.matrix.diagonal()[:2] * z[:, None]
    sizes = np.column_stack([widths, widths.min(axis=1)])
    valid = np.asarray(np.isfinite(np.hstack([centres, sizes])).all(axis=1), np.bool_)
    centres[~valid] = sizes[~valid] = np.nan
    return Positions(centres, sizes, valid)
