# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that belongs to one camera: its input, tracker, outputs and counters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from finetrack_ros.inference import FineTrackRunner
from finetrack_ros.pipeline import Pipeline
from finetrack_ros.ros.frame_slots import WaitingFrame
from finetrack_ros.ros.frame_stats import Durations, FrameStats
from finetrack_ros.ros.image_conversions import decode_compressed, decode_image, ImageError
from finetrack_ros.ros.image_input import ImageInput
from finetrack_ros.ros.outputs import Outputs
from finetrack_ros.ros.parameters import tracker_config
from finetrack_ros.ros.track_conversions import stamp_seconds

#: Seconds between two log lines about the same kind of fault: a camera repeats its faults.
LOG_PERIOD = 10.0


class Camera:
    """
    One camera of the node.

    ``open``, ``close`` and ``update`` are called from the executor's thread, ``process`` from the
    worker's; ``reset`` from any.
    """

    def __init__(self, node: LifecycleNode, prefix: str, runner: FineTrackRunner,
                 values: Mapping[str, Any],
                 offer: Callable[[WaitingFrame], bool]) -> None:
        """
        Create the publishers and a tracker of its own on the shared runner.

        :param prefix: '' or a name and a slash before each topic.
        :param offer: takes a received image; returns whether it replaced a waiting one.
        """
        self.name = prefix.rstrip('/')
        self.stats = FrameStats()
        self.input = ImageInput(node, f'{prefix}image', values['image_transport'],
                                values['reliability'], self._receive)
        self._node = node
        self._offer = offer
        self._values = values
        self._config = tracker_config(values)
        self._pipeline = Pipeline(runner, self._config)
        self._outputs = Outputs(node, prefix, runner.class_names, runner.embedding_dim)
        self._last_stamp: float | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Subscribe, and announce the classes."""
        self.stats.start()
        self.input.open()
        self._outputs.publish_labels(self._values['score_threshold'])

    def close(self) -> None:
        """Unsubscribe; the tracks stay."""
        self.input.close()

    def destroy(self) -> None:
        """Unsubscribe and remove the publishers."""
        self.input.close()
        self._outputs.destroy()

    def update(self, values: Mapping[str, Any]) -> None:
        """Take over changed parameters, all of them at the next frame."""
        self._config = tracker_config(values)
        self._values = values
        self._outputs.publish_labels(values['score_threshold'])

    def reset(self) -> None:
        """Drop all tracks once the frame in work is done; ids go on."""
        with self._lock:
            self._pipeline.reset()
            self._outputs.forget_trails()
            self._last_stamp = None

    def _receive(self, msg: Any) -> None:
        replaced = self._offer(WaitingFrame(self.name, msg, time.monotonic()))
        self.stats.image_received(replaced)

    def process(self, frame: WaitingFrame) -> None:
        """Decode and track one image and publish what came out; faults are counted and logged."""
        try:
            with self._lock:
                self._track(frame)
        except ImageError as error:
            self.stats.image_bad(str(error))
            self._node.get_logger().warning(
                f'image dropped: {error}', throttle_duration_sec=LOG_PERIOD)
        # An engine may raise anything, and the next frame may well succeed.
        except Exception as error:
            if not self._node.context.ok():
                return
            self.stats.frame_failed(f'{type(error).__name__}: {error}')
            self._node.get_logger().error(
                f'frame failed: {type(error).__name__}: {error}',
                throttle_duration_sec=LOG_PERIOD)

    def _track(self, frame: WaitingFrame) -> None:
        header = frame.msg.header
        age = self._age(header, frame.arrival)
        start = time.perf_counter()
        image = _decode(frame.msg)
        decoded = time.perf_counter()
        self._configure_pipeline()
        tracks = self._pipeline.step(image, self._tracker_stamp(header))
        tracked = time.perf_counter()
        values = self._values
        self._outputs.publish(tracks, image, header, values['class_id'] == 'index',
                              values['marker_scale'])
        published = time.perf_counter()
        timings = self._pipeline.timings
        tracking = timings['motion'] + timings['track']
        durations = Durations(
            age=age, decoding=decoded - start, inference=tracked - decoded - tracking,
            tracking=tracking, publishing=published - tracked, total=age + published - start)
        self.stats.frame_processed(durations, len(tracks))
        self._outputs.publish_latency(durations, header)

    def _configure_pipeline(self) -> None:
        """Bring the present parameters into force between two frames."""
        runner = self._pipeline.runner
        for name in ('score_threshold', 'nms_threshold', 'max_detections'):
            setattr(runner, name, self._values[name])
        self._pipeline.tracker.config = self._config

    def _age(self, header: Header, arrival: float) -> float:
        """Return the seconds since the stamp, or since the arrival of an image without one."""
        stamp = stamp_seconds(header.stamp)
        if not stamp:
            return time.monotonic() - arrival
        return float(self._node.get_clock().now().nanoseconds * 1e-9 - stamp)

    def _tracker_stamp(self, header: Header) -> float | None:
        """Return the tracker's time of an image, None where the driver does not stamp."""
        stamp = stamp_seconds(header.stamp)
        if self._last_stamp is not None and stamp < self._last_stamp:
            self.stats.time_jumped()
            self._outputs.forget_trails()
            self._node.get_logger().warning(
                f'stamps jumped back by {self._last_stamp - stamp:.3f} s: '
                f"on_jump_back is '{self._config.on_jump_back}'",
                throttle_duration_sec=LOG_PERIOD)
        self._last_stamp = stamp
        return stamp or None


def _decode(msg: Any) -> NDArray[np.uint8]:
    return decode_compressed(msg) if isinstance(msg, CompressedImage) else decode_image(msg)
