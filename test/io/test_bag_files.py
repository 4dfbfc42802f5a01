# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recordings whose names, metadata or writers are out of the ordinary are read all the same."""

import struct

import pytest
from test_bag_source import grey_of, read, recording, START, storages, TOPIC

from finetrack_ros.errors import SourceError

rosbags = pytest.importorskip('rosbags', reason='rosbags is not in this environment')


@storages
@pytest.mark.parametrize('fault', ['empty', 'zero', 'gone', 'cut', 'none'])
def test_a_recording_is_read_whatever_its_metadata(bags, tmp_path, caplog, storage, fault):
    path = bags.write(tmp_path / 'bag', recording(bags), storage)
    metadata = path / 'metadata.yaml'
    text = metadata.read_text()
    data, = path.glob('bag.*')
    metadata.write_text({
        'empty': '', 'zero': text.replace('message_count: 5', 'message_count: 0'),
        'gone': text.replace(data.name, f'bag_7{data.suffix}'), 'cut': text[:len(text) // 2],
        'none': 'null'}[fault])
    assert grey_of(read(path)) == [1, 2, 3, 4, 5]
    warning, = caplog.records
    assert 'metadata.yaml' in warning.message and '1 file(s) are read' in warning.message


def test_names_of_any_bytes_are_read(bags, tmp_path):
    for number, name in enumerate(('stra\udcdfe', 'a%20b', 'what?', 'no#1', '12:30:05')):
        for storage in ('sqlite3', 'mcap'):
            path = bags.write(tmp_path / f'bag{number}', recording(bags), storage)
            other = path.rename(tmp_path / f'{name}.{storage}')
            assert grey_of(read(other)) == [1, 2, 3, 4, 5]
            file, = other.glob('bag*.*')
            assert grey_of(read(file.rename(other / f'{name}{file.suffix}'))) == [1, 2, 3, 4, 5]


def mcap(profile, channels, messages):
    """Return the bytes of an MCAP without summary; channels are (topic, schema, encodings)."""
    def text(value):
        return struct.pack('<I', len(value)) + value.encode()

    def record(code, content):
        return bytes([code]) + struct.pack('<Q', len(content)) + content

    parts = [b'\x89MCAP0\r\n', record(1, text(profile) + text(''))]
    for number, (topic, schema, kind, encoding) in enumerate(channels, 1):
        parts.append(record(3, struct.pack('<H', number) + text(schema) + text(kind) + text('{}')))
        parts.append(record(4, struct.pack('<HH', number, number) + text(topic) + text(encoding)
                            + struct.pack('<I', 0)))
    for number, stamp, data in messages:
        parts.append(record(5, struct.pack('<HIQQ', number, 0, stamp, stamp) + data))
    end = [record(15, struct.pack('<I', 0)), record(2, bytes(20)), b'\x89MCAP0\r\n']
    return b''.join(parts + end)


IMAGES = (TOPIC, 'sensor_msgs/msg/Image', 'ros2msg', 'cdr')


@pytest.mark.parametrize('profile', ['', 'ros2', 'foxglove'])
@pytest.mark.parametrize('others', [
    [], [('/state', 'State', 'jsonschema', 'json'),
         ('/grid', 'foxglove.Grid', 'protobuf', 'protobuf'),
         ('/json', 'sensor_msgs/msg/Image', 'jsonschema', 'json')]], ids=['alone', 'others'])
def test_mcap_of_other_writers_is_read(bags, tmp_path, profile, others):
    data = [(1, stamp, bags.serialize(message)[1]) for _, stamp, message in recording(bags)]
    data += [(number, START, b'{}') for number in range(2, 2 + len(others))]
    path = tmp_path / 'walk.mcap'
    path.write_bytes(mcap(profile, [IMAGES, *others], data))
    assert grey_of(read(path)) == [1, 2, 3, 4, 5]
    folder = tmp_path / 'folder'
    folder.mkdir()
    path.rename(folder / 'walk_0.mcap')
    assert grey_of(read(folder)) == [1, 2, 3, 4, 5]


def test_mcap_that_cannot_be_read_says_why(tmp_path):
    path = tmp_path / 'old.mcap'
    path.write_bytes(mcap('ros1', [('/image', 'sensor_msgs/Image', 'ros1msg', 'ros1')], []))
    with pytest.raises(SourceError, match='is of ROS 1, in MCAP'):
        read(path)
    path.write_bytes(mcap('', [('/grid', 'foxglove.Grid', 'protobuf', 'protobuf')], []))
    with pytest.raises(SourceError, match=r'has no topic of type .*It has: /grid \(foxglove.Grid'):
        read(path)
    path.write_bytes(b'not at all')
    with pytest.raises(SourceError, match='magic is invalid'):
        read(path)
