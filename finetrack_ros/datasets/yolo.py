# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of images with YOLO label files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import annotate, AnnotatedFrame, Clip, make_clip
from finetrack_ros.datasets.registry import reader
from finetrack_ros.datasets.stills import choose_part, image_size, Part
from finetrack_ros.errors import SourceError
from finetrack_ros.geometry import cxcywh_to_xyxy
from finetrack_ros.io.sources import IMAGE_SUFFIXES

# Rounding, and boxes drawn a little beyond the image; pixels instead of fractions are far beyond.
_TOLERANCE = 0.05


@reader('yolo')
def read_yolo_folder(path: Path, *, class_index: int = 0, part: Part | None = None,
                     evaluate_every: int = 3) -> list[Clip]:
    """
    Read ``images/`` and ``labels/``, with lines ``class cx cy width height`` in fractions.

    Every image, also those in subfolders, has a label file of its name under ``labels/``; an
    empty one means that nobody is in the image. An image that cannot be decoded stays in the clip
    without boxes, since they have no scale: reading that frame raises.

    :param path: the folder that holds both.
    :param class_index: the class that is a person; others are left out.
    :param part: ``train`` or ``evaluate`` to read a part of the sorted images, None for all.
    :param evaluate_every: every n-th image is of the evaluate part.
    :return: one clip of still images without identities, named like the folder.
    :raises SourceError: where there is no image, or a label file is missing or malformed.
    :raises ConfigError: where the part is empty.
    """
    images = path / 'images'
    paths = sorted(image for image in images.rglob('*') if image.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise SourceError(f"'{images}' has no image. Give the folder that holds images/ and "
                          'labels/.')
    annotated = [_read_frame(image, path / 'labels' / image.relative_to(images), class_index)
                 for image in choose_part(paths, part, evaluate_every)]
    return [make_clip(path.resolve().name, annotated, is_video=False)]


def _read_frame(image: Path, label: Path, class_index: int) -> tuple[AnnotatedFrame, int]:
    rows = _read_label(label.with_suffix('.txt'))
    rows = rows[rows[:, 0] == class_index, 1:]
    size = image_size(image) if len(rows) else (0, 0)
    if size is None:
        rows, size = rows[:0], (0, 0)
    height, width = size
    return annotate(image, cxcywh_to_xyxy(rows * [width, height, width, height]))


def _read_label(path: Path) -> NDArray[np.float64]:
    """Read the rows of a label file, float64 [N, 5]."""
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"Label file '{path}' cannot be read ({error}). Give each image one; "
                          'an empty file says that nobody is in it.') from error
    rows = [_parse_line(path, number, line)
            for number, line in enumerate(lines, 1) if line.strip()]
    return np.array(rows, np.float64).reshape(-1, 5)


def _parse_line(path: Path, number: int, line: str) -> list[float]:
    try:
        row = [float(field) for field in line.split()]
    except ValueError:
        row = []
    in_image = all(-_TOLERANCE <= value <= 1 + _TOLERANCE for value in row[1:])
    if len(row) != 5 or not in_image:
        raise SourceError(f"Label file '{path}', line {number}: '{line[:80]}' is no YOLO label. "
                          'Write class cx cy width height, in fractions of the image size.')
    return row
