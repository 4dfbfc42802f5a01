# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Create the publishers of outputs, so that users may change their quality of service."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions


def create_output(node: LifecycleNode, message_type: Any, topic: str,
                  qos: QoSProfile | int) -> Any:
    """
    Return a lifecycle publisher whose history, depth and reliability are parameters.

    They are named ``qos_overrides.<full topic>.publisher.reliability`` and so on, as everywhere in
    ROS 2; what cannot be is refused by rclpy with a RuntimeError.
    """
    return node.create_lifecycle_publisher(
        message_type, topic, qos,
        qos_overriding_options=QoSOverridingOptions.with_default_policies())
