# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Written bags are read back by rosbags with the types and fields that ROS knows."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.tracking import Tracks

pytest.importorskip('rosbags', reason='rosbags is not in this environment')
from rosbags.highlevel import AnyReader  # noqa: E402
from rosbags.interfaces import QosDurability, QosReliability  # noqa: E402
from rosbags.typesys import get_types_from_msg, get_typestore, Stores  # noqa: E402

from finetrack_ros.io.bag_source import BagFrame, BagHeader  # noqa: E402
from finetrack_ros.io.bag_types import DEFINITIONS, typestore  # noqa: E402
from finetrack_ros.io.bag_writer import BagWriter  # noqa: E402

DETECTION_HASH = '214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968'
HEADER = BagHeader(1_700_000_000, 123_456_789, 'camera')

storages = pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])


def tracks_of(count, embeddings=None):
    """Return tracks with ids from 7, of classes 0, 1, 2 and so on."""
    column = np.arange(count)
    boxes = np.stack([column, column + 1, column + 11.5, column + 21], 1).astype(np.float32)
    return Tracks(
        ids=column + 7, boxes=boxes, velocities=np.zeros_like(boxes),
        scores=np.full(count, 0.75, np.float32), classes=column.astype(np.int32),
        ages=np.ones(count, np.float32), hits=np.ones(count, np.int32),
        time_since_seen=np.zeros(count, np.float32), states=np.ones(count, np.uint8),
        detection_indices=column.astype(np.int32), embeddings=embeddings)


def frame_of(index=1, header=HEADER, bag_stamp=5):
    return BagFrame(np.zeros((2, 2, 3), np.uint8), 0.0, index, header, bag_stamp)


def read(path):
    """Return the messages of a bag by topic, as (nanoseconds, message), and its connections."""
    with AnyReader([path]) as reader:
        found = {connection.topic: [] for connection in reader.connections}
        for connection, stamp, data in reader.messages():
            found[connection.topic].append(
                (stamp, reader.deserialize(data, connection.msgtype)))
        return found, list(reader.connections)


@storages
def test_tracks_come_back_as_detections(tmp_path, storage):
    with BagWriter(tmp_path / 'bag', storage, ['person', 'car'], 0) as writer:
        writer.write(frame_of(), tracks_of(3))
    (stamp, array), = read(tmp_path / 'bag')[0]['/tracks']
    assert stamp == 5
    for header in (array.header, *(detection.header for detection in array.detections)):
        assert (header.stamp.sec, header.stamp.nanosec) == (HEADER.sec, HEADER.nanosec)
        assert header.frame_id == 'camera'
    assert [detection.id for detection in array.detections] == ['7', '8', '9']
    hypotheses = [detection.results[0].hypothesis for detection in array.detections]
    assert [hypothesis.class_id for hypothesis in hypotheses] == ['person', 'car', '2']
    assert {hypothesis.score for hypothesis in hypotheses} == {0.75}
    box = array.detections[1].bbox
    assert (box.center.position.x, box.center.position.y, box.center.theta) == (6.75, 12, 0)
    assert (box.size_x, box.size_y) == (11.5, 20)


@storages
def test_embeddings_come_back_without_tracks_that_have_none(tmp_path, storage):
    rows = np.array([[0.6, 0.8], [0, 0], [1, 0]], np.float32)
    with BagWriter(tmp_path / 'bag', storage, ['person'], 2) as writer:
        writer.write(frame_of(), tracks_of(3, rows))
        writer.write(frame_of(2), tracks_of(1))
    (_, first), (_, second) = read(tmp_path / 'bag')[0]['/track_embeddings']
    assert (first.ids, first.dim) == (['7', '9'], 2)
    assert np.array_equal(first.data, rows[[0, 2]].ravel())
    assert (first.header.stamp.nanosec, first.header.frame_id) == (HEADER.nanosec, 'camera')
    assert (second.ids, second.dim, len(second.data)) == ([], 2, 0)


@storages
@settings(max_examples=10, deadline=None)
@given(frames=st.lists(
    st.tuples(st.integers(-2**31, 2**31 - 1), st.integers(0, 10**9 - 1), st.text(max_size=5),
              st.integers(0, 2**62), st.integers(0, 3)), min_size=1, max_size=5))
def test_every_frame_gives_a_message_with_its_own_times(tmp_path_factory, storage, frames):
    path = tmp_path_factory.mktemp('bag') / 'bag'
    with BagWriter(path, storage, [], 0) as writer:
        for sec, nanosec, frame_id, stamp, count in frames:
            header = BagHeader(sec, nanosec, frame_id)
            writer.write(frame_of(1, header, stamp), tracks_of(count))
    found = read(path)[0]
    assert sorted((m.header.stamp.sec, m.header.stamp.nanosec, m.header.frame_id, stamp,
                   len(m.detections)) for stamp, m in found['/tracks']) == sorted(frames)
    assert len(found['/track_embeddings']) == len(frames)


@storages
def test_topics_have_the_types_and_the_quality_of_service_of_the_node(tmp_path, storage):
    with BagWriter(tmp_path / 'bag', storage, [], 0) as writer:
        writer.write(frame_of(), tracks_of(0))
    connections = read(tmp_path / 'bag')[1]
    assert {c.topic: (c.msgtype, c.digest) for c in connections} == {
        '/tracks': ('vision_msgs/msg/Detection2DArray', f'RIHS01_{DETECTION_HASH}'),
        '/track_embeddings': ('finetrack_ros/msg/TrackEmbeddings',
                              typestore().hash_rihs01('finetrack_ros/msg/TrackEmbeddings'))}
    for connection in connections:
        quality, = connection.ext.offered_qos_profiles
        assert (quality.reliability, quality.durability, quality.depth) == (
            QosReliability.RELIABLE, QosDurability.VOLATILE, 10)


def test_types_are_those_of_the_message_files(repository):
    store = get_typestore(Stores.LATEST)
    folders = {'vision_msgs': repository / 'tools' / 'vision_msgs' / 'msg',
               'finetrack_ros': repository / 'msg'}
    for name in DEFINITIONS:
        package, _, kind = name.split('/')
        store.register(get_types_from_msg((folders[package] / f'{kind}.msg').read_text(), name))
    assert {name: typestore().hash_rihs01(name) for name in DEFINITIONS} == {
        name: store.hash_rihs01(name) for name in DEFINITIONS}


@storages
def test_error_leaves_a_readable_bag(tmp_path, storage):
    with (pytest.raises(ZeroDivisionError),
          BagWriter(tmp_path / 'bag', storage, [], 0) as writer):
        writer.write(frame_of(), tracks_of(2))
        raise ZeroDivisionError
    assert len(read(tmp_path / 'bag')[0]['/tracks']) == 1


def test_nothing_is_created_before_the_first_frame(tmp_path):
    with BagWriter(tmp_path / 'bag', 'mcap', [], 0):
        pass
    assert not list(tmp_path.iterdir())


def test_bags_are_not_overwritten(tmp_path):
    with pytest.raises(SourceError, match='exists, and bags are not overwritten'):
        BagWriter(tmp_path, 'mcap', [], 0)


def test_unwritable_folder_is_named(tmp_path):
    (tmp_path / 'file').write_text('no folder')
    writer = BagWriter(tmp_path / 'file' / 'bag', 'mcap', [], 0)
    with pytest.raises(SourceError, match='cannot be written'):
        writer.write(frame_of(), tracks_of(1))
    writer.close()


@storages
def test_images_are_copied_and_annotated_in_one_bag(tmp_path, storage):
    data = bytes(typestore().serialize_cdr(image_message(), 'sensor_msgs/msg/Image'))
    frame = BagFrame(np.zeros((600, 900, 3), np.uint8), 0.0, 1, HEADER, 5, data=data)
    with BagWriter(tmp_path / 'bag', storage, ['person'], 0, '/camera/image', True) as writer:
        writer.write(frame, tracks_of(2))
        writer.write(frame, tracks_of(0))
    found, connections = read(tmp_path / 'bag')
    assert sorted(found) == ['/camera/image', '/track_embeddings', '/tracker/annotations',
                             '/tracks']
    (stamp, image), _ = found['/camera/image']
    assert (stamp, image.encoding, image.data.tolist()) == (5, 'mono8', [9])
    (_, first), (_, second) = found['/tracker/annotations']
    assert [text.text for text in first.texts] == ['person 7', '1 8']
    loop = first.points[0]
    assert [(p.x, p.y) for p in loop.points] == [(0, 1), (11.5, 1), (11.5, 21), (0, 21)]
    assert (loop.type, loop.thickness, first.texts[0].font_size) == (2, 2, 20)
    assert (loop.timestamp.sec, loop.timestamp.nanosec) == (HEADER.sec, HEADER.nanosec)
    assert (second.points, second.texts) == ([], [])
    assert 'foxglove_msgs/msg/ImageAnnotations' in {c.msgtype for c in connections}


def image_message():
    types = typestore().types
    stamp = types['builtin_interfaces/msg/Time'](HEADER.sec, HEADER.nanosec)
    header = types['std_msgs/msg/Header'](stamp, HEADER.frame_id)
    return types['sensor_msgs/msg/Image'](
        header, 1, 1, 'mono8', 0, 1, np.array([9], np.uint8))
