# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Run a node as a process of its own."""

from __future__ import annotations

import contextlib
import signal

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.task import Future


def ignore_interrupts() -> None:
    """Let no further Ctrl-C break a clean end: the terminal and ros2 launch may both send one."""
    signal.signal(signal.SIGINT, lambda *_: None)


def run_node(node: Node, done: Future) -> None:
    """Spin until ``done`` completes or the process is interrupted, then free all of ROS."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
            executor.spin_until_future_complete(done)
    finally:
        ignore_interrupts()
        node.destroy_node()
        rclpy.try_shutdown()
