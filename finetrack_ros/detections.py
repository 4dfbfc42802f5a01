# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Detections of one image as parallel arrays: what engines give out and trackers take in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """
    Detections of one image; row i of every array belongs to detection i.

    :ivar boxes: float32 [N, 4], left, top, right, bottom in pixels of the source image.
    :ivar scores: float32 [N], confidence in 0..1.
    :ivar classes: int32 [N], index into the model's class names.
    :ivar embeddings: float32 [N, D] with rows of unit length, and rows of zeros for detections
        that have none; None where no detection has one.
    :raises ValueError: where an array's shape does not fit the others.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int32]
    embeddings: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Convert to the documented dtypes and check that the shapes agree."""
        boxes = np.ascontiguousarray(self.boxes, np.float32)
        count = len(boxes)
        if boxes.shape != (count, 4):
            raise ValueError(f'boxes must have shape [N, 4], not {list(boxes.shape)}')
        columns: dict[str, NDArray[Any]] = {
            'scores': np.ascontiguousarray(self.scores, np.float32),
            'classes': np.ascontiguousarray(self.classes, np.int32),
        }
        for name, column in columns.items():
            if column.shape != (count,):
                raise ValueError(
                    f'{name} must have shape [{count}] like boxes, not {list(column.shape)}')
        embeddings = self.embeddings
        if embeddings is not None:
            embeddings = np.ascontiguousarray(embeddings, np.float32)
            if embeddings.ndim != 2 or len(embeddings) != count:
                raise ValueError(
                    f'embeddings must have shape [{count}, D], not {list(embeddings.shape)}')
        object.__setattr__(self, 'boxes', boxes)
        object.__setattr__(self, 'scores', columns['scores'])
        object.__setattr__(self, 'classes', columns['classes'])
        object.__setattr__(self, 'embeddings', embeddings)

    def __len__(self) -> int:
        """Return the number of detections."""
        return len(self.boxes)

    def __getitem__(self, index: Any) -> Detections:
        """Return the detections that an index array, mask or slice selects."""
        embeddings = None if self.embeddings is None else self.embeddings[index]
        return Detections(self.boxes[index], self.scores[index], self.classes[index], embeddings)

    @classmethod
    def empty(cls, dim: int | None = None) -> Detections:
        """Return no detections, with embeddings of width ``dim`` unless it is None."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int32),
                   None if dim is None else np.zeros((0, dim), np.float32))
