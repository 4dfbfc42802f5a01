# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Give positions in a frame of the robot or of the world instead of the camera's, by TF."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from geometry_msgs.msg import Point, Pose, Quaternion, Transform
import numpy as np
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.positions.depth import DepthError

#: Seconds by which the newest transform may be older than an image that is newer than it.
TOLERANCE = 0.1


class TargetFrame:
    """Follows TF, and takes messages from a camera's frame to the target frame."""

    def __init__(self, node: Node, frame: str) -> None:
        """
        Subscribe to TF.

        :raises ConfigError: where tf2_ros is not installed.
        """
        if not find_spec('tf2_ros'):
            raise ConfigError(f"parameter 'target_frame' is '{frame}', and tf2_ros is not "
                              'installed: install ros-$ROS_DISTRO-tf2-ros-py, or leave '
                              'target_frame empty')
        self.frame = frame
        self._tf2 = import_module('tf2_ros')
        self._buffer = self._tf2.Buffer()
        self._listener = self._tf2.TransformListener(self._buffer, node)

    def close(self) -> None:
        """Unsubscribe from TF."""
        self._listener.unregister()

    def take(self, msg: Detection3DArray) -> Detection3DArray:
        """
        Return a message in the target frame.

        :raises DepthError: where TF does not know the camera's frame at the image's time.
        """
        return moved(msg, self._transform(msg.header), self.frame)

    def _transform(self, header: Header) -> Transform:
        stamp = Time.from_msg(header.stamp)
        try:
            try:
                found = self._buffer.lookup_transform(self.frame, header.frame_id, stamp)
            except self._tf2.ExtrapolationException:
                found = self._buffer.lookup_transform(self.frame, header.frame_id, Time())
                age = stamp - Time.from_msg(found.header.stamp)
                if abs(age.nanoseconds) > Duration(seconds=TOLERANCE).nanoseconds:
                    raise
        except self._tf2.TransformException as error:
            raise DepthError(
                f"no transform from '{header.frame_id}' to '{self.frame}' at the image's time "
                f"({error}): let TF connect the two, or correct 'target_frame'") from error
        return found.transform


def moved(msg: Detection3DArray, transform: Transform, frame: str) -> Detection3DArray:
    """Return detections with their poses taken through a transform, under the target's frame."""
    turn = _matrix(transform.rotation)
    shift = transform.translation
    offset = np.array([shift.x, shift.y, shift.z])
    header = Header(stamp=msg.header.stamp, frame_id=frame)
    for detection in msg.detections:
        detection.header = header
        pose = detection.bbox.center
        place = turn @ (pose.position.x, pose.position.y, pose.position.z) + offset
        pose = Pose(position=Point(x=place[0], y=place[1], z=place[2]),
                    orientation=_product(transform.rotation, pose.orientation))
        detection.bbox.center = pose
        for result in detection.results:
            result.pose.pose = pose
    msg.header = header
    return msg


def _matrix(q: Quaternion) -> NDArray[np.float64]:
    """Return the rotation matrix [3, 3] of a unit quaternion."""
    x, y, z, w = q.x, q.y, q.z, q.w
    return np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                     [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                     [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]])


def _product(a: Any, b: Any) -> Quaternion:
    """Return the rotation that does ``b`` first and then ``a``."""
    return Quaternion(
        x=a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        y=a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        z=a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        w=a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z)
