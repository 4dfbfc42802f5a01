# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that belongs to one camera: its inputs, tracker, outputs and counters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from finetrack_ros.detections import Detections
from finetrack_ros.io.deep_images import DepthReducer
from finetrack_ros.protocols import Model
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.diagnostics.frame_stats import Durations, FrameStats
from finetrack_ros.ros.inputs.detection_input import ClassNames, DetectionInput, to_detections
from finetrack_ros.ros.inputs.image_input import ImageInput
from finetrack_ros.ros.inputs.pairing import StampPairs
from finetrack_ros.ros.inputs.topic_input import TopicInput
from finetrack_ros.ros.messages.image_conversions import (
    decode_compressed,
    decode_image,
    ImageError,
)
from finetrack_ros.ros.messages.track_conversions import class_labels, stamp_seconds
from finetrack_ros.ros.node.frame_slots import FrameSlots, WaitingFrame
from finetrack_ros.ros.outputs.output import OutputFrame
from finetrack_ros.ros.outputs.outputs import LabelsOutput, LatencyOutput, make_outputs
from finetrack_ros.ros.positions.depth_stage import DepthStage
from finetrack_ros.stream import Stream

#: Seconds between two log lines about the same kind of fault: a camera repeats its faults.
LOG_PERIOD = 10.0


@dataclass(frozen=True)
class Work:
    """
    A decoded frame on its way through the worker.

    :ivar image: BGR uint8 [H, W, 3]; None where detections are tracked without images.
    :ivar detections: of another detector; None where ours is used.
    :ivar labels: their class names, [N].
    :ivar age: seconds from the stamp to ``start``.
    :ivar start: ``time.perf_counter()`` when the decoding began.
    :ivar decoding: seconds that it took.
    """

    camera: Camera
    header: Header
    image: NDArray[np.uint8] | None
    detections: Detections | None
    labels: Sequence[str]
    age: float
    start: float
    decoding: float


class Camera:
    """
    One camera of the node.

    ``open``, ``close``, ``follow``, ``update`` and the callbacks of its inputs belong to the
    executor's thread; ``decode``, ``finish``, ``fail`` and whatever is published to the worker's;
    ``reset`` may be called from any. The constructor creates publishers, and subscribes to TF at
    most, so that an automatic start may make cameras in its own thread.
    """

    def __init__(self, node: LifecycleNode, name: str, model: Model | None,
                 class_names: ClassNames, config: NodeConfig,
                 slots: Callable[[], FrameSlots | None]) -> None:
        """
        Create the publishers and a tracker of its own.

        :param name: stands with a slash before each topic; '' gives the plain topics.
        :param model: shared by all cameras; None where detections that come from
            elsewhere are tracked without embeddings, and without images.
        :param class_names: of the model, or those met so far; shared by all cameras.
        :param slots: returns where the worker takes frames and jobs from; None without a worker.
        """
        self.name = name
        self.stats = FrameStats()
        self._node = node
        self._slots = slots
        self._class_names = class_names
        self._announced = 0
        self._pairs: StampPairs | None = None
        self._stream = Stream(config.tracker)
        prefix = f'{name}/' if name else ''
        self.inputs = self._make_inputs(prefix, config)
        self._outputs = make_outputs(
            node, prefix, class_names,
            model.embedding_dim if model and config.node.embeddings else 0)
        self._labels, self._latency = LabelsOutput(node, prefix), LatencyOutput(node, prefix)
        self._depth = DepthStage(
            node, prefix, config, lambda: self._call_worker('depth', self._work_on_depth)
        ) if config.positions.depth else None
        self._last_stamp: float | None = None
        self._reducer = DepthReducer(
            lambda text: node.get_logger().info(f"'{self.topic}': {text}"))
        self._view: tuple[Any, ...] | None = None
        self._lock = threading.Lock()

    def _make_inputs(self, prefix: str, config: NodeConfig) -> list[TopicInput]:
        """Return the subscriptions that the mode needs; the first one gives the camera's rate."""
        pairs = config.needs_images and config.foreign_detections
        depth = config.node.pairing_queue if pairs else 1
        inputs: list[TopicInput] = []
        if config.needs_images:
            inputs.append(ImageInput(
                self._node, f'{prefix}image', config.node.image_transport, config.node.reliability,
                self._receive_image, depth))
        if config.foreign_detections:
            inputs.append(DetectionInput(
                self._node, f'{prefix}detections', config.node.reliability,
                self._receive_detections, depth))
        if pairs:
            self._pairs = StampPairs(depth, lambda images, detections: self.stats.count(
                unpaired_images=images, unpaired_detections=detections))
        return inputs

    @property
    def topic(self) -> str:
        """Return the topic that names the camera in logs and diagnostics."""
        return self.inputs[0].topic

    def open(self, config: NodeConfig) -> None:
        """Subscribe, and announce the classes."""
        # The pause before is no part of the next rate.
        self.stats.snapshot()
        for source in self.inputs:
            source.open()
        self._call_worker('labels', lambda: self._announce(config))

    def close(self) -> None:
        """Unsubscribe; the tracks stay."""
        for source in self.inputs:
            source.close()
        if self._depth is not None:
            self._depth.close()
        if self._pairs is not None:
            self._pairs.clear()

    def destroy(self) -> None:
        """Unsubscribe and remove the publishers."""
        self.close()
        for output in self._outputs:
            output.destroy()
        self._labels.destroy()
        self._latency.destroy()
        if self._depth is not None:
            self._depth.destroy()

    def follow(self) -> None:
        """Subscribe as the publishers offer, and log what keeps their messages from arriving."""
        for source in self.inputs:
            source.follow()
        if self._depth is not None:
            self._depth.follow_publishers()

    def update(self, config: NodeConfig) -> None:
        """Take over changed parameters, and announce what they say of the classes."""
        if self._depth is not None:
            self._depth.update(config)
        self._call_worker('labels', lambda: self._announce(config))

    def reset(self) -> None:
        """Drop all tracks; ids go on."""
        with self._lock:
            self._stream.reset()
            self._forget()
            self._last_stamp = None

    def _forget(self) -> None:
        for output in self._outputs:
            output.forget()
        if self._depth is not None:
            self._depth.forget()

    def depth_status(self) -> DiagnosticStatus | None:
        """Return how the positions fare, None where none are made."""
        if self._depth is None:
            return None
        return self._depth.status(self._node.get_fully_qualified_name())

    def _call_worker(self, what: str, job: Callable[[], None]) -> None:
        slots = self._slots()
        if slots is not None:
            slots.put_job((self, what), lambda: self._guarded(job))

    def _guarded(self, job: Callable[[], None]) -> None:
        try:
            job()
        # The worker must outlive whatever it is given.
        except Exception as error:
            self.fail(error)

    # Receiving

    def _receive_image(self, msg: Any) -> None:
        self.stats.count(received=1)
        self._note_view(msg.header.frame_id, getattr(msg, 'width', 0), getattr(msg, 'height', 0))
        if self._pairs is None:
            self._offer_frame(msg, None)
        elif pair := self._pairs.add_image(msg):
            self.stats.count(paired=1)
            self._offer_frame(*pair)

    def _receive_detections(self, msg: Any) -> None:
        if self._pairs is None:
            self.stats.count(received=1)
            self._note_view(msg.header.frame_id)
            self._offer_frame(None, msg)
        elif pair := self._pairs.add_detections(msg):
            self.stats.count(paired=1)
            self._offer_frame(*pair)

    def _note_view(self, *view: Any) -> None:
        """Count a frame that looks as if it came from another camera than the one before."""
        if self._view is not None and view != self._view:
            self.stats.count(views=1)
        self._view = view

    def _offer_frame(self, image: Any, detections: Any) -> None:
        if self._depth is not None:
            self._depth.follow()
        slots = self._slots()
        if slots is not None and slots.put(
                WaitingFrame(self, image, detections, time.monotonic())):
            self.stats.count(dropped=1)

    # Working

    def _announce(self, config: NodeConfig) -> None:
        self._announced = len(self._class_names)
        self._labels.tell(self._class_names, config.model.score_threshold)

    def _work_on_depth(self) -> None:
        if self._depth is not None:
            self._depth.work()

    def decode(self, frame: WaitingFrame, config: NodeConfig) -> Work | None:
        """Return what a frame holds; None where it is bad, which is counted and logged."""
        age = self._age(frame.header, frame.arrival)
        start = time.perf_counter()
        try:
            _check_stamp(frame.header)
            image = None if frame.image is None else _decode(frame.image, self._reducer)
            detections = (None if frame.detections is None
                          else self._convert(frame.detections, config))
        except ImageError as error:
            self.stats.count(str(error), bad=1)
            self._node.get_logger().warning(
                f"image of '{self.topic}' dropped: {error}", throttle_duration_sec=LOG_PERIOD)
            return None
        # A decoder may raise anything, and the worker must outlive it.
        except Exception as error:
            self.fail(error)
            return None
        labels = [] if detections is None else class_labels(
            self._class_names, detections.classes, as_index=False)
        return Work(self, frame.header, image, detections, labels, age, start,
                    time.perf_counter() - start)

    def _convert(self, msg: Any, config: NodeConfig) -> Detections:
        """Return foreign detections; those that cannot be tracked are counted and logged."""
        detections, bad, fault = to_detections(
            msg, self._class_names, config.model.score_threshold, config.model.max_detections,
            config.foreign_classes)
        if bad:
            self.stats.count(f'{bad} detections dropped, with {fault}', bad_detections=bad)
            self._node.get_logger().warning(
                f"{bad} of {len(msg.detections)} detections of '{self.topic}' dropped, with "
                f'{fault}', throttle_duration_sec=LOG_PERIOD)
        return detections

    def finish(self, work: Work, detections: Detections, inference: float, batch: int,
               config: NodeConfig) -> None:
        """
        Track the detections of a frame and publish what came out; faults are counted and logged.

        :param inference: seconds that the inference of the frame's batch took.
        :param batch: frames in that batch.
        """
        try:
            with self._lock:
                self._track(work, detections, inference, batch, config)
        # Whatever a frame brings about, the next one may well succeed.
        except Exception as error:
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Count and log a frame that broke the processing."""
        if not self._node.context.ok():
            return
        text = f'{type(error).__name__}: {error}'
        self.stats.count(text, failed=1)
        self._node.get_logger().error(
            f"frame of '{self.topic}' failed: {text}", throttle_duration_sec=LOG_PERIOD)

    def _track(self, work: Work, detections: Detections, inference: float, batch: int,
               config: NodeConfig) -> None:
        start = time.perf_counter()
        self._stream.configure(config.tracker)
        # A driver that does not stamp sends zeros.
        stamp = stamp_seconds(work.header.stamp) or None
        jumps = self._stream.jumps
        tracks = self._stream.track(self._stream.observe(work.image, detections), stamp)
        if self._stream.jumps > jumps:
            self._report_jump(stamp, config)
        self._last_stamp = stamp or self._last_stamp
        tracked = time.perf_counter()
        if len(self._class_names) != self._announced:
            self._announce(config)
        labels = class_labels(self._class_names, tracks.classes, config.node.class_id == 'index')
        self._publish(OutputFrame(tracks, labels, work.header, work.image, config))
        published = time.perf_counter()
        durations = Durations(
            age=work.age, decoding=work.decoding, inference=inference, tracking=tracked - start,
            publishing=published - tracked, total=work.age + published - work.start, batch=batch)
        self.stats.frame_processed(durations, len(tracks))
        self._latency.tell(durations, work.header)

    def _publish(self, frame: OutputFrame) -> None:
        for output in self._outputs:
            if output.wanted():
                output.publish(frame)
        if self._depth is not None:
            self._depth.take(frame)

    def _age(self, header: Header, arrival: float) -> float:
        """Return the seconds since the stamp, or since the arrival of a frame without one."""
        stamp = stamp_seconds(header.stamp)
        if not stamp:
            return time.monotonic() - arrival
        return float(self._node.get_clock().now().nanoseconds * 1e-9 - stamp)

    def _report_jump(self, stamp: float | None, config: NodeConfig) -> None:
        """Count and log that the stamps began anew, and draw no trail across."""
        self.stats.count(jumps=1)
        self._forget()
        back = (self._last_stamp or 0.0) - (stamp or 0.0)
        self._node.get_logger().warning(
            f"stamps of '{self.topic}' jumped back by {back:.3f} s: "
            f"on_jump_back is '{config.tracker.on_jump_back}'",
            throttle_duration_sec=LOG_PERIOD)


def _check_stamp(header: Header) -> None:
    """Refuse a stamp that is no time: it would end all tracks, as a jump in time does."""
    stamp = header.stamp
    if stamp.sec < 0 or stamp.nanosec >= 10**9:
        raise ImageError(f'stamp of {stamp.sec} s and {stamp.nanosec} ns is no time; correct the '
                         'stamps of the camera driver')


def _decode(msg: Any, reducer: DepthReducer) -> NDArray[np.uint8]:
    decode = decode_compressed if isinstance(msg, CompressedImage) else decode_image
    return decode(msg, reducer)
