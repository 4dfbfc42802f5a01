# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Subscribe to a camera's images, with the quality of service that its publishers offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble has it under its older name.
    from rclpy.qos_event import SubscriptionEventCallbacks

_TYPE_NAMES = {Image: 'sensor_msgs/msg/Image', CompressedImage: 'sensor_msgs/msg/CompressedImage'}
_POLICIES = {'best_effort': ReliabilityPolicy.BEST_EFFORT, 'reliable': ReliabilityPolicy.RELIABLE}


def image_qos(reliability: ReliabilityPolicy) -> QoSProfile:
    """
    Return a profile that keeps the newest image only.

    ``qos_profile_sensor_data`` keeps five, and a busy subscriber then always works on old ones.
    """
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability,
                      durability=DurabilityPolicy.VOLATILE)


class ImageInput:
    """
    Subscription to one image topic that exists only between :meth:`open` and :meth:`close`.

    All methods must be called from the executor's thread, or while nothing else calls them.
    """

    def __init__(self, node: Node, topic: str, transport: str, reliability: str,
                 callback: Callable[[Any], None]) -> None:
        """
        Prepare to subscribe.

        :param topic: name of the raw image topic, relative to the node.
        :param transport: ``raw`` or ``compressed``; the latter has '/compressed' added to the
            topic after remapping, as image_transport does.
        :param reliability: ``auto``, ``best_effort`` or ``reliable``.
        """
        self._node = node
        self._callback = callback
        self._wanted = reliability
        self._subscription: Subscription | None = None
        self._policy = _POLICIES.get(reliability, ReliabilityPolicy.BEST_EFFORT)
        self._reported: list[str] = []
        self.type: type = Image
        self.topic: str = node.resolve_topic_name(topic)
        if transport == 'compressed':
            self.type = CompressedImage
            if not self.topic.endswith('/compressed'):
                self.topic += '/compressed'

    @property
    def reliability(self) -> str:
        """Return the reliability asked for at present."""
        return next(name for name, policy in _POLICIES.items() if policy == self._policy)

    def open(self) -> None:
        """Subscribe."""
        if self._subscription is not None:
            return
        if self._wanted == 'auto':
            self._policy = self._offered()
        callbacks = SubscriptionEventCallbacks(incompatible_qos=lambda _: self.check())
        self._subscription = self._node.create_subscription(
            self.type, self.topic, self._callback, image_qos(self._policy),
            event_callbacks=callbacks)

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def publisher_count(self) -> int:
        """Return the number of publishers of the topic, whatever they offer."""
        return int(self._node.count_publishers(self.topic))

    def check(self) -> list[str]:
        """
        Follow the publishers in ``auto``, and return what keeps their images from arriving.

        Each problem is also logged once, when it first appears.
        """
        if self._subscription is None:
            return []
        if self._wanted == 'auto' and self._offered() != self._policy:
            self.close()
            self.open()
            self._node.get_logger().info(
                f"subscribed to '{self.topic}' again as {self.reliability}, as its publishers "
                'offer')
        problems = self._problems()
        for problem in problems:
            if problem not in self._reported:
                self._node.get_logger().error(problem)
        self._reported = problems
        return problems

    def _offered(self) -> ReliabilityPolicy:
        """Return the strictest reliability that all present publishers offer."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return self._policy
        if all(p.qos_profile.reliability == ReliabilityPolicy.RELIABLE for p in publishers):
            return ReliabilityPolicy.RELIABLE
        return ReliabilityPolicy.BEST_EFFORT

    def _problems(self) -> list[str]:
        """Return a sentence for each publisher whose images cannot arrive here."""
        problems = []
        for publisher in self._node.get_publishers_info_by_topic(self.topic):
            name = f"'{self.topic}' is published by {publisher.node_name}"
            if publisher.topic_type != _TYPE_NAMES[self.type]:
                problems.append(
                    f'{name} as {publisher.topic_type}, but subscribed as '
                    f"{_TYPE_NAMES[self.type]}: set the parameter 'image_transport' (raw, "
                    "compressed) or 'image_topic' of the launch file to fit")
            elif (self._policy == ReliabilityPolicy.RELIABLE
                    and publisher.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT):
                problems.append(
                    f'{name} as best effort, but subscribed as reliable, so that no image '
                    "arrives: set the parameter 'reliability' to 'auto' or 'best_effort', or "
                    'make the publisher reliable')
        return problems
