# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Positions in another frame than the camera's, with a stand-in for tf2 where it is absent."""

from types import SimpleNamespace

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Pose, Quaternion, Transform, TransformStamped, Vector3
import pytest
from std_msgs.msg import Header
from vision_msgs.msg import Detection3D, Detection3DArray, ObjectHypothesisWithPose

from finetrack_ros.errors import ConfigError
from finetrack_ros.ros.positions import target_frame
from finetrack_ros.ros.positions.depth import DepthError
from finetrack_ros.ros.positions.target_frame import moved, TargetFrame

pytestmark = pytest.mark.ros

# From an optical frame (x right, y down, z forward) to a body's (x forward, y left, z up).
OPTICAL = Transform(translation=Vector3(x=0.1, y=0.2, z=1.5),
                    rotation=Quaternion(x=-0.5, y=0.5, z=-0.5, w=0.5))


def message(x, y, z, seconds=7):
    header = Header(stamp=Time(sec=seconds), frame_id='optical')
    pose = Pose()
    pose.position.x, pose.position.y, pose.position.z = x, y, z
    result = ObjectHypothesisWithPose()
    result.pose.pose = pose
    detection = Detection3D(header=header, results=[result], id='4')
    detection.bbox.center = pose
    return Detection3DArray(header=header, detections=[detection])


class Error(Exception):
    """Stands for those of tf2."""


class LateError(Error):
    """Stands for an extrapolation."""


class Buffer:
    """Stands for the buffer of tf2, which knows transforms up to a time."""

    newest = 7

    def lookup_transform(self, target, source, time):
        if source != 'optical':
            raise Error(f'{source} does not exist')
        if time.nanoseconds > self.newest * 10**9:
            raise LateError('into the future')
        seconds = time.nanoseconds // 10**9 or self.newest
        return TransformStamped(header=Header(stamp=Time(sec=seconds)), transform=OPTICAL)


@pytest.fixture
def base(monkeypatch):
    tf2 = SimpleNamespace(
        Buffer=Buffer, TransformException=Error, ExtrapolationException=LateError,
        TransformListener=lambda buffer, node: SimpleNamespace(unregister=lambda: None))
    monkeypatch.setattr(target_frame, 'find_spec', lambda name: name == 'tf2_ros')
    monkeypatch.setattr(target_frame, 'import_module', lambda name: tf2)
    return TargetFrame(None, 'base_link')


def test_position_is_turned_and_shifted():
    msg = moved(message(1.0, 2.0, 5.0), OPTICAL, 'base_link')
    detection = msg.detections[0]
    place = detection.bbox.center.position
    assert (place.x, place.y, place.z) == pytest.approx((5.1, -0.8, -0.5))
    turned = detection.bbox.center.orientation
    assert (turned.x, turned.y, turned.z, turned.w) == pytest.approx((-0.5, 0.5, -0.5, 0.5))
    assert detection.results[0].pose.pose == detection.bbox.center
    assert msg.header.frame_id == detection.header.frame_id == 'base_link'
    assert (msg.header.stamp.sec, detection.id) == (7, '4')


def test_transform_is_that_of_the_images_time(base):
    assert base.take(message(0.0, 0.0, 1.0)).detections[0].bbox.center.position.x == 1.1


def test_newest_transform_serves_a_little_while(base, monkeypatch):
    monkeypatch.setattr(target_frame, 'TOLERANCE', 2.0)
    assert base.take(message(0.0, 0.0, 1.0, seconds=8)).header.frame_id == 'base_link'
    with pytest.raises(DepthError, match="no transform from 'optical' to 'base_link'"):
        base.take(message(0.0, 0.0, 1.0, seconds=20))


def test_unknown_frame_is_told(base):
    msg = message(0.0, 0.0, 1.0)
    msg.header.frame_id = 'nowhere'
    with pytest.raises(DepthError, match='let TF connect the two'):
        base.take(msg)


def test_tf2_that_is_missing_is_told(monkeypatch):
    monkeypatch.setattr(target_frame, 'find_spec', lambda name: None)
    with pytest.raises(ConfigError, match='tf2_ros is not installed'):
        TargetFrame(None, 'map')
