# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""COCO's JSON of object instances, which annotation tools write too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import annotate, Clip, make_clip
from finetrack_ros.datasets.registry import reader
from finetrack_ros.datasets.stills import choose_part, Part, require_images
from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.geometry import tlwh_to_xyxy


@reader('coco')
def read_coco(path: Path, *, images: str = '.', category: str = 'person',
              part: Part | None = None, evaluate_every: int = 3) -> list[Clip]:
    """
    Read a file such as ``instances_train2017.json``.

    Boxes that hold a crowd (``iscrowd``) are ignored. Images without an annotation of the
    category have nobody in them.

    :param path: the JSON file.
    :param images: the folder of its images, absolute or relative to the JSON file's folder.
    :param category: name of the category that is a person; others are left out.
    :param part: ``train`` or ``evaluate`` to read a part of the images, sorted by file name, None
        for all.
    :param evaluate_every: every n-th image is of the evaluate part.
    :return: one clip of still images without identities, named like the file.
    :raises SourceError: where the file or an image is missing, or the file is malformed.
    :raises ConfigError: where the category is unknown or the part is empty.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        tables = _tables_by_file(content, _category_id(path, content['categories'], category))
    except OSError as error:
        raise SourceError(f"Annotations '{path}' cannot be read ({error.strerror}). Give the JSON "
                          'file of a COCO data set.') from error
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise SourceError(f"Annotations '{path}' are no COCO instances ({error!r}). Give a JSON "
                          'file of images, annotations and categories.') from error
    chosen = [(path.parent / images / name, tables[name])
              for name in choose_part(sorted(tables), part, evaluate_every)]
    require_images([image for image, _ in chosen], path)
    annotated = [annotate(image, tlwh_to_xyxy(table[:, :4]), ignore=table[:, 4] != 0)
                 for image, table in chosen]
    return [make_clip(path.stem, annotated, is_video=False)]


def _category_id(path: Path, categories: list[dict[str, Any]], name: str) -> Any:
    ids = {category['name']: category['id'] for category in categories}
    if name not in ids:
        raise ConfigError(f"Annotations '{path}' have no category '{name}'. Choose one of "
                          f'{", ".join(sorted(ids))}.')
    return ids[name]


def _tables_by_file(content: dict[str, Any], category: Any) -> dict[str, NDArray[np.float64]]:
    """Return by file name left, top, width, height, iscrowd of the category's boxes, [N, 5]."""
    rows: dict[Any, list[tuple[float, ...]]] = {image['id']: [] for image in content['images']}
    for annotation in content['annotations']:
        if annotation['category_id'] == category:
            left, top, width, height = map(float, annotation['bbox'])
            is_crowd = bool(annotation.get('iscrowd', 0))
            rows[annotation['image_id']].append((left, top, width, height, is_crowd))
    return {str(image['file_name']): np.array(rows[image['id']], np.float64).reshape(-1, 5)
            for image in content['images']}
