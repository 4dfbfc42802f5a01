# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import itertools
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from finetrack_ros import inference, io, pipeline
from finetrack_ros.cli import app
from finetrack_ros.cli.tracker_config import read_tracker_config
from finetrack_ros.io import open_source, read_mot
from finetrack_ros.pipeline import Step
from finetrack_ros.protocols import StageTimes
from finetrack_ros.tracking import TrackerConfig


class FakePipeline:
    """Pipeline that sees one person walk right by ten pixels a frame, and a dog from frame 3."""

    def __init__(self, runner, config):
        self.config = config
        self._frame = itertools.count(1)

    def process(self, image, stamp, detections=None):
        frame = next(self._frame)
        boxes = [[10 * frame, 10, 10 * frame + 20, 60], [0, 0, 15, 30]][:1 if frame < 3 else 2]
        return Step(None, _Tracks(boxes), StageTimes(detect=0.002, track=0.001))


class _Tracks:

    def __init__(self, boxes):
        self.ids = np.arange(1, 1 + len(boxes))
        self.boxes = np.array(boxes, np.float32)
        self.scores = np.full(len(boxes), 0.9, np.float32)
        self.classes = np.arange(len(boxes))

    def __len__(self):
        return len(self.ids)


@pytest.fixture
def loaded(monkeypatch):
    """Replace model and pipeline by fakes; return the settings the model was asked for."""
    settings = {}

    def load_model(model, **options):
        settings.update(options, model=model)
        return SimpleNamespace(
            model_name=model, engine_name='fake', device_name='cpu', engine_reason='test',
            class_names=['person', 'dog'], classes=options.get('classes', ['person']))

    monkeypatch.setattr(inference, 'load_model', load_model)
    monkeypatch.setattr(pipeline, 'Pipeline', FakePipeline)
    return settings


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / 'walk'
    folder.mkdir()
    for number in range(1, 6):
        cv2.imwrite(str(folder / f'{number}.png'), np.zeros((80, 120, 3), np.uint8))
    return folder


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_track_writes_text_and_video(loaded, images, tmp_path):
    result = run('track', images, '-o', tmp_path / 'out' / 'tracks.txt', '--video',
                 tmp_path / 'out' / 'tracks.mp4', '--fps', 10, '--input-size', '384x640')
    assert result.exit_code == 0, result.output
    rows = read_mot(tmp_path / 'out' / 'tracks.txt')
    assert rows.frames.tolist() == [1, 2, 3, 3, 4, 4, 5, 5]
    assert rows.boxes[0].tolist() == [10, 10, 30, 60]
    with open_source(str(tmp_path / 'out' / 'tracks.mp4')) as video:
        assert (video.fps, video.length) == (10, 5)
        assert all(frame.image.any() for frame in video)
    assert loaded == {'model': 'finetrack_nano', 'engine': 'auto', 'device': 'auto',
                      'input_size': (384, 640)}
    assert str(tmp_path / 'out' / 'tracks.txt') in result.stdout


def test_classes_are_asked_for_and_told(loaded, images, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(io, 'draw_tracks', lambda image, tracks, trails, labels: (
        drawn.append(labels), image)[1])
    result = run('track', images, '-o', tmp_path / 't.txt', '--classes', 'person, dog',
                 '--video', tmp_path / 't.mp4', '--input-size', 'auto')
    assert result.exit_code == 0, result.output
    assert loaded['classes'] == ['person', 'dog']
    assert 'input_size' not in loaded
    assert '2, 1 person, 1 dog' in result.stdout
    assert drawn[-1] == ['person', 'dog']


def test_track_keeps_the_frame_numbers_of_a_sequence(loaded, images, tmp_path):
    for number in (1, 2):
        (images / f'{number}.png').unlink()
    (images / 'seqinfo.ini').write_text('[Sequence]\nimDir=.\nframeRate=10\n')
    assert run('track', images, '-o', tmp_path / 'tracks.txt', '--max-frames', 2).exit_code == 0
    assert read_mot(tmp_path / 'tracks.txt').frames.tolist() == [3, 4]


def test_interrupted_run_keeps_what_it_has(loaded, images, tmp_path, monkeypatch):
    process = FakePipeline.process

    def interrupt_third(self, image, stamp, detections=None):
        step = process(self, image, stamp)
        if len(step.tracks) == 2:
            raise KeyboardInterrupt
        return step

    monkeypatch.setattr(FakePipeline, 'process', interrupt_third)
    result = run('track', images, '-o', tmp_path / 'tracks.txt')
    assert result.exit_code == 130
    assert 'interrupted' in result.stdout
    assert read_mot(tmp_path / 'tracks.txt').frames.tolist() == [1, 2]


@pytest.mark.parametrize('text', [
    'high_score: 0.8\n',
    '/**:\n  ros__parameters:\n    model: x\n    tracker: {high_score: 0.8}\n',
    'tracker:\n  ros__parameters:\n    tracker.high_score: 0.8\n'])
def test_tracker_parameters_come_plain_or_as_ros_parameters(
        loaded, images, tmp_path, monkeypatch, text):
    made = []
    monkeypatch.setattr(pipeline, 'Pipeline',
                        lambda runner, config: made.append(config) or FakePipeline(runner, config))
    (tmp_path / 'tracker.yaml').write_text(text)
    result = run('track', images, '-o', tmp_path / 't.txt', '--tracker-config',
                 tmp_path / 'tracker.yaml')
    assert result.exit_code == 0, result.output
    assert made[0].high_score == 0.8


def test_preset_is_named_instead_of_a_file(loaded, images, tmp_path):
    assert read_tracker_config(Path('dance')).memory_seconds == 0
    assert read_tracker_config(Path('default')) == TrackerConfig()
    assert run('track', images, '-o', tmp_path / 't.txt', '--tracker-config', 'mot').exit_code == 0


@pytest.mark.parametrize(('text', 'problem'), [
    ('high_scor: 0.8\n', 'high_score'), ('high_score: 7\n', 'high_score'), ('- 1\n', 'no mapping'),
    ('{', 'cannot be read'), ('/**: {ros__parameters: [1]}', 'no mapping'),
    ('/**: {ros__parameters: {tracker: 5}}', 'no mapping'),
    ('/**: {ros__parameters: {5: 1, tracker.high_scor: 1}}', 'high_score')])
def test_wrong_tracker_parameters_are_explained(loaded, images, tmp_path, text, problem):
    (tmp_path / 'bad.yaml').write_text(text)
    result = run('track', images, '-o', tmp_path / 't.txt', '--tracker-config',
                 tmp_path / 'bad.yaml')
    assert_user_error(result, problem)


def test_misspelt_preset_is_told_the_presets(loaded, images, tmp_path):
    result = run('track', images, '-o', tmp_path / 't.txt', '--tracker-config', 'MOT')
    assert_user_error(result, 'dance, default, mot')


def test_rate_that_is_not_used_is_told(loaded, images, tmp_path):
    assert 'Warning' not in run('track', images, '-o', tmp_path / 't.txt', '--fps', 5).stderr
    (images / 'seqinfo.ini').write_text('[Sequence]\nimDir=.\nframeRate=10\n')
    result = run('track', images, '-o', tmp_path / 't.txt', '--fps', 5)
    assert result.exit_code == 0
    assert '--fps 5 is not used' in result.stderr


@pytest.mark.parametrize(('arguments', 'problem'), [
    (['nothing.mp4'], 'nothing.mp4'), (['{images}', '--input-size', 'big'], '--input-size'),
    (['{images}', '--video', 'clip.gif'], '.mp4')])
def test_user_errors_are_one_message(loaded, images, tmp_path, arguments, problem):
    arguments = [argument.format(images=images) for argument in arguments]
    assert_user_error(run('track', *arguments, '-o', tmp_path / 't.txt'), problem)


def test_errors_leave_earlier_results_alone(images, tmp_path):
    (tmp_path / 't.txt').write_text('earlier results')
    assert_user_error(run('track', images, '-o', tmp_path / 't.txt', '--model', 'none'), 'none')
    assert (tmp_path / 't.txt').read_text() == 'earlier results'


def test_wrong_video_leaves_earlier_results_alone(loaded, images, tmp_path):
    (tmp_path / 't.txt').write_text('earlier results')
    assert_user_error(
        run('track', images, '-o', tmp_path / 't.txt', '--video', tmp_path / 'a.gif'), '.mp4')
    assert (tmp_path / 't.txt').read_text() == 'earlier results'


def test_source_is_never_overwritten(loaded, images, tmp_path):
    assert run('track', images, '-o', tmp_path / 't.txt', '--video', tmp_path / 'a.mp4',
               ).exit_code == 0
    before = (tmp_path / 'a.mp4').read_bytes()
    result = run('track', tmp_path / 'a.mp4', '-o', tmp_path / 't.txt', '--video',
                 tmp_path / '.' / 'a.mp4')
    assert_user_error(result, 'input itself')
    assert (tmp_path / 'a.mp4').read_bytes() == before


def assert_user_error(result, problem):
    assert result.exit_code == 2
    message = result.stderr.splitlines()[-1]
    assert message.startswith('Error: ')
    assert problem in message
    assert 'Traceback' not in result.output
