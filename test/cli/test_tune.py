# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import os
from pathlib import Path
import signal
import sys

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner
import yaml

from finetrack_ros import inference
from finetrack_ros.cli import app
from finetrack_ros.cli.tracker_config import read_tracker_config
from finetrack_ros.detections import Detections
from finetrack_ros.evaluation import tuning
from finetrack_ros.tracking import TrackerConfig

pytest.importorskip('optuna', reason='needs the extra "tune"')

FRAMES = 12


def write_sequence(folder, images=False, score=0.8):
    """Write a sequence of one person who walks right, with detections of the given score."""
    for part in ('gt', 'det', 'img1'):
        (folder / part).mkdir(parents=True)
    (folder / 'seqinfo.ini').write_text(
        f'[Sequence]\nname={folder.name}\nframeRate=10\nseqLength={FRAMES}\n')
    for name, end in (('gt/gt.txt', '1,1,1'), ('det/det.txt', f'{score}')):
        (folder / name).write_text(''.join(
            f'{frame},1,{5 * frame},10,20,40,{end}\n' for frame in range(1, FRAMES + 1)))
    if images:
        for frame in range(1, FRAMES + 1):
            cv2.imwrite(str(folder / 'img1' / f'{frame:06d}.png'), np.zeros((64, 96, 3), np.uint8))
    else:
        (folder / 'img1').rmdir()
    return folder


@pytest.fixture
def sequence(tmp_path):
    return write_sequence(tmp_path / 'data' / 'walk')


@pytest.fixture
def model(monkeypatch):
    """Replace the shipped model; return the list of the boxes that it embeds."""
    class Runner:
        model_name = engine_name = device_name = engine_reason = 'fake'

        def infer(self, images, options=None):
            frame = len(inferred) + 1
            inferred.append(frame)
            return [Detections(np.array([[5 * frame, 10, 5 * frame + 20, 50]], np.float32),
                               np.array([0.8], np.float32), np.zeros(1, np.int32),
                               np.ones((1, 1), np.float32))]

    inferred = []
    monkeypatch.setattr(inference, 'load_model', lambda model, **options: Runner())
    return inferred


@pytest.fixture
def start(tmp_path):
    """Return parameters under which the person is not tracked."""
    (tmp_path / 'start.yaml').write_text('birth_score: 0.9\nlost_seconds: 2.25\n')
    return tmp_path / 'start.yaml'


def tune(*arguments):
    return CliRunner().invoke(app, ['tune', *(str(argument) for argument in arguments)])


@pytest.fixture
def tuned(sequence, start, tmp_path):
    """Return a function that tunes on the sequence's text and gives result and YAML."""
    def run(*arguments):
        result = tune(sequence, '-o', tmp_path / 'out' / 'my.yaml', '--detections', 'det/det.txt',
                      '--preset', start, '--fields', 'birth_score,birth_overlap', '--trials', 6,
                      *arguments)
        return result, tmp_path / 'out' / 'my.yaml'
    return run


def test_better_parameters_are_written_with_their_origin(tuned, tmp_path):
    other = write_sequence(tmp_path / 'other')
    result, path = tuned('--validate', other)
    assert result.exit_code == 0, result.output
    text = path.read_text()
    for words in ('HOTA 0.00 before, 100.00 after, on walk', 'on other (not tuned on)',
                  'Trials: 6', 'start.yaml', 'tuned: expect less'):
        assert words in text
    assert 'not tuned on' in result.stdout and str(path) in result.stdout
    content = yaml.safe_load(text)
    # What differs from the defaults, whether the search or the start brought it; nothing else.
    assert content == {'birth_score': pytest.approx(0.6, abs=0.3), 'lost_seconds': 2.25}
    assert read_tracker_config(path) == TrackerConfig.from_mapping(content)


def test_result_scores_as_stated(tuned, sequence, tmp_path):
    path = tuned()[1]
    run = CliRunner().invoke(app, [
        'track', '--detections', str(sequence / 'det' / 'det.txt'), '-o',
        str(tmp_path / 'walk.txt'), '--tracker-config', str(path)])
    assert run.exit_code == 0, run.output
    from finetrack_ros.evaluation.mot import evaluate
    assert evaluate(sequence, tmp_path / 'walk.txt')['walk']['HOTA'] == 100


def test_tuning_figures_are_called_optimistic(tuned):
    assert 'hold some back' in tuned()[0].stderr


def test_worse_validation_is_told(tuned, tmp_path):
    other = write_sequence(tmp_path / 'other')
    (other / 'gt' / 'gt.txt').write_text('1,1,500,10,20,40,1,1,1\n')
    result = tuned('--validate', other, '--metric', 'mota')[0]
    assert result.exit_code == 0, result.output
    assert 'worse than the start' in result.stderr


def test_start_is_kept_where_nothing_is_better(sequence, tmp_path):
    result = tune(sequence, '-o', tmp_path / 'my.yaml', '--detections', 'det/det.txt',
                  '--trials', 1, '--fields', 'lost_seconds')
    assert 'nothing better' in result.stderr
    assert yaml.safe_load((tmp_path / 'my.yaml').read_text()) == {}


@pytest.mark.parametrize('end', [signal.SIGINT, signal.SIGTERM])
def test_interrupt_keeps_the_best_so_far(tuned, monkeypatch, end):
    search = tuning.search

    def interrupted(*arguments):
        for trial in search(*arguments):
            yield trial
            if trial.mean > 0:
                os.kill(os.getpid(), end)

    monkeypatch.setattr(tuning, 'search', interrupted)
    result, path = tuned()
    assert result.exit_code == 130
    assert '(interrupted)' in path.read_text()
    assert 'birth_score' in yaml.safe_load(path.read_text())


def test_interrupted_validation_keeps_the_result(tuned, monkeypatch, tmp_path):
    replay = tuning.replay
    length = FRAMES + 1

    def interrupted(observations, config):
        if len(observations.numbers) == length:
            raise KeyboardInterrupt
        return replay(observations, config)

    monkeypatch.setattr(tuning, 'replay', interrupted)
    other = write_sequence(tmp_path / 'other')
    (other / 'seqinfo.ini').write_text(f'[Sequence]\nframeRate=10\nseqLength={length}\n')
    result, path = tuned('--validate', other)
    assert result.exit_code == 130
    assert 'birth_score' in yaml.safe_load(path.read_text())


def test_interrupt_before_a_result_writes_nothing(tuned, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuning, 'replay', interrupted)
    result, path = tuned()
    assert result.exit_code == 130
    assert not path.exists()
    assert 'nothing is written' in result.stderr


def test_model_runs_once_until_the_sequence_changes(model, tmp_path):
    folder = write_sequence(tmp_path / 'walk', images=True)
    arguments = (folder, '-o', tmp_path / 'my.yaml', '--trials', 1, '--cache', tmp_path / 'cache')
    assert tune(*arguments).exit_code == 0
    assert len(model) == FRAMES
    assert tune(*arguments, '--fields', 'recall_probability').exit_code == 0
    assert len(model) == FRAMES
    cv2.imwrite(str(folder / 'img1' / '000001.png'), np.ones((64, 96, 3), np.uint8))
    result = tune(*arguments)
    assert 'earlier state' in result.stderr
    assert len(model) == 2 * FRAMES
    (file,) = (tmp_path / 'cache').iterdir()
    file.write_bytes(b'damaged')
    result = tune(*arguments)
    assert 'is damaged' in result.stderr
    assert len(model) == 3 * FRAMES


@pytest.mark.parametrize(('arguments', 'problem'), [
    (['{walk}'], '--detections det/det.txt'),
    (['{walk}', '--detections', 'det/none.txt'], 'none.txt'),
    (['{walk}', '--detections', 'det/det.txt', '--fields', 'birth_scor'], "'birth_score'"),
    (['{walk}', '--detections', 'det/det.txt', '--metric', 'IDF2'], '--metric'),
    (['{walk}', '--detections', 'det/det.txt', '--validate', '{walk}'], 'twice'),
    (['{walk}', '--detections', 'det/det.txt', '--score-range', '7'], '--score-range'),
    (['{walk}', '--no-embeddings'], '--detections'),
    (['{walk}/gt'], 'no ground truth'),
    (['{walk}', '--detections', 'det/det.txt', '--preset', 'mott'], 'mott'),
])
def test_user_errors_are_one_message(sequence, tmp_path, arguments, problem):
    given = [argument.format(walk=sequence) for argument in arguments]
    assert_user_error(tune(*given, '-o', tmp_path / 'my.yaml'), problem)
    assert not (tmp_path / 'my.yaml').exists()


def test_detections_beyond_the_sequence_are_refused(sequence, tmp_path):
    with (sequence / 'det' / 'det.txt').open('a') as file:
        file.write('99,-1,5,5,5,5,0.5\n')
    result = tune(sequence, '-o', tmp_path / 'my.yaml', '--detections', 'det/det.txt')
    assert_user_error(result, 'up to frame 99')


def test_unwritable_output_is_told_at_once(sequence, tmp_path):
    (tmp_path / 'file').write_text('')
    result = tune(sequence, '-o', tmp_path / 'file' / 'my.yaml', '--detections', 'det/det.txt')
    assert_user_error(result, 'cannot be written')


def test_missing_optuna_is_explained(sequence, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'optuna', None)
    result = tune(sequence, '-o', tmp_path / 'my.yaml', '--detections', 'det/det.txt')
    assert_user_error(result, "pip install '.[tune]'")


def test_own_sequences_of_a_user(shared_data, tmp_path):
    folder = shared_data / 'association' / 'dancetrack_val' / 'dancetrack0026'
    result = tune(folder, '-o', tmp_path / 'my.yaml', '--detections', 'det/det.txt', '--preset',
                  'dance', '--trials', 1, '--fields', 'birth_score')
    assert result.exit_code == 0, result.output
    assert 'dancetrack0026' in Path(tmp_path / 'my.yaml').read_text()


def assert_user_error(result, problem):
    assert result.exit_code == 2, result.output
    message = result.stderr.splitlines()[-1]
    assert message.startswith('Error: ')
    assert problem in message
