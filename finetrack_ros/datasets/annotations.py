# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every reader of annotated images gives: frames with their people, grouped in clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError
from finetrack_ros.geometry import valid_boxes
from finetrack_ros.io import native_paths


@dataclass(frozen=True)
class AnnotatedFrame:
    """
    One image and the people in it.

    :ivar path: the image file, which is read only on request.
    :ivar boxes: float32 [N, 4], left, top, right, bottom in pixels of the image; may reach beyond
        it.
    :ivar ids: int64 [N] as in the source, -1 where unknown.
    :ivar ignore: bool [N], true for people that count neither as found nor as missed.
    """

    path: Path
    boxes: NDArray[np.float32]
    ids: NDArray[np.int64]
    ignore: NDArray[np.bool_]

    def read(self, half: bool = False) -> NDArray[np.uint8]:
        """
        Decode the image.

        :param half: decode at half width and height, which is faster for JPEG.
        :return: BGR image, uint8 [H, W, 3].
        :raises SourceError: where the file is missing or no image.
        """
        image = read_image(self.path, half)
        if image is None:
            raise SourceError(f"Image '{self.path}' is missing or cannot be decoded. Fetch it "
                              'again, or remove it from the data set.')
        return image


@dataclass(frozen=True)
class Clip:
    """
    Annotated frames that belong together.

    :ivar name: of the sequence, folder or file they come from.
    :ivar frames: in order.
    :ivar is_video: whether the frames follow each other in time; else they are independent.
    :ivar dropped: annotations left out because their box has no width or height.
    """

    name: str
    frames: tuple[AnnotatedFrame, ...]
    is_video: bool
    dropped: int = 0


def read_image(path: Path, half: bool = False) -> NDArray[np.uint8] | None:
    """Decode an image as :meth:`AnnotatedFrame.read` does; None where that is impossible."""
    mode = cv2.IMREAD_REDUCED_COLOR_2 if half else cv2.IMREAD_COLOR
    try:
        return native_paths.read_image(path, mode)
    except OSError:
        return None


def annotate(path: Path, boxes: NDArray[np.float64], ids: NDArray[np.int64] | None = None,
             ignore: NDArray[np.bool_] | None = None) -> tuple[AnnotatedFrame, int]:
    """
    Make a frame of raw annotations.

    :param path: the image file.
    :param boxes: float64 [N, 4], left, top, right, bottom in pixels.
    :param ids: int64 [N]; None where nobody's is known.
    :param ignore: bool [N]; None where everybody counts.
    :return: the frame without the boxes that have no area, and how many these were.
    """
    ids = np.full(len(boxes), -1, np.int64) if ids is None else ids
    ignore = np.zeros(len(boxes), np.bool_) if ignore is None else ignore
    usable = valid_boxes(boxes)
    frame = AnnotatedFrame(path, boxes[usable].astype(np.float32), ids[usable], ignore[usable])
    return frame, len(usable) - len(frame.boxes)


def make_clip(name: str, annotated: list[tuple[AnnotatedFrame, int]], is_video: bool) -> Clip:
    """Join what :func:`annotate` gave for each frame, in order."""
    return Clip(name, tuple(frame for frame, _ in annotated), is_video,
                sum(dropped for _, dropped in annotated))
