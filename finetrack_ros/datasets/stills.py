# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the readers of independent still images share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

from PIL import Image

from finetrack_ros.datasets.annotations import read_image
from finetrack_ros.errors import ConfigError, SourceError

Part = Literal['train', 'evaluate']
Item = TypeVar('Item')

_ORIENTATION = 0x0112
# Values of the EXIF orientation that swap width and height.
_LYING = (5, 6, 7, 8)


def choose_part(items: Sequence[Item], part: Part | None, evaluate_every: int) -> list[Item]:
    """
    Return one part of the sorted images of a data set that has no split of its own.

    The parts are free of overlap only where the images are independent: neighbouring frames of a
    video show the same scene.

    :param items: all images, sorted, which makes the choice the same everywhere.
    :param part: ``evaluate`` takes every n-th item, ``train`` all others; None takes all.
    :param evaluate_every: n, at least 2.
    :raises ConfigError: where n is less, or the part is empty.
    """
    if evaluate_every < 2:
        raise ConfigError(f'evaluate_every = {evaluate_every}: give 2 or more, so that images are '
                          'left to train on')
    if part is None:
        return list(items)
    is_evaluated = part == 'evaluate'
    chosen = [item for number, item in enumerate(items, 1)
              if (number % evaluate_every == 0) == is_evaluated]
    if not chosen:
        raise ConfigError(f'part = {part}: holds none of the {len(items)} images; give a smaller '
                          f'evaluate_every than {evaluate_every}')
    return chosen


def require_images(paths: Sequence[Path], annotations: Path) -> None:
    """Raise SourceError where images that an annotation file names do not exist."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise SourceError(f"'{missing[0]}' does not exist, nor do {len(missing) - 1} other of the "
                          f"{len(paths)} images of '{annotations}'. Fetch them, or name their "
                          "folder with the option 'images'.")


def image_size(path: Path) -> tuple[int, int] | None:
    """
    Return height and width in pixels as OpenCV decodes the image; None where it cannot.

    Mostly this reads the header alone: of a million images, to decode each takes hours.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            # Of a PNG without orientation in its header, Pillow would decode all to look for one.
            has_exif = image.format != 'PNG' or 'exif' in image.info
            lies = has_exif and image.getexif().get(_ORIENTATION) in _LYING
        return (width, height) if lies else (height, width)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        # Pillow raises any of these for a damaged header.
        decoded = read_image(path)
        return None if decoded is None else decoded.shape[:2]
