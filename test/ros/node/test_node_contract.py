# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the tracker node publishes, over DDS from a process of its own."""

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import LabelInfo
from visualization_msgs.msg import Marker, MarkerArray

from finetrack_ros.msg import Latency, TrackEmbeddings
from finetrack_ros.ros.messages.image_conversions import decode_image

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def camera(bench, make_camera):
    bench.start_tracker(reliability='reliable')
    return make_camera(bench)


@pytest.fixture(autouse=True)
def fresh(camera):
    """Let each test begin without tracks."""
    camera.bench.call(Trigger, '/tracker/reset', Trigger.Request())


def ids(msg):
    return [detection.id for detection in msg.detections]


def test_header_stands_on_array_and_detections(camera):
    header = camera.bench.header()
    msg = camera.track((10, 20), (200, 100), header=header)
    assert msg.header == header
    assert [detection.header for detection in msg.detections] == [header, header]


def test_boxes_are_in_pixels_of_the_image(camera):
    msg = camera.track((10, 20))
    box = msg.detections[0].bbox
    assert (box.center.position.x, box.center.position.y) == (30.0, 40.0)
    assert (box.size_x, box.size_y, box.center.theta) == (40.0, 40.0, 0.0)


def test_hypothesis_names_class_and_score(camera):
    hypothesis = camera.track((10, 20)).detections[0].results[0].hypothesis
    assert hypothesis.class_id == 'square'
    assert hypothesis.score == pytest.approx(0.9)


def test_ids_follow_moving_objects(camera):
    first = ids(camera.track((10, 20), (200, 100)))
    for step in range(1, 5):
        msg = camera.track((10 + 8 * step, 20), (200 - 8 * step, 100))
    assert ids(msg) == first
    assert all(track_id.isdecimal() for track_id in first)


def test_empty_frame_gives_empty_array(camera):
    camera.track((10, 20))
    header = camera.bench.header()
    msg = camera.track(header=header)
    assert msg.detections == []
    assert msg.header == header


def test_track_survives_empty_frame(camera):
    before = ids(camera.track((10, 20)))
    camera.track()
    assert ids(camera.track((10, 20))) == before


def test_embeddings_belong_to_the_tracks(camera):
    messages = camera.bench.subscribe(TrackEmbeddings, 'track_embeddings')
    camera.bench.wait(lambda: camera.track((10, 20), (200, 100)) and messages, 'embeddings')
    header = camera.bench.header()
    tracks = camera.track((10, 20), (200, 100), header=header)
    camera.bench.wait(lambda: messages[-1].header == header, 'embeddings of the same stamp')
    rows = np.array(messages[-1].data).reshape(len(messages[-1].ids), messages[-1].dim)
    assert list(messages[-1].ids) == ids(tracks)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0)


def test_labels_reach_late_subscribers(camera):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    labels = camera.bench.subscribe(LabelInfo, '/tracker/labels', latched)
    camera.bench.wait(lambda: labels, 'labels')
    assert [(c.class_id, c.class_name) for c in labels[0].class_map] == [(0, 'square')]
    assert labels[0].threshold == pytest.approx(0.1)


def test_debug_image_has_header_and_size(camera):
    images = camera.bench.subscribe(Image, '/tracker/debug_image')
    camera.bench.wait(lambda: camera.track((10, 100)) and images, 'debug image')
    drawn = decode_image(images[-1])
    assert images[-1].header.frame_id == 'front_camera'
    assert drawn.shape == (240, 320, 3)
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 2


def test_markers_outline_boxes_in_the_frame_of_the_image(camera):
    messages = camera.bench.subscribe(MarkerArray, '/tracker/markers')
    camera.bench.wait(lambda: camera.track((100, 200)) and messages, 'markers')
    kinds = [marker.type for marker in messages[-1].markers[1:]]
    points = messages[-1].markers[1].points
    assert messages[-1].markers[0].action == Marker.DELETEALL
    assert kinds == [Marker.LINE_LIST, Marker.TEXT_VIEW_FACING]
    # The image, 320 pixels wide, is 7.68 m wide.
    assert (points[0].x, points[0].y) == pytest.approx((2.4, 4.8))


def test_latency_has_all_parts(camera):
    messages = camera.bench.subscribe(Latency, '/tracker/latency')
    camera.bench.wait(lambda: camera.track((10, 20)) and messages, 'latency')
    latency = messages[-1]
    parts = latency.decoding + latency.inference + latency.tracking + latency.publishing
    assert min(latency.decoding, latency.inference, latency.tracking, latency.publishing) > 0
    assert latency.total == pytest.approx(latency.age + parts, abs=1e-3 * latency.total)


def test_reset_drops_tracks_and_never_repeats_ids(camera):
    before = int(ids(camera.track((10, 20)))[0])
    response = camera.bench.call(Trigger, '/tracker/reset', Trigger.Request())
    after = int(ids(camera.track((10, 20)))[0])
    assert response.success
    assert after > before


def test_disabled_node_publishes_nothing_until_enabled(camera):
    camera.bench.call(SetBool, '/tracker/enable', SetBool.Request(data=False))
    camera.bench.wait(lambda: not camera.publisher.get_subscription_count(), 'unsubscription')
    response = camera.bench.call(SetBool, '/tracker/enable', SetBool.Request(data=True))
    camera.bench.wait(camera.publisher.get_subscription_count, 'subscription')
    camera.bench.wait(lambda: camera.send((10, 20)) and camera.bench.spin(0.2)
                      or camera.tracks[-1].detections, 'tracks after enabling')
    assert response.success


def test_stamp_that_jumps_back_starts_new_tracks(camera):
    late = camera.bench.header(10_000_000_000)
    before = ids(camera.track((10, 20), header=late))
    late.stamp.sec -= 9
    after = ids(camera.track((10, 20), header=late))
    assert int(after[0]) > int(before[0])


def test_unstamped_images_are_tracked(camera):
    unstamped = camera.bench.header()
    unstamped.stamp.sec = unstamped.stamp.nanosec = 0
    count = len(camera.tracks)
    camera.send((10, 20), header=unstamped)
    camera.bench.wait(lambda: len(camera.tracks) > count, 'tracks of an unstamped image')
    assert camera.tracks[-1].header == unstamped
    assert len(ids(camera.tracks[-1])) == 1
