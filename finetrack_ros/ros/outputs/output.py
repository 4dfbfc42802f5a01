# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What an output is: whoever has these methods may stand in a camera's list of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.outputs.publishers import create_output
from finetrack_ros.tracking import Tracks


@dataclass(frozen=True)
class OutputFrame:
    """
    One tracked frame, as outputs get it.

    :ivar tracks: the confirmed tracks seen in it.
    :ivar labels: [M], texts of their classes.
    :ivar header: of the image.
    :ivar image: BGR uint8 [H, W, 3]; None where detections are tracked without images.
    :ivar config: the parameters in force for this frame.
    """

    tracks: Tracks
    labels: Sequence[str]
    header: Header
    image: NDArray[np.uint8] | None
    config: NodeConfig

    @property
    def size(self) -> tuple[int, int] | None:
        """Return width and height of the image, None where they are not known."""
        return None if self.image is None else (self.image.shape[1], self.image.shape[0])


class Output(Protocol):
    """
    Something that is published of each tracked frame.

    The worker's thread calls ``wanted`` and ``publish``; ``forget`` is called between two frames,
    ``destroy`` when the worker has ended.
    """

    def wanted(self) -> bool:
        """Return whether anybody takes it; nothing is computed for nobody."""
        ...

    def publish(self, frame: OutputFrame) -> None:
        """Publish what the frame gives."""
        ...

    def forget(self) -> None:
        """Drop what was kept of earlier frames: the tracks were reset."""
        ...

    def destroy(self) -> None:
        """Remove the publishers."""
        ...


class TopicOutput:
    """
    Base of outputs with one topic, which are wanted while it has subscribers.

    A derived class has ``publish``.
    """

    def __init__(self, node: LifecycleNode, message_type: Any, topic: str, qos: QoSProfile | int
                 ) -> None:
        """Create the publisher."""
        self._node = node
        self._publisher = create_output(node, message_type, topic, qos)

    def wanted(self) -> bool:
        """Return whether the topic has subscribers."""
        return bool(self._publisher.get_subscription_count())

    def forget(self) -> None:
        """Nothing is kept from frame to frame."""

    def destroy(self) -> None:
        """Remove the publisher."""
        self._node.destroy_lifecycle_publisher(self._publisher)
