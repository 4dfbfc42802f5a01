# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the worker does with the frames that it takes: decode, infer together, track each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import time

from finetrack_ros.detections import Detections
from finetrack_ros.inference.preprocessing import network_size
from finetrack_ros.perception import Perception
from finetrack_ros.protocols import Model
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.node.camera import Work
from finetrack_ros.ros.node.frame_slots import WaitingFrame

#: More than any number of cameras.
UNLIMITED = 2**31


def batch_limit(asked: int, model: Model | None) -> int:
    """
    Return how many cameras' frames to infer at once.

    A GPU gains from batches. A CPU does not: measured on one core, two and four frames at once
    take 1.03 to 1.09 times as long as one after the other, and with two cameras that keep the node
    busy it is twice as long from an image to its tracks, since each waits for the other's.

    :param asked: the parameter ``max_batch``; 0 chooses by device.
    """
    if asked:
        return asked
    return 1 if model is not None and model.device_name == 'cpu' else UNLIMITED


class BatchProcessor:
    """Turns taken frames into tracks of each camera; called by the worker's thread only."""

    def __init__(self, model: Model | None, config: Callable[[], NodeConfig]) -> None:
        """
        Prepare to process.

        :param model: None where none is needed.
        :param config: returns the present parameters, which are then in force for all frames
            that were taken together.
        """
        self._model = model
        self._perception = Perception(model)
        self._config = config

    def process(self, frames: Sequence[WaitingFrame]) -> None:
        """Process one frame of each of some cameras; no fault of one touches the others."""
        config = self._config()
        decoded = (frame.camera.decode(frame, config) for frame in frames)
        for group in self._groups([work for work in decoded if work is not None]):
            self._infer(group, config)

    def _groups(self, works: Sequence[Work]) -> list[list[Work]]:
        """
        Return the frames that fill the network's input alike, oldest first.

        One input for a landscape and a portrait image would be half padding (measured: 1.4 times
        the time of the two alone), and a camera's detections would depend on its neighbours'
        shape.
        """
        groups: dict[object, list[Work]] = {}
        for work in works:
            size: object = None
            if work.image is not None and self._model is not None:
                size = network_size([work.image], self._model.input_size)
            groups.setdefault(size, []).append(work)
        return list(groups.values())

    def _infer(self, group: Sequence[Work], config: NodeConfig) -> None:
        start = time.perf_counter()
        try:
            found = self._detect(group, config)
        # An engine may raise anything, and only the frame that is the cause shall fail.
        except Exception as error:
            if len(group) == 1:
                group[0].camera.fail(error)
                return
            for work in group:
                self._infer([work], config)
            return
        seconds = time.perf_counter() - start
        for work, detections in zip(group, found, strict=True):
            work.camera.finish(work, detections, seconds, len(group), config)

    def _detect(self, group: Sequence[Work], config: NodeConfig) -> list[Detections]:
        """Return the detections of each frame, with embeddings where they are wanted."""
        images = [work.image for work in group if work.image is not None]
        foreign = [work.detections for work in group if work.detections is not None]
        if not foreign:
            return self._perception.detect(images, config.detection)
        return self._perception.detect(
            images, config.detection, foreign, [work.labels for work in group])
