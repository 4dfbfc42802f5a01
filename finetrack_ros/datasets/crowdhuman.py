# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""CrowdHuman (Shao et al., arXiv 1805.00123)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import annotate, Clip, make_clip
from finetrack_ros.datasets.registry import reader
from finetrack_ros.datasets.stills import require_images
from finetrack_ros.errors import SourceError
from finetrack_ros.geometry import tlwh_to_xyxy

Box = Literal['fbox', 'vbox']


@reader('crowdhuman')
def read_crowdhuman(path: Path, *, images: str = 'Images', box: Box = 'fbox') -> list[Clip]:
    """
    Read ``annotation_train.odgt`` or ``annotation_val.odgt``: one JSON object for each image.

    Boxes tagged ``mask`` (crowds, reflections, drawn people) or with ``ignore`` are ignored.

    :param path: the odgt file.
    :param images: the folder of ``ID.jpg``, absolute or relative to the odgt file's folder.
    :param box: ``fbox``, the whole person, which may reach beyond the image, or ``vbox``, the
        part that is visible.
    :return: one clip of still images without identities, named like the file.
    :raises SourceError: where the file or an image is missing, or the file is malformed.
    """
    try:
        lines = path.read_text(encoding='utf-8').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"Annotations '{path}' cannot be read ({error}). Give CrowdHuman's "
                          'annotation_train.odgt or annotation_val.odgt.') from error
    rows = [_parse_line(path, number, line, box)
            for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise SourceError(f"Annotations '{path}' are empty. Fetch the file again.")
    paths = [path.parent / images / f'{name}.jpg' for name, _ in rows]
    require_images(paths, path)
    annotated = [annotate(image, tlwh_to_xyxy(table[:, :4]), ignore=table[:, 4] != 0)
                 for image, (_, table) in zip(paths, rows, strict=True)]
    return [make_clip(path.stem, annotated, is_video=False)]


def _parse_line(path: Path, number: int, line: str, box: Box) -> tuple[str, NDArray[np.float64]]:
    """Return an image's id, and left, top, width, height and ignore of its boxes [N, 5]."""
    try:
        content = json.loads(line)
        rows = []
        for person in content['gtboxes']:
            left, top, width, height = map(float, person[box])
            ignore = person['tag'] != 'person' or bool(person.get('extra', {}).get('ignore', 0))
            rows.append((left, top, width, height, ignore))
        return content['ID'], np.array(rows, np.float64).reshape(-1, 5)
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise SourceError(f"Annotations '{path}', line {number}: no CrowdHuman image ({error!r}). "
                          'Fetch the file again.') from error
