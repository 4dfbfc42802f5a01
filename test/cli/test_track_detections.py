# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack track --detections``."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from finetrack_ros import inference
from finetrack_ros.cli import app
from finetrack_ros.io import open_source, read_mot
from finetrack_ros.tracking import TrackerConfig


class FakeRunner:
    """Model that cannot detect, and gives all boxes the same embedding."""

    model_name = engine_name = device_name = engine_reason = 'fake'

    def __init__(self):
        self.embedded = []

    def embed(self, images, boxes, labels=None):
        self.embedded.append(boxes[0][:, 0].tolist())
        return [np.ones((len(boxes[0]), 1), np.float32)]


@pytest.fixture
def runner(monkeypatch):
    """Replace the shipped model; loading any other one fails the test."""
    fake = FakeRunner()
    monkeypatch.setattr(inference, 'load_model', lambda model, **options: fake)
    return fake


@pytest.fixture
def no_model(monkeypatch):
    def load_model(model, **options):
        raise AssertionError('no model is wanted')

    monkeypatch.setattr(inference, 'load_model', load_model)


@pytest.fixture
def images(tmp_path):
    """Return a sequence folder of the frames 3 to 6."""
    folder = tmp_path / 'walk'
    folder.mkdir()
    (folder / 'seqinfo.ini').write_text('[Sequence]\nimDir=.\nframeRate=10\n')
    for number in range(3, 7):
        cv2.imwrite(str(folder / f'{number:06d}.png'), np.full((80, 120, 3), 90, np.uint8))
    return folder


@pytest.fixture
def detections(tmp_path):
    """Return a text of one person who walks right, seen in all frames from 1 to 6 but 5."""
    path = tmp_path / 'det.txt'
    path.write_text(''.join(f'{frame},-1,{5 * frame},10,20,40,0.9\n' for frame in (1, 2, 3, 4, 6)))
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_boxes_are_paired_with_frames_by_number_and_embedded(
        runner, images, detections, tmp_path):
    result = run('track', images, '--detections', detections, '-o', tmp_path / 't.txt',
                 '--video', tmp_path / 't.mp4')
    assert result.exit_code == 0, result.output
    assert runner.embedded == [[15], [20], [], [30]]
    rows = read_mot(tmp_path / 't.txt')
    assert (rows.frames.tolist(), set(rows.ids)) == ([3, 4, 6], {1})
    assert rows.boxes[:, 0].tolist() == [15, 20, 30]
    with open_source(str(tmp_path / 't.mp4')) as video:
        assert video.length == 4


def test_without_embeddings_no_model_is_loaded(no_model, images, detections, tmp_path):
    result = run('track', images, '--detections', detections, '--no-embeddings', '-o',
                 tmp_path / 't.txt')
    assert result.exit_code == 0, result.output
    assert read_mot(tmp_path / 't.txt').frames.tolist() == [3, 4, 6]


def test_detections_are_tracked_without_a_source(no_model, detections, tmp_path):
    result = run('track', '--detections', detections, '-o', tmp_path / 't.txt', '--fps', 25)
    assert result.exit_code == 0, result.output
    assert '25 frames per second' in result.stderr
    assert read_mot(tmp_path / 't.txt').frames.tolist() == [1, 2, 3, 4, 6]
    result = run('track', '--detections', detections, '-o', tmp_path / 't.txt', '--max-frames', 2)
    assert '30 frames per second' in result.stderr
    assert read_mot(tmp_path / 't.txt').frames.tolist() == [1, 2]


@pytest.mark.parametrize(('every', 'fps'), [(3, 30), (5, 30), (4, 25), (3, 10), (2, 5), (1, 0.5)])
def test_detections_on_some_frames_only_are_tracked(no_model, tmp_path, every, fps):
    frames = range(every, 40 * every + 1, every)
    path = tmp_path / 'det.txt'
    path.write_text(''.join(f'{frame},-1,{100 + 2 * row},100,60,150,0.9\n'
                            for row, frame in enumerate(frames)))
    result = run('track', '--detections', path, '-o', tmp_path / 't.txt', '--fps', fps)
    assert result.exit_code == 0, result.output
    rows = read_mot(tmp_path / 't.txt')
    assert set(rows.ids) == {1} and len(rows) >= 39


def test_a_frame_far_away_is_reached_at_once(no_model, tmp_path):
    path = tmp_path / 'det.txt'
    path.write_text(''.join(f'{frame},-1,100,100,60,150,0.9\n'
                            for frame in (1, 2, 9_000_000, 9_000_001)))
    result = run('track', '--detections', path, '-o', tmp_path / 't.txt')
    assert result.exit_code == 0, result.output
    rows = read_mot(tmp_path / 't.txt')
    assert (rows.frames.tolist(), rows.ids.tolist()) == ([1, 2, 9_000_001], [1, 1, 2])


def test_a_full_disk_ends_in_a_sentence(no_model, detections):
    result = run('track', '--detections', detections, '-o', '/dev/full')
    assert_user_error(result, "'/dev/full' cannot be written (No space left on device)")


def test_damaged_images_and_names_of_any_bytes(no_model, detections, tmp_path):
    folder = tmp_path / 'stra\udcdfe'
    folder.mkdir()
    for number, height in enumerate((80, 80, 80, 60, 80, 80), 1):
        image = cv2.imencode('.png', np.full((height, 120, 3), 90, np.uint8))[1].tobytes()
        (folder / f'{number}.png').write_bytes(image if number != 2 else b'')
    result = run('track', folder, '--detections', detections, '--no-embeddings', '-o',
                 folder / 't.txt', '--video', folder / 't.avi')
    assert result.exit_code == 0, result.output
    assert '1 image(s) that cannot be decoded' in result.output
    # Frame 4 has another size: the video goes on, and so does the text.
    assert read_mot(folder / 't.txt').frames.tolist() == [1, 3, 4, 6]
    with open_source(str(folder / 't.avi')) as video:
        assert len(list(video)) == 5
    result = run('track', folder, '--detections', detections, '--no-embeddings', '-o',
                 folder / 't.txt', '--strict')
    assert_user_error(result, '2.png')


def test_rate_of_a_sequence_without_images_is_read(no_model, detections, tmp_path):
    (tmp_path / 'seq' / 'det').mkdir(parents=True)
    (tmp_path / 'seq' / 'seqinfo.ini').write_text('[Sequence]\nframeRate=14\n')
    moved = detections.rename(tmp_path / 'seq' / 'det' / 'det.txt')
    result = run('track', '--detections', moved, '-o', tmp_path / 't.txt')
    assert '14 frames per second' in result.stderr


def test_interrupted_run_without_a_source_keeps_what_it_has(detections, tmp_path, monkeypatch):
    from finetrack_ros.pipeline import Pipeline
    track = Pipeline.track

    def interrupt_third(self, observation, stamp):
        if stamp > 0.25:
            raise KeyboardInterrupt
        return track(self, observation, stamp)

    monkeypatch.setattr(Pipeline, 'track', interrupt_third)
    result = run('track', '--detections', detections, '-o', tmp_path / 't.txt', '--fps', 10)
    assert result.exit_code == 130
    assert read_mot(tmp_path / 't.txt').frames.tolist() == [1, 2]


def test_scores_of_other_kinds_are_mapped(no_model, detections, tmp_path):
    detections.write_text(detections.read_text().replace('0.9', '45'))
    result = run('track', '--detections', detections, '-o', tmp_path / 't.txt')
    assert_user_error(result, 'scores from 45 to 45')
    result = run('track', '--detections', detections, '-o', tmp_path / 't.txt',
                 '--score-range', '-5:55')
    assert result.exit_code == 0, result.output
    np.testing.assert_allclose(read_mot(tmp_path / 't.txt').values, 5 / 6, atol=1e-4)


def test_what_cannot_be_used_is_told(no_model, detections, tmp_path):
    detections.write_text('1,-1,0,0,9,9,0.3\n1,-1,0,0,9,0,0.3\n')
    result = run('track', '--detections', detections, '-o', tmp_path / 't.txt')
    assert result.exit_code == 0, result.output
    assert '1 detections have no width or height' in result.stderr
    least = TrackerConfig().birth_score
    assert f'the best score is 0.3, and birth_score is {least:g}' in result.stderr


@pytest.mark.parametrize(('arguments', 'problem'), [
    ([], 'nothing to track'),
    (['{images}', '--no-embeddings'], '--detections'),
    (['{images}', '--score-range', '0:9'], '--detections'),
    (['--detections', '{detections}', '--video', '{tmp}/v.mp4'], '--video needs images'),
    (['--detections', '{detections}', '--score-range', '9:0'], '--score-range'),
    (['--detections', '{detections}', '--score-range', 'all'], '--score-range'),
    (['--detections', '{tmp}/gone.txt'], 'gone.txt'),
    (['{images}', '--detections', '{detections}', '--classes', 'dog'], '--classes'),
    (['{images}', '--detections', '{late}'], 'up to frame 7, but the last frame of'),
])
def test_user_errors_are_one_message(no_model, images, detections, tmp_path, arguments, problem):
    late = tmp_path / 'late.txt'
    late.write_text('7,-1,0,0,9,9,0.4\n')
    names = {'images': images, 'detections': detections, 'late': late, 'tmp': tmp_path}
    result = run('track', *(argument.format(**names) for argument in arguments), '-o',
                 tmp_path / 't.txt')
    assert_user_error(result, problem)
    assert not (tmp_path / 't.txt').exists()


def test_length_of_a_video_is_checked_at_its_end(no_model, images, detections, tmp_path):
    assert run('track', images, '--detections', detections, '--no-embeddings', '-o',
               tmp_path / 't.txt', '--video', tmp_path / 'v.mp4').exit_code == 0
    result = run('track', tmp_path / 'v.mp4', '--detections', detections, '--no-embeddings',
                 '-o', tmp_path / 't.txt')
    assert_user_error(result, 'up to frame 6, but the last frame of')


def test_detections_are_never_overwritten(no_model, detections):
    before = detections.read_text()
    assert_user_error(run('track', '--detections', detections, '-o', detections), 'input itself')
    assert detections.read_text() == before


def test_detector_of_the_model_is_used_without_detections(monkeypatch, images, tmp_path):
    calls = []
    fake = SimpleNamespace(
        model_name='fake', engine_name='fake', device_name='cpu', engine_reason='test',
        class_names=['person'], classes=['person'],
        infer=lambda images, options: calls.append(1) or [empty()])
    monkeypatch.setattr(inference, 'load_model', lambda model, **options: fake)
    assert run('track', images, '-o', tmp_path / 't.txt').exit_code == 0
    assert len(calls) == 4


def empty():
    from finetrack_ros.detections import Detections
    return Detections.empty(1)


def assert_user_error(result, problem):
    assert result.exit_code == 2, result.output
    message = result.stderr.splitlines()[-1]
    assert message.startswith('Error: ')
    assert problem in message
