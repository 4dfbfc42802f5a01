# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The tracker node goes on after bad images, and says what is wrong and how to mend it."""

from builtin_interfaces.msg import Time
import cv2
from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
import pytest
from rclpy.qos import qos_profile_sensor_data, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

pytestmark = pytest.mark.ros

BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)
NODE_MODULE = ('-m', 'finetrack_ros.ros.node.tracker_node')


@pytest.fixture(scope='module')
def camera(bench, make_camera):
    bench.start_tracker(reliability='reliable')
    return make_camera(bench)


def image_status(bench, condition, topic='/image'):
    """Wait until the diagnostics of the image topic fulfil a condition, and return them."""
    def newest():
        status = bench.status().get(topic)
        return status if status and condition(status) else None
    return bench.wait(newest, f'diagnostics of {topic}')


def bad_image(bench, **changes):
    msg = Image(header=bench.header(), encoding='bgr8', height=4, width=4, step=12)
    msg.data.frombytes(bytes(48))
    for name, value in changes.items():
        setattr(msg, name, value)
    return msg


@pytest.mark.parametrize(('changes', 'message'), [
    ({'encoding': 'unheard_of'}, 'unknown encoding'),
    ({'height': 400}, 'truncated'),
    ({'width': 0, 'height': 0}, 'size is zero'),
    ({'step': 1}, 'a row needs 12 bytes'),
    ({'width': 2**31, 'height': 2**31}, 'more than'),
    ({'header': Header(stamp=Time(sec=1, nanosec=2**32 - 1))}, 'is no time'),
    ({'header': Header(stamp=Time(sec=-1))}, 'is no time'),
])
def test_bad_image_is_reported_and_tracks_live_on(camera, changes, message):
    before = camera.track((10, 20)).detections[0].id
    bad = int(image_status(camera.bench, lambda status: True).values['bad_images'])
    camera.publisher.publish(bad_image(camera.bench, **changes))
    status = image_status(camera.bench, lambda s: int(s.values['bad_images']) == bad + 1)
    assert message in status.values['last_error']
    assert camera.track((10, 20)).detections[0].id == before


def test_engine_failure_is_an_error_and_the_next_frame_is_tracked(camera):
    before = camera.track((10, 20)).detections[0].id
    broken = np.full((4, 4, 3), 66, np.uint8)
    camera.publisher.publish(bad_image(camera.bench, data=broken.tobytes()))
    status = image_status(camera.bench, lambda s: 'frames failed' in s.message)
    assert status.level == DiagnosticStatus.ERROR
    assert 'the engine broke' in status.message
    assert camera.track((10, 20)).detections[0].id == before


def test_overtaken_images_are_dropped_and_counted(camera):
    before = int(image_status(camera.bench, lambda status: True).values['dropped'])
    slow = np.full((4, 4, 3), 77, np.uint8).tobytes()

    def flood():
        camera.publisher.publish(bad_image(camera.bench, data=slow))
        camera.bench.spin(0.02)
        return int(camera.bench.status()['/image'].values['dropped']) > before
    camera.bench.wait(flood, 'dropped images')
    values = camera.bench.status()['/image'].values
    assert len(camera.track((10, 20)).detections) == 1
    assert int(values['received']) >= int(values['processed']) + int(values['dropped'])


def test_silent_camera_is_a_warning(own_bench):
    own_bench.start_tracker(image_timeout=0.1, error_factor=1000.0)
    status = image_status(own_bench, lambda s: s.level == DiagnosticStatus.WARN)
    assert "no image on '/image'" in status.message
    assert 'start the camera driver' in status.message


def test_best_effort_camera_is_followed_by_default(own_bench, make_camera):
    own_bench.start_tracker()
    camera = make_camera(own_bench, qos_profile_sensor_data)
    status = image_status(own_bench, lambda s: int(s.values['processed']) > 0)
    assert camera.tracks
    assert status.level != DiagnosticStatus.ERROR


def test_qos_mismatch_is_an_error_with_its_remedy(own_bench):
    own_bench.start_tracker(reliability='reliable')
    own_bench.node.create_publisher(Image, 'image', BEST_EFFORT)
    status = image_status(own_bench, lambda s: 'by bench' in s.message)
    assert status.level == DiagnosticStatus.ERROR
    assert 'published by bench as best effort' in status.message
    assert '_NODE_NAME_UNKNOWN_' not in own_bench.report()
    assert "set the parameter 'reliability' to 'auto' or 'best_effort'" in status.message


def test_wrong_message_type_is_an_error_with_its_remedy(own_bench):
    own_bench.start_tracker()
    own_bench.node.create_publisher(CompressedImage, 'image', 10)
    status = image_status(own_bench, lambda s: s.level == DiagnosticStatus.ERROR)
    assert 'sensor_msgs/msg/CompressedImage' in status.message
    assert "'image_transport'" in status.message


def test_compressed_images_are_tracked(own_bench):
    own_bench.start_tracker(image_transport='compressed')
    tracks = own_bench.subscribe(Detection2DArray, 'tracks')
    publisher = own_bench.node.create_publisher(CompressedImage, 'image/compressed', 10)
    image = np.zeros((240, 320, 3), np.uint8)
    image[20:60, 10:50] = 255

    def send():
        msg = CompressedImage(header=own_bench.header(), format='png')
        msg.data.frombytes(cv2.imencode('.png', image)[1].tobytes())
        publisher.publish(msg)
        own_bench.spin(0.1)
        return tracks and tracks[-1].detections
    detections = own_bench.wait(send, 'tracks of compressed images')
    assert detections[0].bbox.center.position.x == 30.0
    assert tracks[-1].header.frame_id == 'front_camera'


@pytest.mark.parametrize(('parameters', 'message'), [
    ({'model': 'nonexistent'}, "model 'nonexistent'"),
    ({'modle': 'finetrack_nano'}, "unknown parameter 'modle': did you mean 'model'?"),
    ({'tracker__confirm_hits': 0}, 'out of range'),
    ({'max_detections': 1.5}, 'give a value of type integer'),
    ({'reliability': 'perhaps'}, 'give one of auto, best_effort, reliable'),
])
def test_what_cannot_start_ends_with_one_clear_message(own_bench, parameters, message):
    process = own_bench.start(*NODE_MODULE, **parameters)
    assert process.wait(30) == 1
    log = own_bench.log(process)
    assert message in log
    assert 'Traceback' not in log
    assert sum('[ERROR]' in line or '[FATAL]' in line for line in log.splitlines()) == 1
