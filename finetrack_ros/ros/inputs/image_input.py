# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Subscribe to a camera's images, raw or compressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from finetrack_ros.ros.inputs.topic_input import TopicInput

COMPRESSED = '/compressed'


class ImageInput(TopicInput):
    """Subscription to one image topic."""

    what = 'image'
    source = 'camera driver'
    argument = 'image_topic'
    type_remedy = ("set the parameter 'image_transport' (raw, compressed) or 'image_topic' of the "
                   'launch file to fit')

    def __init__(self, node: Node, topic: str, transport: str, reliability: str,
                 callback: Callable[[Any], None], depth: int = 1) -> None:
        """
        Prepare to subscribe.

        :param topic: name of the raw image topic, relative to the node.
        :param transport: ``raw`` or ``compressed``; the latter has '/compressed' added to the
            topic after remapping, as image_transport does.
        :param reliability: ``auto``, ``best_effort`` or ``reliable``.
        :param depth: images that may wait for the executor.
        """
        message_type, resolved = Image, node.resolve_topic_name(topic)
        if transport == 'compressed':
            message_type = CompressedImage
            # That name may be remapped by itself.
            resolved = node.resolve_topic_name(resolved.removesuffix(COMPRESSED) + COMPRESSED)
        super().__init__(node, message_type, resolved, reliability, callback, depth)

    def siblings(self) -> dict[str, str]:
        """Return the compressed topic beside a raw one, or the raw beside a compressed one."""
        if self.type is Image:
            return {self.topic + COMPRESSED: "set the parameter 'image_transport' to compressed "
                                             '(image_transport:=compressed)'}
        return {self.topic.removesuffix(COMPRESSED): "set the parameter 'image_transport' to raw "
                                                     '(image_transport:=raw)'}
