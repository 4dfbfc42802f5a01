# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Take in the detections of another detector: vision_msgs/Detection2DArray into arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from vision_msgs.msg import Detection2D, Detection2DArray

from finetrack_ros.detections import Detections
from finetrack_ros.geometry import valid_boxes
from finetrack_ros.ros.inputs.topic_input import TopicInput

#: Most class names of one node: a detector that puts object ids there would add some forever.
MAX_CLASSES = 1000


class DetectionInput(TopicInput):
    """Subscription to one topic of detections."""

    what = 'detections message'
    source = 'detector'
    argument = 'detections_topic'
    type_remedy = "let 'detections_topic' of the launch file name a vision_msgs/Detection2DArray"

    def __init__(self, node: Node, topic: str, reliability: str,
                 callback: Callable[[Any], None], depth: int = 1) -> None:
        """Prepare to subscribe; see :class:`TopicInput`, ``topic`` is relative to the node."""
        super().__init__(node, Detection2DArray, node.resolve_topic_name(topic), reliability,
                         callback, depth)


class ClassNames(Sequence[str]):
    """
    Names of classes in the order in which they first came, so that each keeps its index.

    All cameras of a node share one, so that an index means the same everywhere.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        """Start with the names of a model, or without any."""
        self._names = list(names)
        self._indices = {name: index for index, name in enumerate(self._names)}

    def __len__(self) -> int:
        """Return the number of names so far."""
        return len(self._names)

    def __getitem__(self, index: Any) -> Any:
        """Return the name of an index."""
        return self._names[index]

    def index_of(self, name: str) -> int:
        """Return a name's index, a new one where it is new; -1 where there are too many."""
        if name not in self._indices:
            if len(self._names) >= MAX_CLASSES:
                return -1
            self._indices[name] = len(self._names)
            self._names.append(name)
        return self._indices[name]


def to_detections(msg: Detection2DArray, names: ClassNames, least_score: float, most: int,
                  wanted: Collection[str] = ()) -> tuple[Detections, int, str]:
    """
    Return the detections of a message as arrays, the strongest first.

    The class and score of a detection are those of ``results[0]``. A rotated box becomes the
    upright box around it. What cannot be tracked is left out: a detection without a result, a box
    that is inverted, without area or not finite, a score outside 0..1, a class beyond
    :data:`MAX_CLASSES`.

    :param names: the classes so far; new names are added.
    :param least_score: weaker detections are left out too, without being counted.
    :param most: so many of the strongest are kept.
    :param wanted: the classes that are kept; those of others are left out without being counted.
        Empty keeps all.
    :return: the detections in pixels of the image, how many cannot be tracked, and what is wrong
        with some of them ('' where all can).
    """
    found = msg.detections
    table = np.array([_row(detection) for detection in found], np.float64).reshape(-1, 6)
    boxes, scores = _upright(table[:, :5]), table[:, 5]
    faults = {
        'no entry in results': np.array([not d.results for d in found], bool),
        'a box that is inverted, empty or not finite':
            ~((table[:, 2:4] > 0).all(axis=1) & valid_boxes(boxes)),
        'a score outside 0..1': ~((scores >= 0) & (scores <= 1)),
    }
    bad = np.logical_or.reduce(list(faults.values()))
    rows = np.flatnonzero(~bad & (scores >= least_score))
    if wanted:
        rows = rows[np.array([found[row].results[0].hypothesis.class_id in wanted
                              for row in rows.tolist()], bool)]
    rows = rows[np.argsort(-scores[rows], kind='stable')[:most]]
    classes = np.array([names.index_of(found[row].results[0].hypothesis.class_id)
                        for row in rows.tolist()], np.int32)
    known = classes >= 0
    text = next((reason for reason, mask in faults.items() if mask.any()), '')
    if not known.all():
        text = f'a class beyond the first {MAX_CLASSES} (class_id must name a class)'
    rows, classes = rows[known], classes[known]
    count = int(bad.sum() + (~known).sum())
    return Detections(boxes[rows], scores[rows].astype(np.float32), classes), count, text


def _row(detection: Detection2D) -> tuple[float, ...]:
    """Return centre, size, angle and score; NaN for the score where there is none."""
    bbox = detection.bbox
    score = detection.results[0].hypothesis.score if detection.results else math.nan
    return (bbox.center.position.x, bbox.center.position.y, bbox.size_x, bbox.size_y,
            bbox.center.theta, score)


def _upright(rotated: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the upright boxes xyxy [N, 4] around boxes of centre, size and angle [N, 5]."""
    width, height, angle = rotated[:, 2], rotated[:, 3], rotated[:, 4]
    # What is not finite, or overflows, is found in the result.
    with np.errstate(invalid='ignore', over='ignore'):
        cosine, sine = np.abs(np.cos(angle)), np.abs(np.sin(angle))
        half = np.stack([width * cosine + height * sine, width * sine + height * cosine], 1) / 2
        return np.hstack([rotated[:, :2] - half, rotated[:, :2] + half]).astype(np.float32)
