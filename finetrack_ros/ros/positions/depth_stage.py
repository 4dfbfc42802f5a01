# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Publish where one camera's tracks are in space: a stage beside the outputs.

Only while somebody subscribes to the positions are depth and calibration subscribed to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import threading
import time

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from finetrack_ros.errors import FinetrackError
from finetrack_ros.io.image_encodings import decode_depth
from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.inputs.topic_input import TopicInput
from finetrack_ros.ros.messages.track_conversions import stamp_seconds
from finetrack_ros.ros.outputs.output import OutputFrame
from finetrack_ros.ros.outputs.publishers import create_output
from finetrack_ros.ros.positions.depth import DepthError, locate, Positions, read_intrinsics
from finetrack_ros.ros.positions.depth_conversions import to_detection_3d_array, to_markers_3d
from finetrack_ros.ros.positions.depth_pairing import DEPTHS, NearestPairing
from finetrack_ros.ros.positions.depth_status import depth_status, DepthCounts
from finetrack_ros.ros.positions.target_frame import TargetFrame
from finetrack_ros.tracking import Tracks

# They wait in the pairing anyway: none shall be lost while the executor is busy.
_QUEUE = 5
_LOG_PERIOD = 10.0
# Seconds in which the first calibration may come without anybody being warned.
_INFO_GRACE = 2.0


class DepthInput(TopicInput):
    """Subscription to the depth images of one camera."""

    what = 'depth image'
    source = 'depth camera'
    argument = 'depth_topic'
    type_remedy = "let 'depth_topic' of the launch file name a raw depth image"

    def siblings(self) -> dict[str, str]:
        """Return the topic on which image_transport publishes compressed depth."""
        return {f'{self.topic}/compressedDepth':
                'let the driver publish raw depth images, or decompress them (ros2 run '
                'image_transport republish)'}


class CameraInfoInput(TopicInput):
    """Subscription to the calibration of one camera."""

    what = 'camera_info'
    source = 'camera driver'
    argument = 'camera_info_topic'
    type_remedy = "let 'camera_info_topic' of the launch file name a sensor_msgs/CameraInfo"


@dataclass(frozen=True)
class _Awaiting:
    """
    The tracks of one image, which wait for its depth.

    :ivar size: width and height of the image, None where it is not known.
    """

    tracks: Tracks
    labels: Sequence[str]
    header: Header
    size: tuple[int, int] | None


class DepthStage:
    """
    Positions of one camera's tracks, by depth images that are aligned to its images.

    ``take`` and ``work`` are called from the worker's thread, ``forget`` from any, the others from
    the executor's, which only receives depth: the worker decodes and publishes.
    """

    def __init__(self, node: LifecycleNode, prefix: str, config: NodeConfig,
                 call_worker: Callable[[], None]) -> None:
        """
        Create the publishers.

        :param prefix: '' or 'front/', stands before each topic's name.
        :param config: the node's parameters.
        :param call_worker: lets the worker call :meth:`work` soon.
        """
        self._call_worker = call_worker
        self._received: deque[Image] = deque(maxlen=DEPTHS)
        self._node = node
        self._config = config
        self._tracks = create_output(node, Detection3DArray, f'~/{prefix}tracks_3d', 10)
        self._markers = create_output(node, MarkerArray, f'~/{prefix}markers_3d', 1)
        frame = config.positions.target_frame
        self._target = TargetFrame(node, frame) if frame else None
        depth, info = (node.resolve_topic_name(prefix + name) for name in ('depth', 'camera_info'))
        self._depth = DepthInput(
            node, Image, depth, config.node.reliability, self._on_depth, _QUEUE)
        self._info_input = CameraInfoInput(
            node, CameraInfo, info, config.node.reliability, self._on_info)
        self._info: CameraInfo | None = None
        self._subscribed = False
        self._opened = 0.0
        self._pairing: NearestPairing[_Awaiting] = NearestPairing(config.positions.depth_tolerance)
        self._counts = DepthCounts()
        self._warned_of: set[str] = set()
        self._lock = threading.Lock()

    def update(self, config: NodeConfig) -> None:
        """Take over changed parameters."""
        self._config = config
        self._pairing.tolerance = config.positions.depth_tolerance

    def follow_publishers(self) -> None:
        """Subscribe as the publishers of depth and calibration offer."""
        if self._subscribed:
            self._depth.follow()
            self._info_input.follow()

    def follow(self) -> None:
        """Subscribe to depth and calibration while, and only while, somebody wants positions."""
        if self._wanted() and not self._subscribed:
            self._depth.open()
            self._info_input.open()
            self._opened = time.monotonic()
            self._subscribed = True
        elif self._subscribed and not self._wanted():
            self.close()

    def close(self) -> None:
        """Unsubscribe, and forget what waits."""
        self._subscribed = False
        self._depth.close()
        self._info_input.close()
        self.forget()

    def forget(self) -> None:
        """Forget the tracks and depth images that wait for each other."""
        with self._lock:
            self._received.clear()
            self._pairing.clear()

    def destroy(self) -> None:
        """Unsubscribe and remove the publishers."""
        self.close()
        if self._target is not None:
            self._target.close()
        for publisher in (self._tracks, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)

    def status(self, node_name: str) -> DiagnosticStatus:
        """Return how the positions fared since the last call."""
        reports = [self._depth.report(), self._info_input.report()] if self._subscribed else []
        with self._lock:
            snapshot = self._counts.snapshot()
        return depth_status(node_name, self._depth.topic, reports, snapshot, self._config)

    def take(self, frame: OutputFrame) -> None:
        """Publish the positions of the tracks of one image, as soon as its depth is there."""
        if not self._subscribed:
            return
        self.work()
        with self._lock:
            self._publish_pairs(self._pairing.add_frame(
                stamp_seconds(frame.header.stamp),
                _Awaiting(frame.tracks, frame.labels, frame.header, frame.size)))

    def work(self) -> None:
        """Publish the positions of tracks whose depth has come by now."""
        with self._lock:
            while self._received:
                msg = self._received.popleft()
                self._publish_pairs(
                    self._pairing.add_depth(stamp_seconds(msg.header.stamp), msg))

    def _wanted(self) -> bool:
        return bool(self._tracks.get_subscription_count()
                    or self._markers.get_subscription_count())

    def _on_info(self, msg: CameraInfo) -> None:
        self._info = msg

    def _on_depth(self, msg: Image) -> None:
        self._received.append(msg)
        self._call_worker()

    def _publish_pairs(self, pairs: Sequence[tuple[_Awaiting, Image | None]]) -> None:
        starting = self._info is None and time.monotonic() < self._opened + _INFO_GRACE
        for frame, depth in pairs:
            if depth is None or starting:
                self._counts.count(unpaired=1)
                continue
            try:
                self._publish_frame(frame, depth)
            # Whatever a depth image brings about, the worker must outlive it.
            except Exception as error:
                text = (str(error) if isinstance(error, FinetrackError)
                        else f'{type(error).__name__}: {error}')
                self._counts.count(text, failed=1)
                if self._node.context.ok():
                    self._node.get_logger().warning(
                        f"no positions by '{self._depth.topic}': {text}",
                        throttle_duration_sec=_LOG_PERIOD)

    def _publish_frame(self, frame: _Awaiting, depth: Image) -> None:
        positions = self._locate(frame, depth)
        located = int(positions.valid.sum())
        self._counts.count(
            paired=1, located=located, without_depth=len(positions.valid) - located)
        arguments = (frame.tracks, frame.labels, positions, frame.header)
        if self._markers.get_subscription_count():
            self._markers.publish(to_markers_3d(*arguments))
        if self._tracks.get_subscription_count():
            tracks = to_detection_3d_array(*arguments)
            self._tracks.publish(tracks if self._target is None else self._target.take(tracks))

    def _locate(self, frame: _Awaiting, depth: Image) -> Positions:
        info = self._info
        if info is None:
            raise DepthError(f"no camera_info on '{self._info_input.topic}': correct "
                             'camera_info_topic, or let the camera driver publish it')
        for what, header in (('depth image', depth.header), ('camera_info', info.header)):
            self._check_frame_id(what, header.frame_id, frame.header.frame_id)
        values, metres = decode_depth(depth)
        # Detections that come without images are in pixels of the calibrated image.
        size = frame.size or (info.width, info.height)
        if min(size) < 1:
            raise DepthError(f"camera_info on '{self._info_input.topic}' does not say the size of "
                             'the image: let the camera driver fill in width and height')
        intrinsics = read_intrinsics(info, size, self._config.positions.image_rectified)
        return locate(values, metres, frame.tracks.boxes, size, intrinsics)

    def _check_frame_id(self, what: str, found: str, expected: str) -> None:
        """Warn once of a depth image or calibration of another camera."""
        if found == expected or what in self._warned_of:
            return
        self._warned_of.add(what)
        self._node.get_logger().warning(
            f"the {what} is in the frame '{found}', the image in '{expected}': positions are "
            'right only where depth is aligned to the image (align_depth, registered depth)')
