# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Average precision of detections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.evaluation.ground_truth import GroundTruth
from finetrack_ros.geometry import box_iou


@dataclass(frozen=True)
class TruthBoxes:
    """
    Ground truth boxes of one image.

    :ivar boxes: floating [N, 4], left, top, right, bottom in pixels.
    :ivar ignored: bool [N]; a detection on an ignored box counts neither for nor against.
    """

    boxes: NDArray[np.floating]
    ignored: NDArray[np.bool_]


def truth_boxes(truth: GroundTruth, frame: int, min_visibility: float = 0.25) -> TruthBoxes:
    """
    Return the boxes of one frame for average precision.

    To be found are scored rows of more than ``min_visibility``; every other row of the frame
    (distractors, vehicles, occluders, people mostly hidden) is ignored.
    """
    here = truth.frames == frame
    found = truth.scored[here] & (truth.visibility[here] > min_visibility)
    return TruthBoxes(truth.boxes[here], ~found)


@dataclass(frozen=True)
class PrecisionRecall:
    """
    Precision over recall of one class, with one point per detection that counts.

    :ivar recall: float64 [P], 0..1, rising.
    :ivar precision: float64 [P], 0..1, made monotonic: the best at this recall or a higher one.
    :ivar average_precision: the area under it, 0..1.
    """

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    average_precision: float

    def at(self, recalls: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the precision at each recall [R]; 0 where it is never reached."""
        first = np.searchsorted(self.recall, recalls)
        return np.append(self.precision, 0.0)[first]


def average_precision(detections: Sequence[Detections], truths: Sequence[TruthBoxes],
                      iou_threshold: float = 0.5) -> float:
    """Return the area under the curve of :func:`precision_recall`, 0..1: AP50 by default."""
    return precision_recall(detections, truths, iou_threshold).average_precision


def precision_recall(detections: Sequence[Detections], truths: Sequence[TruthBoxes],
                     iou_threshold: float = 0.5) -> PrecisionRecall:
    """
    Return precision over recall of one class over a set of images.

    Detections are taken in order of falling score. Each takes the free ground truth box of its
    image with the highest IoU, if that is at least ``iou_threshold``: a true positive. Without
    one it is left out where it overlaps an ignored box as much, and else it is a false positive
    (COCO's matching). The area under the precision-recall curve is summed at every point, with
    precision made monotonic (PASCAL VOC 2010 and later).

    :param detections: one per image, of the class in question only.
    :param truths: one per image, in the same order.
    :raises ValueError: where the lists differ in length or no box is to be found.
    """
    positives = sum(int((~truth.ignored).sum()) for truth in truths)
    if positives == 0:
        raise ValueError('average precision needs at least one ground truth box to be found')
    matched = [_match(*pair, iou_threshold) for pair in zip(detections, truths, strict=True)]
    scores = np.concatenate([scores for scores, _ in matched])
    hits = np.concatenate([hits for _, hits in matched])[np.argsort(-scores, kind='stable')]
    true_positives = np.cumsum(hits)
    precision = true_positives / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return PrecisionRecall(true_positives / positives, precision,
                           float(precision[hits].sum() / positives))


def _match(detections: Detections, truth: TruthBoxes,
           threshold: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return scores and hits of one image's detections, without those on ignored boxes."""
    order = np.argsort(-detections.scores, kind='stable')
    overlap = box_iou(detections.boxes[order], truth.boxes)
    is_candidate = overlap >= threshold
    free = ~truth.ignored
    hits = np.zeros(len(order), bool)
    for row in np.flatnonzero(is_candidate.any(axis=1)):
        options = np.where(is_candidate[row] & free, overlap[row], 0)
        if options.any():
            hits[row] = True
            free[options.argmax()] = False
    counted = hits | ~(is_candidate & truth.ignored).any(axis=1)
    return detections.scores[order][counted], hits[counted]
