# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a bag come out as they were recorded, in order and with their stamps."""

import itertools
import logging
import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.io import open_source

rosbags = pytest.importorskip('rosbags', reason='rosbags is not in this environment')

START = 1_700_000_000_123_456_789
PERIOD = 40_000_000
TOPIC = '/camera/image'

storages = pytest.mark.parametrize('storage', ['sqlite3', 'mcap'])


def picture(number):
    """Return a plain image whose grey level tells its number."""
    return np.full((24, 32, 3), 10 * number, np.uint8)


def recording(bags, count=5, topic=TOPIC, make='image'):
    """Return messages of ``count`` images; each arrives 7 ns after its stamp."""
    stamps = [START + i * PERIOD for i in range(count)]
    return [(topic, stamp + 7, getattr(bags, make)(picture(i), stamp))
            for i, stamp in enumerate(stamps, 1)]


def text(bags, stamp=START):
    return '/chatter', stamp, bags.make('std_msgs/String', 'hello')


def read(path, topic=None):
    with open_source(str(path), topic=topic) as source:
        return list(source)


def grey_of(frames):
    return [round(float(frame.image.mean()) / 10) for frame in frames]


@storages
@pytest.mark.parametrize('make', ['image', 'compressed'])
def test_images_come_with_their_stamps(bags, tmp_path, storage, make):
    messages = [text(bags), *recording(bags, make=make), text(bags, START + 10 * PERIOD)]
    path = bags.write(tmp_path / 'walk', messages, storage)
    with open_source(str(path)) as source:
        frames = list(source)
    assert (source.name, source.topic, source.storage) == ('walk', TOPIC, storage)
    assert (source.fps, source.length, source.last_index, source.skipped) == (25, 5, 5, 0)
    assert grey_of(frames) == [1, 2, 3, 4, 5]
    assert [frame.index for frame in frames] == [1, 2, 3, 4, 5]
    assert [frame.header.nanoseconds for frame in frames] == [
        START + i * PERIOD for i in range(5)]
    assert [frame.bag_stamp for frame in frames] == [START + i * PERIOD + 7 for i in range(5)]
    assert {frame.header.frame_id for frame in frames} == {'camera'}
    assert [frame.stamp for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])


@settings(max_examples=20, deadline=None)
@given(image=arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
       stamp=st.integers(1, 2**31 * 10**9 - 1), arrival=st.integers(0, 2**62),
       storage=st.sampled_from(['sqlite3', 'mcap']))
def test_round_trip_keeps_every_pixel_and_nanosecond(
        bags, tmp_path_factory, image, stamp, arrival, storage):
    path = tmp_path_factory.mktemp('bag') / 'bag'
    bags.write(path, [(TOPIC, arrival, bags.image(image, stamp))], storage)
    frame, = read(path)
    assert np.array_equal(frame.image, image)
    assert (frame.header.nanoseconds, frame.bag_stamp) == (stamp, arrival)


@storages
@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(6)))
def test_images_come_in_the_order_of_their_recording(bags, tmp_path_factory, storage, order):
    messages = recording(bags, 6)
    path = tmp_path_factory.mktemp('bag') / 'bag'
    bags.write(path, [messages[i] for i in order], storage)
    assert grey_of(read(path)) == [1, 2, 3, 4, 5, 6]


@storages
@pytest.mark.parametrize('compression', ['file', 'message'])
def test_compressed_bags_are_read(bags, tmp_path, storage, compression):
    path = bags.write(tmp_path / 'bag', recording(bags), storage, compression)
    with open_source(str(path)) as source:
        assert (source.storage, grey_of(source)) == (storage, [1, 2, 3, 4, 5])


@storages
def test_bag_without_metadata_is_read_from_its_files(bags, tmp_path, storage, caplog):
    messages = recording(bags, 4)
    first = bags.write(tmp_path / 'bag_9', messages[:2], storage)
    second = bags.write(tmp_path / 'bag_10', messages[2:], storage)
    whole = tmp_path / 'whole'
    whole.mkdir()
    for part in (first, second):
        data, = part.glob('bag_*')
        data.rename(whole / data.name)
    assert grey_of(read(whole)) == [1, 2, 3, 4]
    assert 'no metadata.yaml' in caplog.text
    file, = whole.glob('bag_10.*')
    assert grey_of(read(file)) == [3, 4]


def test_topic_is_chosen_by_name(bags, tmp_path):
    messages = recording(bags, 2) + recording(bags, 3, '/rear/image', 'compressed')
    path = bags.write(tmp_path / 'bag', [*messages, text(bags)])
    assert len(read(path, '/rear/image')) == 3
    assert len(read(path, 'camera/image')) == 2
    listing = '/camera/image (sensor_msgs/msg/Image, 2 messages); ' \
              '/rear/image (sensor_msgs/msg/CompressedImage, 3 messages)'
    for topic, problem in ((None, 'several image topics'), ('/chatter', 'is not of images'),
                           ('/front', 'is not there')):
        with pytest.raises(SourceError, match=problem) as error:
            read(path, topic)
        assert listing in str(error.value)


def test_bags_without_images_are_named(bags, tmp_path):
    with pytest.raises(SourceError, match=r'has: /chatter \(std_msgs/msg/String, 1 messages\)'):
        read(bags.write(tmp_path / 'text', [text(bags)]))
    with pytest.raises(SourceError, match='no topics at all'):
        read(bags.write(tmp_path / 'empty', []))
    topics = [bags.make('sensor_msgs/Image', bags.header(0), 0, 0, '', 0, 0, np.zeros(0, 'u1'))]
    path = bags.write(tmp_path / 'silent', [(TOPIC, 0, message) for message in topics])
    data, = path.glob('*.db3')
    with sqlite3.connect(data) as database:
        database.execute('delete from messages')
    (path / 'metadata.yaml').unlink()
    with pytest.raises(SourceError, match="'/camera/image' .* has no messages"):
        read(path)


def test_bad_images_are_left_out_and_counted(bags, tmp_path, caplog):
    messages = recording(bags)
    messages[1][2].encoding = '32FC1'
    messages[3][2].data = messages[3][2].data[:-1]
    path = bags.write(tmp_path / 'bag', messages)
    with open_source(str(path)) as source:
        frames = list(source)
    assert grey_of(frames) == [frame.index for frame in frames] == [1, 3, 5]
    assert source.skipped == 2
    warning, = caplog.records
    assert "Topic '/camera/image' of bag" in warning.message
    assert 'image 2 cannot be decoded' in warning.message
    assert '32FC1' in warning.message


@settings(max_examples=30, deadline=None)
@given(damages=st.lists(st.tuples(st.integers(0, 2400), st.binary(min_size=1, max_size=5),
                                  st.booleans()), max_size=5))
def test_hostile_messages_are_images_or_left_out(bags, tmp_path_factory, damages):
    topic, stamp, message = recording(bags, 1)[0]
    kind, whole = bags.serialize(message)
    messages = [(topic, stamp, message)]
    for start, junk, cut in damages:
        data = whole[:start] + junk + (b'' if cut else whole[start + len(junk):])
        messages.append((topic, stamp + len(messages), (kind, data)))
    path = bags.write(tmp_path_factory.mktemp('bag') / 'bag', messages)
    with open_source(str(path)) as source:
        frames = list(source)
    assert source.skipped + len(frames) == len(messages)
    assert grey_of(frames[:1]) == [1]


def test_bag_of_nothing_but_bad_images_is_an_error(bags, tmp_path):
    messages = recording(bags, 2)
    for *_, message in messages:
        message.encoding = '32FC1'
    with pytest.raises(SourceError, match=f"No image of topic '{TOPIC}'"):
        read(bags.write(tmp_path / 'bag', messages))


@pytest.mark.parametrize(('stamps', 'expected', 'warns'), [
    ([0, 1, 2, 3], [0, 1, 2, 3], False),
    ([0, 25, 50, 75], [0, 25, 50, 75], False),
    ([0.01, 1, 0, 3, 4], [0, 0.99, 1.99, 2.99, 3.99], True),
    ([5, 6, 0, 0, 9, 10], [0, 1, 2, 3, 4, 5], True),
    ([0, 10**9, 10**9 + 1, 0, 10**9 + 3], [0, 1, 2, 3, 4], True),
    ([0, 0, 0, 10**9, 10**9 + 1], [0, 1, 2, 3, 4], True),
    ([0, 0, 0, 0], [0, 1, 2, 3], True),
], ids=['simulated', 'in coarse steps', 'one zero', 'two', 'late clock', 'later', 'none'])
def test_no_stamp_is_replaced_from_another_clock(bags, tmp_path, caplog, stamps, expected, warns):
    messages = [(TOPIC, START + i * PERIOD, bags.image(picture(i), round(stamp * PERIOD)))
                for i, stamp in enumerate(stamps)]
    frames = read(bags.write(tmp_path / 'bag', messages))
    assert [frame.stamp / 0.04 for frame in frames] == pytest.approx(expected)
    assert [record.message.split(': ')[1].split(';')[0] for record in caplog.records] == [
        'has images without a stamp in their header'] * warns


def test_images_without_stamp_have_the_time_of_recording(bags, tmp_path, caplog):
    messages = [(TOPIC, START + i * PERIOD, bags.image(picture(i), 0)) for i in range(3)]
    frames = read(bags.write(tmp_path / 'bag', messages))
    assert [frame.stamp for frame in frames] == pytest.approx([0, 0.04, 0.08])
    assert [frame.header.nanoseconds for frame in frames] == [0, 0, 0]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert 'without a stamp' in caplog.text


@pytest.mark.parametrize('make', ['raw', 'compressed'])
def test_deep_images_come_out_as_they_look(bags, tmp_path, caplog, make):
    look = np.tile(np.arange(0, 256, 8, np.uint8), (24, 1))
    thermal = 7000 + 4 * look.astype(np.uint16)
    messages = []
    for i in range(3):
        if make == 'raw':
            message = bags.image(np.zeros((24, 32, 3), np.uint8), START + i * PERIOD)
            message.encoding, message.step, message.data = '16UC1', 64, thermal.view('u1').ravel()
        else:
            message = bags.compressed(thermal, START + i * PERIOD)
        messages.append((TOPIC, START + i * PERIOD, message))
    with caplog.at_level(logging.INFO):
        frames = read(bags.write(tmp_path / 'bag', messages))
    for frame in frames:
        assert np.abs(frame.image - look[..., None].astype(float)).max() < 10
    note, = caplog.records
    assert f"Topic '{TOPIC}'" in note.message and '7000 to 7992' in note.message


def test_strict_bags_stop_at_the_first_bad_image(bags, tmp_path):
    messages = recording(bags)
    messages[1][2].encoding = '32FC1'
    with open_source(str(bags.write(tmp_path / 'bag', messages)), strict=True) as source:
        assert grey_of([next(source)]) == [1]
        with pytest.raises(SourceError, match='image 2 cannot be decoded'):
            next(source)


def test_stamps_that_jump_back_are_kept_and_reported(bags, tmp_path, caplog):
    stamps = [START, START + PERIOD, START - PERIOD, START, START - 2 * PERIOD]
    messages = [(TOPIC, i, bags.image(picture(i), stamp)) for i, stamp in enumerate(stamps)]
    frames = read(bags.write(tmp_path / 'bag', messages))
    assert [frame.stamp for frame in frames] == pytest.approx([0, 0.04, -0.04, 0, -0.08])
    warning, = caplog.records
    assert 'jump back by 0.08 s at image 3' in warning.message


@pytest.mark.parametrize('gaps', [(), (0, 0), (1, 1)])
def test_strange_times_give_a_sane_frame_rate(bags, tmp_path, gaps):
    stamps = itertools.accumulate(gaps, initial=START)
    messages = [(TOPIC, stamp, bags.image(picture(1), stamp)) for stamp in stamps]
    with open_source(str(bags.write(tmp_path / 'bag', messages))) as source:
        assert 1 <= source.fps <= 1000


@storages
def test_truncated_bag_is_an_error(bags, tmp_path, storage):
    path = bags.write(tmp_path / 'bag', recording(bags, 25), storage)
    data, = path.glob('bag.*')
    data.write_bytes(data.read_bytes()[:data.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"Bag '.*' (cannot be read|is damaged)"):
        read(path)


@storages
def test_bag_with_fewer_images_than_it_says_is_reported(bags, tmp_path, storage, caplog):
    messages = recording(bags, 3)
    path = bags.write(tmp_path / 'bag', messages, storage)
    part = bags.write(tmp_path / 'part', messages[:2], storage)
    data, = path.glob('bag.*')
    data.write_bytes((part / data.name.replace('bag', 'part')).read_bytes())
    assert grey_of(read(path)) == [1, 2]
    assert 'ends after image 2 of 3' in caplog.text


@pytest.mark.parametrize('metadata', [
    'rosbag2_bagfile_information: {version: 99}', 'rosbag2_bagfile_information: [',
    'rosbag2_bagfile_information:\n  version: 5\n  relative_file_paths: [gone.db3]'])
def test_strange_metadata_is_an_error(tmp_path, metadata):
    (tmp_path / 'metadata.yaml').write_text(metadata)
    with pytest.raises(SourceError, match='cannot be read'):
        read(tmp_path)


def test_what_is_no_bag_is_no_bag(bags, tmp_path):
    (tmp_path / 'metadata.yaml').write_text('author: me')
    with pytest.raises(SourceError, match='holds no images'):
        read(tmp_path)
    with pytest.raises(SourceError, match="not a bag and has no topic '/image'"):
        read(tmp_path, '/image')
    (tmp_path / 'old.bag').write_bytes(b'#ROSBAG V2.0\n')
    with pytest.raises(SourceError, match='rosbags-convert'):
        read(tmp_path / 'old.bag')


def test_missing_library_is_named(bags, tmp_path, monkeypatch):
    path = bags.write(tmp_path / 'bag', recording(bags, 1))
    monkeypatch.setitem(__import__('sys').modules, 'finetrack_ros.io.bag_source', None)
    with pytest.raises(SourceError, match='pip install rosbags'):
        read(path)
