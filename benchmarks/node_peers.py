# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The processes that benchmarks/node.py times: a bare relay, and the node with a stand-in model.

    python benchmarks/node_peers.py relay|node|model PEOPLE COST CORE --ros-args ...
"""

from __future__ import annotations

from collections.abc import Sequence
import contextlib
import os
import sys
import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from finetrack_ros.detections import Detections
from finetrack_ros.msg import Latency
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.inputs.topic_input import newest_qos
from finetrack_ros.ros.messages.track_conversions import stamp_seconds, to_detection_array
from finetrack_ros.ros.node.model_loading import load_runner
from finetrack_ros.ros.node.tracker_node import main as run_tracker
from finetrack_ros.tracking import Tracker, TrackerConfig

SIZE = (1280, 720)


def walking_people(count: int, frames: int = 100) -> list[Detections]:
    """Return detections of people who walk to and fro, with 512 values of appearance each."""
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(count, 512))
    columns = -(-count // 4)
    left = (np.arange(count) % columns + 0.3) * SIZE[0] / columns
    top = (np.arange(count) // columns + 0.1) * SIZE[1] / 5
    result = []
    for phase in np.linspace(0, 2 * np.pi, frames, endpoint=False):
        x = left + 10 * np.sin(phase + np.arange(count))
        vectors = looks + 0.1 * rng.normal(size=looks.shape)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        result.append(Detections(np.stack([x, top, x + 40, top + 110], axis=1),
                                 np.full(count, 0.9), np.zeros(count), vectors))
    return result


class StandIn:
    """Stands for a model: the same people each time, after the same time."""

    class_names = ['person']
    embedding_dim = 512
    engine_name, device_name, model_name = 'stand-in', 'none', 'stand-in'
    engine_reason = 'for the benchmark'
    input_size = 640

    def __init__(self, people: int, seconds: float) -> None:
        self._frames = walking_people(people)
        self._seconds = seconds
        self._calls = 0

    def infer(self, images: Sequence[NDArray[np.uint8]], options: Any = None) -> list[Detections]:
        """Return the people of the next frame; asleep, as a node is whose GPU works."""
        end = time.perf_counter() + self._seconds
        # Sleeping wakes late: the last part is waited for awake.
        time.sleep(max(self._seconds - 1e-3, 0.0))
        while time.perf_counter() < end:
            pass
        self._calls += 1
        return [self._frames[self._calls % len(self._frames)]] * len(images)


def run_relay(people: int) -> int:
    """Answer each image at once with an array of the size that the node gives out."""
    rclpy.init(args=sys.argv)
    node = Node('relay')
    tracks = Tracker(TrackerConfig(confirm_hits=1)).update(walking_people(people, 1)[0])
    answer = to_detection_array(tracks, ['person'] * people, Header())
    publisher = node.create_publisher(Detection2DArray, 'tracks', 10)
    latency = node.create_publisher(Latency, 'tracker/latency', 10)

    # As the node does: with the last image freed, its memory goes back to the system and has to be
    # fetched for the next one, which costs the receiving side as much again.
    kept: list[Image] = []

    def pass_on(msg: Image) -> None:
        kept[:] = [msg]
        age = node.get_clock().now().nanoseconds * 1e-9 - stamp_seconds(msg.header.stamp)
        start = time.perf_counter()
        answer.header = msg.header
        publisher.publish(answer)
        seconds = time.perf_counter() - start
        latency.publish(Latency(
            header=msg.header, age=age, publishing=seconds, total=age + seconds))

    node.create_subscription(Image, 'image', pass_on, newest_qos(ReliabilityPolicy.RELIABLE))
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)
    rclpy.try_shutdown()
    return 0


def main() -> int:
    """Be one of the processes that are timed."""
    role, people, cost, core = sys.argv[1:5]
    if role == 'model':
        # Not inherited from the benchmark, which leaves a core to its peers.
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    else:
        os.sched_setaffinity(0, {int(core)})
        # Threads would only take turns on the one core.
        cv2.setNumThreads(1)
    if role == 'relay':
        return run_relay(int(people))

    def stand_in(_config: NodeConfig) -> Any:
        return StandIn(int(people), float(cost) * 1e-3)

    return run_tracker(sys.argv, load_runner if role == 'model' else stand_in)


if __name__ == '__main__':
    sys.exit(main())
