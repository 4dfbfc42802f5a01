# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack track`` from bag to bag."""

import signal

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from finetrack_ros import inference
from finetrack_ros.cli import app
from finetrack_ros.io import open_source, read_mot

pytest.importorskip('rosbags', reason='rosbags is not in this environment')
from rosbags.highlevel import AnyReader  # noqa: E402

START = 1_700_000_000_000_000_001
PERIOD = 100_000_000


class FakeRunner:
    """Model that cannot detect, and gives all boxes the same embedding."""

    model_name = engine_name = device_name = engine_reason = 'fake'
    class_names = classes = ('person',)
    embedding_dim = 2

    def embed(self, images, boxes, labels=None):
        return [np.tile(np.float32([0.6, 0.8]), (len(boxes[0]), 1))]


@pytest.fixture(autouse=True)
def model(monkeypatch):
    monkeypatch.setattr(inference, 'load_model', lambda model, **options: FakeRunner())


@pytest.fixture
def messages(bags):
    """Return a second of images that arrive 3 ms after their stamp."""
    image = np.full((80, 120, 3), 90, np.uint8)
    return [('/camera/image', stamp + 3_000_000, bags.image(image, stamp))
            for stamp in range(START, START + 10 * PERIOD, PERIOD)]


@pytest.fixture
def detections(tmp_path):
    """Return a text of one person who walks right, from the third to the last image."""
    path = tmp_path / 'det.txt'
    path.write_text(''.join(f'{frame},-1,{10 * frame},10,20,50,0.9\n' for frame in range(3, 11)))
    return path


def run(*arguments):
    return CliRunner().invoke(app, ['track', *map(str, arguments)])


def read(path):
    """Return topic, time and message of all messages of a bag."""
    with AnyReader([path]) as reader:
        return [(connection.topic, stamp, reader.deserialize(data, connection.msgtype))
                for connection, stamp, data in reader.messages()]


def header_of(message):
    header = message.header
    return header.stamp.sec, header.stamp.nanosec, header.frame_id


@pytest.mark.parametrize(('storage', 'options', 'suffix'), [
    ('sqlite3', (), 'db3'), ('mcap', (), 'mcap'), ('sqlite3', ('--storage', 'mcap'), 'mcap')])
def test_bag_of_tracks_has_the_times_of_the_images(
        bags, tmp_path, messages, detections, storage, options, suffix):
    source = bags.write(tmp_path / 'walk', messages, storage)
    out = tmp_path / 'out'
    result = run(source, '--topic', '/camera/image', '-o', out, '--detections', detections,
                 *options)
    assert result.exit_code == 0, result.output
    assert str(out) in result.stdout
    assert {path.name for path in out.iterdir()} == {'metadata.yaml', f'out.{suffix}'}
    found = read(out)
    for topic in ('/tracks', '/track_embeddings'):
        mine = [(stamp, message) for name, stamp, message in found if name == topic]
        assert [stamp for stamp, _ in mine] == [stamp for _, stamp, _ in messages]
        assert [header_of(message) for _, message in mine] == [
            header_of(message) for _, _, message in messages]
    arrays = [message for topic, _, message in found if topic == '/tracks']
    assert [len(array.detections) for array in arrays[:2]] == [0, 0]
    last, = arrays[-1].detections
    assert (last.id, last.results[0].hypothesis.class_id) == ('1', 'person')
    assert (last.bbox.center.position.x, last.bbox.size_y) == (110, 50)
    vectors = found[-1][2]
    assert (vectors.ids, vectors.dim) == (['1'], 2)
    assert vectors.data == pytest.approx([0.6, 0.8])


def test_text_and_video_come_from_bags_too(bags, tmp_path, messages, detections):
    source = bags.write(tmp_path / 'walk', messages)
    result = run(source, '-o', tmp_path / 't.txt', '--detections', detections, '--video',
                 tmp_path / 't.avi', '--no-embeddings')
    assert result.exit_code == 0, result.output
    assert read_mot(tmp_path / 't.txt').frames.tolist()[-1] == 10
    with open_source(str(tmp_path / 't.avi')) as video:
        assert (video.fps, video.length) == (10, 10)


def test_bad_image_is_reported_and_costs_no_track(bags, tmp_path, messages, detections):
    messages[5][2].data = messages[5][2].data[:-1]
    source = bags.write(tmp_path / 'walk', messages)
    result = run(source, '-o', tmp_path / 'out', '--detections', detections, '--no-embeddings')
    assert result.exit_code == 0, result.output
    assert '1 image(s) that cannot be decoded' in result.stdout
    arrays = [message for topic, _, message in read(tmp_path / 'out') if topic == '/tracks']
    assert len(arrays) == 9
    assert {detection.id for array in arrays for detection in array.detections} == {'1'}


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_leaves_a_readable_bag(
        bags, tmp_path, messages, detections, monkeypatch, number):
    decoded = []

    def embed(self, images, boxes, labels=None):
        if len(decoded) == 4:
            signal.raise_signal(number)
        decoded.append(1)
        return [np.zeros((len(boxes[0]), 2), np.float32)]

    monkeypatch.setattr(FakeRunner, 'embed', embed)
    source = bags.write(tmp_path / 'walk', messages)
    result = run(source, '-o', tmp_path / 'out', '--detections', detections)
    assert result.exit_code == 130
    assert 'interrupted' in result.stdout
    assert len(read(tmp_path / 'out')) == 2 * 4


@pytest.mark.parametrize(('arguments', 'problem'), [
    (['{bag}', '-o', '{bag}'], 'input itself'),
    (['{bag}', '-o', '{folder}'], 'not overwritten'),
    (['{bag}', '-o', '{folder}/out', '--topic', '/rear'], 'Choose one of: /camera/image'),
    (['{bag}', '-o', '{folder}/t.txt', '--storage', 'mcap'], '--storage is about a bag'),
    (['{folder}', '-o', '{folder}/t.txt', '--topic', '/rear'], 'not a bag'),
    (['-o', '{folder}/t.txt', '--detections', '{folder}/det.txt', '--topic', '/a'],
     '--topic is about'),
])
def test_user_errors_are_one_message(bags, tmp_path, messages, detections, arguments, problem):
    folder = tmp_path / 'images'
    folder.mkdir()
    assert cv2.imwrite(str(folder / '1.png'), np.zeros((8, 8, 3), np.uint8))
    bag = bags.write(tmp_path / 'walk', messages)
    result = run(*(argument.format(bag=bag, folder=folder) for argument in arguments))
    assert result.exit_code == 2
    message = result.stderr.splitlines()[-1]
    assert message.startswith('Error: ')
    assert problem in message
    assert {path.name for path in folder.iterdir()} == {'1.png'}
