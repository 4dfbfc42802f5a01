# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Exchange detections and tracks with ``supervision``, where that is installed.

Its ``Detections`` has boxes, scores, classes and track ids as arrays of its own, and any other
arrays by name in ``data``: all others of ours stand there under the names that they have here.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from finetrack_ros.detections import Detections
from finetrack_ros.errors import ConfigError, InputError
from finetrack_ros.tracking import Tracks, TrackState

_OWN = {'boxes': 'xyxy', 'scores': 'confidence', 'classes': 'class_id', 'ids': 'tracker_id'}


def to_supervision(found: Detections | Tracks) -> Any:
    """
    Return ``supervision.Detections`` with all arrays of detections or tracks, not copied.

    :raises ConfigError: where supervision is not installed.
    """
    try:
        supervision = importlib.import_module('supervision')
    except ImportError as error:
        raise ConfigError("supervision is not installed: install it with 'pip install "
                          "supervision'") from error
    columns = {name: column for name, column in vars(found).items() if column is not None}
    own = {theirs: columns.pop(ours) for ours, theirs in _OWN.items() if ours in columns}
    return supervision.Detections(**own, data=columns)


def detections_from_supervision(found: Any) -> Detections:
    """
    Return detections from ``supervision.Detections``.

    Where scores or classes are missing, scores are 1 and classes 0. Embeddings [N, D] are taken
    from ``data['embeddings']``.

    :raises ValueError: where an array's shape does not fit the others.
    """
    count = len(found.xyxy)
    scores, classes = found.confidence, found.class_id
    return Detections(
        np.asarray(found.xyxy).reshape(count, 4),
        np.ones(count, np.float32) if scores is None else scores,
        np.zeros(count, np.int32) if classes is None else classes, found.data.get('embeddings'))


def tracks_from_supervision(found: Any) -> Tracks:
    """
    Return tracks from ``supervision.Detections``, of another tracker's too.

    What its ``data`` does not hold is as for tracks that were just seen for the first time.

    :raises InputError: where the detections have no track ids.
    """
    if found.tracker_id is None:
        raise InputError('the detections have no tracker_id: track them first, or take '
                         'detections_from_supervision')
    plain = detections_from_supervision(found)
    count, data = len(plain), found.data
    absent: dict[str, Any] = {
        'velocities': np.zeros((count, 4), np.float32), 'ages': np.zeros(count, np.float32),
        'hits': np.ones(count, np.int32), 'time_since_seen': np.zeros(count, np.float32),
        'states': np.full(count, TrackState.CONFIRMED, np.uint8),
        'detection_indices': np.arange(count, dtype=np.int32)}
    columns = {name: np.asarray(data.get(name, column), column.dtype)
               for name, column in absent.items()}
    return Tracks(ids=np.asarray(found.tracker_id, np.int64), boxes=plain.boxes,
                  scores=plain.scores, classes=plain.classes, embeddings=plain.embeddings,
                  **columns)
