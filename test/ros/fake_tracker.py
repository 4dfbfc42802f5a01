# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker node with a model that detects white squares, in place of a network."""

from collections.abc import Sequence
from dataclasses import replace
import sys
import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.errors import ModelError
from finetrack_ros.protocols import DetectionOptions
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.node.tracker_node import main

DIM = 8

# What the first pixel of an image makes of it.
BREAKS = 66
SLOW = {77: 0.2, 78: 0.03}


class SquareRunner:
    """Stands for a model; each square's embedding follows from its height."""

    class_names = ['square']
    embedding_dim = DIM
    engine_name = 'fake'
    device_name = 'cpu'
    engine_reason = 'for tests'
    model_name = 'squares'
    input_size = 320

    def infer(self, images: Sequence[NDArray[np.uint8]],
              options: DetectionOptions | None = None) -> list[Detections]:
        """Return the white squares of each image."""
        options = options or DetectionOptions()
        found = [self._squares(image, options) for image in images]
        return found if options.embeddings else [
            replace(detections, embeddings=None) for detections in found]

    def embed(self, images: Sequence[NDArray[np.uint8]], boxes: Sequence[NDArray[np.float32]],
              labels: Sequence[Sequence[str]] | None = None) -> list[NDArray[np.float32]]:
        """Return embeddings that follow from the boxes' heights in the image."""
        return [embeddings(rows[:, 1]) for rows in boxes]

    def _squares(self, image: NDArray[np.uint8], options: DetectionOptions) -> Detections:
        mark = image[0, 0, 0]
        if mark == BREAKS:
            raise RuntimeError('the engine broke')
        time.sleep(SLOW.get(int(mark), 0.0))
        mask = (image[:, :, 0] > 128).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        left, top, width, height = stats[1:, :4].T
        boxes = np.stack([left, top, left + width, top + height], axis=1)
        count = len(boxes) if options.score_threshold <= 0.9 else 0
        return Detections(boxes, np.full(len(boxes), 0.9), np.zeros(len(boxes)),
                          embeddings(top))[:count]


def embeddings(tops: NDArray[Any]) -> NDArray[np.float32]:
    """Return a unit row for each top edge."""
    return np.eye(DIM, dtype=np.float32)[np.clip(tops // 30, 0, DIM - 1).astype(int)]


def load(config: NodeConfig) -> Any:
    """Return the fake model, unless its name asks for a fault."""
    if config.model.model == 'missing':
        raise ModelError("model 'missing': no such model; give 'squares'")
    if config.model.model == 'broken':
        raise ZeroDivisionError('a defect in a library')
    if config.model.model == 'slow':
        time.sleep(2.0)
    return SquareRunner()


if __name__ == '__main__':
    sys.exit(main(runner_factory=load))
