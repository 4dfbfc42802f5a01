# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drawn image for those who take it compressed, and quality of service as users want it."""

import cv2
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray

from finetrack_ros.ros.messages.image_conversions import decode_image

pytestmark = pytest.mark.ros

BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


def test_drawn_image_comes_raw_and_compressed(own_bench, make_camera):
    own_bench.start_tracker()
    raw = own_bench.subscribe(Image, '/tracker/debug_image')
    compressed = own_bench.subscribe(CompressedImage, '/tracker/debug_image/compressed')
    camera = make_camera(own_bench)

    def both():
        camera.send((100, 100))
        own_bench.spin(0.1)
        stamps = {str(msg.header.stamp): msg for msg in raw}
        return [(stamps[str(m.header.stamp)], m) for m in compressed
                if str(m.header.stamp) in stamps]
    plain, packed = own_bench.wait(both, 'both of one image')[-1]
    assert packed.format.endswith('jpeg compressed bgr8')
    assert packed.header == plain.header
    image = cv2.imdecode(np.frombuffer(packed.data, np.uint8), cv2.IMREAD_COLOR)
    drawn = decode_image(plain)
    assert image.shape == drawn.shape
    assert np.abs(image.astype(int) - drawn).mean() < 5


def test_quality_of_service_of_outputs_is_a_parameter(own_bench, make_camera):
    own_bench.start_tracker(**{'qos_overrides./tracks.publisher.reliability': 'best_effort',
                               'qos_overrides./tracks.publisher.depth': 3})
    own_bench.wait(lambda: own_bench.node.count_publishers('/tracks'), 'the publisher')
    offered = own_bench.node.get_publishers_info_by_topic('/tracks')[0].qos_profile
    assert offered.reliability == ReliabilityPolicy.BEST_EFFORT
    assert offered.durability == DurabilityPolicy.VOLATILE
    own_bench.subscribe(Detection2DArray, 'tracks', BEST_EFFORT)


def test_quality_of_service_that_there_is_not_is_told(own_bench):
    process = own_bench.start_tracker(
        **{'qos_overrides./tracks.publisher.reliability': 'perhaps'})
    assert process.wait(100) == 1
    assert 'perhaps' in own_bench.log(process)
    assert 'Traceback' not in own_bench.log(process)
