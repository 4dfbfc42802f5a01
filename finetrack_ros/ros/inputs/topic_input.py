# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Subscribe to a topic with the quality of service that its publishers offer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import time
from typing import Any, NamedTuple

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # ROS 2 Humble has it under its older name.
    from rclpy.qos_event import SubscriptionEventCallbacks

_POLICIES = {'best_effort': ReliabilityPolicy.BEST_EFFORT, 'reliable': ReliabilityPolicy.RELIABLE}

#: What rcl calls the node of a publisher that was discovered before its node was.
UNKNOWN_NODE = '_NODE_NAME_UNKNOWN_'


class InputReport(NamedTuple):
    """
    How a subscription fares.

    :ivar what: what its messages are, such as ``image``.
    :ivar source: what publishes them, such as ``camera driver``.
    :ivar argument: the launch file's argument that names the topic.
    :ivar publishers: number of publishers, whatever they offer.
    :ivar silence: seconds since the last message, or since the subscription.
    :ivar problems: why messages cannot arrive at all, a sentence each.
    :ivar nodes: full names of the nodes that publish.
    :ivar hint: what is published in its place, and what to do then; '' where nothing is.
    """

    topic: str
    what: str
    source: str
    argument: str
    publishers: int
    silence: float
    problems: Sequence[str]
    nodes: Sequence[str] = ()
    hint: str = ''

    @property
    def remedy(self) -> str:
        """Return what to do where nothing arrives."""
        if self.hint:
            return self.hint
        return (f'look at the {self.source}' if self.publishers
                else f'start the {self.source} or correct {self.argument}')


def newest_qos(reliability: ReliabilityPolicy, depth: int = 1) -> QoSProfile:
    """
    Return a profile that keeps the newest messages only.

    ``qos_profile_sensor_data`` keeps five, and a busy subscriber then always works on old ones.
    """
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=reliability,
                      durability=DurabilityPolicy.VOLATILE)


def type_name(message_type: Any) -> str:
    """Return a message type's name in the graph, such as ``sensor_msgs/msg/Image``."""
    package, kind, _ = message_type.__module__.split('.', 2)
    return f'{package}/{kind}/{message_type.__name__}'


class TopicInput:
    """
    Subscription to one topic that exists only between :meth:`open` and :meth:`close`.

    All methods belong to the executor's thread.

    :cvar what: what a message is called in texts for the user.
    :cvar source: what publishes it.
    :cvar argument: the launch file's argument that names the topic.
    :cvar type_remedy: what to do where the publisher's type is another.
    """

    what = 'message'
    source = 'publisher'
    argument = 'remapping'
    type_remedy = 'remap the topic to one of that type'

    def __init__(self, node: Node, message_type: Any, topic: str, reliability: str,
                 callback: Callable[[Any], None], depth: int = 1) -> None:
        """
        Prepare to subscribe.

        :param topic: name of the topic, fully resolved.
        :param reliability: ``auto``, ``best_effort`` or ``reliable``.
        :param depth: messages that may wait for the executor.
        """
        self._node = node
        self._callback = callback
        self._wanted = reliability
        self._depth = depth
        self._subscription: Subscription | None = None
        self._policy = _POLICIES.get(reliability, ReliabilityPolicy.BEST_EFFORT)
        self._reported: list[str] = []
        self._last_message = time.monotonic()
        self.type = message_type
        self.topic = topic

    @property
    def reliability(self) -> str:
        """Return the reliability asked for at present."""
        return next(name for name, policy in _POLICIES.items() if policy == self._policy)

    def open(self) -> None:
        """Subscribe."""
        if self._subscription is None:
            self._last_message = time.monotonic()
            self._subscribe()

    def close(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def report(self) -> InputReport:
        """Return how the subscription fares; nothing is changed or logged."""
        return InputReport(
            self.topic, self.what, self.source, self.argument,
            int(self._node.count_publishers(self.topic)),
            time.monotonic() - self._last_message, self._problems(), self._publishing_nodes(),
            self._hint())

    def siblings(self) -> dict[str, str]:
        """Return topics on which the same may be published in another form, with the remedy."""
        return {}

    def _hint(self) -> str:
        if self._node.count_publishers(self.topic):
            return ''
        return next((f"only '{topic}' is published: {remedy}"
                     for topic, remedy in self.siblings().items()
                     if self._node.count_publishers(topic)), '')

    def _publishing_nodes(self) -> list[str]:
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        return sorted({f"{p.node_namespace.rstrip('/')}/{p.node_name}" for p in publishers
                       if p.node_name != UNKNOWN_NODE})

    def follow(self) -> None:
        """
        Subscribe as the publishers offer, in ``auto``, and log what keeps messages from arriving.

        To be called every now and then; each problem is logged once, when it first appears.
        """
        if self._subscription is None:
            return
        if self._wanted == 'auto' and self._offered() != self._policy:
            self.close()
            self._subscribe()
            self._node.get_logger().info(
                f"subscribed to '{self.topic}' again as {self.reliability}, as its publishers "
                'offer')
        problems = self._problems()
        for problem in problems:
            if problem not in self._reported:
                self._node.get_logger().error(problem)
        self._reported = problems

    def _subscribe(self) -> None:
        if self._wanted == 'auto':
            self._policy = self._offered()
        callbacks = SubscriptionEventCallbacks(incompatible_qos=lambda _: self.follow())
        self._subscription = self._node.create_subscription(
            self.type, self.topic, self._receive, newest_qos(self._policy, self._depth),
            event_callbacks=callbacks)

    def _receive(self, msg: Any) -> None:
        self._last_message = time.monotonic()
        self._callback(msg)

    def _offered(self) -> ReliabilityPolicy:
        """Return the strictest reliability that all present publishers offer."""
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        if not publishers:
            return self._policy
        if all(p.qos_profile.reliability == ReliabilityPolicy.RELIABLE for p in publishers):
            return ReliabilityPolicy.RELIABLE
        return ReliabilityPolicy.BEST_EFFORT

    def _problems(self) -> list[str]:
        """Return a sentence for each publisher whose messages cannot arrive here."""
        problems: list[str] = []
        if self._subscription is None:
            return problems
        for publisher in self._node.get_publishers_info_by_topic(self.topic):
            node = ('a node not known yet' if publisher.node_name == UNKNOWN_NODE
                    else publisher.node_name)
            name = f"'{self.topic}' is published by {node}"
            if publisher.topic_type != type_name(self.type):
                problems.append(f'{name} as {publisher.topic_type}, but subscribed as '
                                f'{type_name(self.type)}: {self.type_remedy}')
            elif (self._policy == ReliabilityPolicy.RELIABLE
                    and publisher.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT):
                problems.append(
                    f'{name} as best effort, but subscribed as reliable, so that no {self.what} '
                    "arrives: set the parameter 'reliability' to 'auto' or 'best_effort', or "
                    'make the publisher reliable')
        return problems
