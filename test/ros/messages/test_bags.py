# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What rosbags reads and writes without ROS is what publishers send and the node publishes."""

import json
from pathlib import Path

from ament_index_python import get_package_share_directory
from builtin_interfaces.msg import Time
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from finetrack_ros.io import open_source
from finetrack_ros.msg import TrackEmbeddings
from finetrack_ros.ros.messages.image_conversions import to_image_message
from finetrack_ros.ros.messages.track_conversions import (
    class_labels,
    to_detection_array,
    to_embeddings,
)
from finetrack_ros.tracking import Tracks

pytest.importorskip('rosbags', reason='rosbags is not in this environment')
from rosbags.rosbag2 import Reader  # noqa: E402

from finetrack_ros.io.bag_source import BagFrame, BagHeader  # noqa: E402
from finetrack_ros.io.bag_types import IMAGE, typestore  # noqa: E402
from finetrack_ros.io.bag_writer import BagWriter  # noqa: E402

pytestmark = pytest.mark.ros

NAMES = ['person', 'car']


def tracks_of(count, seed):
    """Return tracks of arbitrary numbers; the first has never had an embedding."""
    random = np.random.default_rng(seed)
    corners = random.uniform(-50, 500, (count, 2, 2)).astype(np.float32)
    rows = random.normal(size=(count, 3)).astype(np.float32)
    rows[:1] = 0
    return Tracks(
        ids=random.integers(1, 2**60, count),
        boxes=np.hstack([corners.min(axis=1), corners.max(axis=1)]),
        velocities=np.zeros((count, 4), np.float32),
        scores=random.uniform(0, 1, count).astype(np.float32),
        classes=np.arange(count, dtype=np.int32), ages=np.zeros(count, np.float32),
        hits=np.zeros(count, np.int32), time_since_seen=np.zeros(count, np.float32),
        states=np.ones(count, np.uint8), detection_indices=np.zeros(count, np.int32),
        embeddings=rows)


@pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])
def test_messages_of_a_bag_are_those_of_the_node(tmp_path, storage):
    image = np.zeros((2, 2, 3), np.uint8)
    frames = [(BagFrame(image, 0.0, 1, BagHeader(count - 2, 999_999_999, 'kamera ü'), count),
               tracks_of(count, count)) for count in range(5)]
    with BagWriter(tmp_path / 'bag', storage, NAMES, 3) as writer:
        for frame, tracks in frames:
            writer.write(frame, tracks)
    with Reader(tmp_path / 'bag') as reader:
        found = [(connection.topic, stamp, bytes(data))
                 for connection, stamp, data in reader.messages()]
    for topic, stamp, data in found:
        frame, tracks = frames[stamp]
        header = Header(stamp=Time(sec=frame.header.sec, nanosec=frame.header.nanosec),
                        frame_id=frame.header.frame_id)
        if topic == '/tracks':
            labels = class_labels(NAMES, tracks.classes, as_index=False)
            expected = to_detection_array(tracks, labels, header)
            assert deserialize_message(data, Detection2DArray) == expected
        else:
            expected = to_embeddings(tracks, 3, header)
            assert deserialize_message(data, TrackEmbeddings) == expected
    assert len(found) == 2 * len(frames)


@pytest.mark.parametrize(('package', 'name'), [
    ('vision_msgs', 'Detection2DArray'), ('finetrack_ros', 'TrackEmbeddings')])
def test_types_of_a_bag_are_those_that_are_built(package, name):
    share = Path(get_package_share_directory(package))
    description = json.loads((share / 'msg' / f'{name}.json').read_text())
    hashes = {entry['type_name']: entry['hash_string'] for entry in description['type_hashes']}
    kind = f'{package}/msg/{name}'
    assert typestore().hash_rihs01(kind) == hashes[kind]


def test_image_of_a_publisher_is_read_from_a_bag(bags, tmp_path):
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    stamp = Time(sec=3, nanosec=7)
    data = serialize_message(to_image_message(image, Header(stamp=stamp, frame_id='camera')))
    message = bags.store.deserialize_cdr(data, IMAGE)
    path = bags.write(tmp_path / 'bag', [('/image', 5, message)])
    with open_source(str(path)) as source:
        frame, = source
    assert np.array_equal(frame.image, image)
    assert (frame.header, frame.bag_stamp) == (BagHeader(3, 7, 'camera'), 5)
