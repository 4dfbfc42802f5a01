# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from finetrack_ros import __version__, inference
from finetrack_ros.cli import app
from finetrack_ros.evaluation import model_report
from finetrack_ros.evaluation.detection import PrecisionRecall
from finetrack_ros.evaluation.reid import ReidScores, Retrieval


@pytest.fixture
def sequence(tmp_path):
    """Return a folder of one sequence with two frames, and results that miss the second."""
    (tmp_path / 'gt' / 'street' / 'gt').mkdir(parents=True)
    (tmp_path / 'gt' / 'street' / 'gt' / 'gt.txt').write_text(
        '1,1,10,10,20,40,1,1,1\n2,1,10,10,20,40,1,1,1\n')
    (tmp_path / 'street.txt').write_text('1,1,10,10,20,40,1,-1,-1,-1\n')
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_eval_prints_a_table_and_writes_json(sequence):
    result = run('eval', '--gt', sequence / 'gt', '--results', sequence, '--json',
                 sequence / 'out' / 'scores.json')
    assert result.exit_code == 0, result.output
    assert 'street' in result.stdout
    assert 'COMBINED' in result.stdout
    content = json.loads((sequence / 'out' / 'scores.json').read_text())
    assert content['frames'] == 'all'
    assert content['scores']['street']['MOTA'] == pytest.approx(50)
    assert content['scores']['COMBINED']['FN'] == 1


def test_long_sequence_names_are_shown_whole(sequence):
    name = 'dancetrack0004'
    (sequence / 'gt' / 'street').rename(sequence / 'gt' / name)
    (sequence / 'street.txt').rename(sequence / f'{name}.txt')
    result = run('eval', '--gt', sequence / 'gt', '--results', sequence)
    assert name in result.stdout


def test_eval_of_a_part(sequence):
    result = run('eval', '--gt', sequence / 'gt' / 'street', '--results', sequence / 'street.txt',
                 '--frames', 'first-half', '--json', sequence / 'scores.json')
    assert result.exit_code == 0, result.output
    assert json.loads((sequence / 'scores.json').read_text())['scores']['street']['HOTA'] == 100


def test_eval_without_results_names_the_file(sequence):
    (sequence / 'street.txt').unlink()
    result = run('eval', '--gt', sequence / 'gt', '--results', sequence)
    assert result.exit_code == 2
    assert result.stderr.startswith('Error: ')
    assert 'street.txt' in result.stderr


@pytest.fixture
def measured(monkeypatch):
    """Return what the model was measured with; the figures are fixed."""
    curves = [PrecisionRecall(np.ones(1), np.ones(1), area) for area in (0.815, 0.25)]
    found = Retrieval(ReidScores((0.71,) * 20, 0.4825, 9), np.ones(3), np.zeros(3))
    report = model_report.ModelReport(
        'nano', 'fake', 'cpu', {'TUD-Campus': {'nano, auto': curves}},
        {'Market-1501': {'nano, auto': found}, 'TUD-Campus': {'peer': found}})
    asked = {}

    def report_on(runners, data, yolox, teachers, only, sets, progress):
        asked.update(sizes=list(runners), yolox=yolox, teachers=teachers, only=only, sets=sets)
        return report

    class Runner:
        model_name, engine_name, device_name, engine_reason = 'nano', 'fake', 'cpu', 'test'

    def load_model(model, **options):
        asked.setdefault('loaded', []).append(options.get('input_size'))
        return Runner()

    monkeypatch.setattr(inference, 'load_model', load_model)
    monkeypatch.setattr(model_report, 'report_on', report_on)
    return asked


def test_eval_model_shows_what_was_measured(measured, tmp_path):
    result = run('eval-model', '--data', tmp_path, '--json', tmp_path / 'report.json',
                 '--report', tmp_path / 'model.html')
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ['nano,', 'auto', '81.5', '25.0'] in lines
    assert ['peer', '71.0', '71.0', '71.0', '48.2'] in lines
    figures = json.loads((tmp_path / 'report.json').read_text())
    assert figures['detection']['TUD-Campus']['nano, auto'] == {'ap50': 81.5, 'ap75': 25}
    assert figures['reid']['Market-1501']['nano, auto']['map'] == 48.25
    assert '81.5' in (tmp_path / 'model.html').read_text()
    assert measured == {'sizes': ['auto'], 'yolox': None, 'teachers': False, 'only': None,
                        'sets': [], 'loaded': [None]}


def test_eval_model_takes_several_sizes_and_sets(measured, tmp_path):
    result = run('eval-model', '--data', tmp_path, '--input-size', 'auto', '--input-size', '416',
                 '--input-size', '384x640', '--set', 'TUD', '--only', 'detection', '--teachers',
                 '--yolox', 'yolox.onnx')
    assert result.exit_code == 0, result.output
    assert measured == {
        'sizes': ['auto', '416', '384x640'], 'yolox': Path('yolox.onnx'), 'teachers': True,
        'only': 'detection', 'sets': ['TUD'], 'loaded': [None, 416, (384, 640)]}


@pytest.mark.parametrize('wrong', [
    ('--only', 'speed'), ('--set', 'Atlantis'), ('--input-size', 'large')])
def test_eval_model_names_a_wrong_choice(measured, tmp_path, wrong):
    result = run('eval-model', '--data', tmp_path, *wrong)
    assert result.exit_code == 2
    assert result.stderr.startswith('Error: ')
    assert wrong[1] in result.stderr
    assert 'sizes' not in measured, 'nothing was measured'


def test_version_and_help():
    assert run('--version').stdout.strip() == f'finetrack {__version__}'
    assert all(name in run('--help').stdout for name in ('track', 'eval', 'eval-model'))


def test_module_runs_and_loads_nothing_heavy_for_help():
    """Help answers at once because models, metrics and OpenCV are imported by the commands."""
    code = ('import sys, finetrack_ros.cli; '
            'print([name for name in ("cv2", "torch", "trackeval", "onnxruntime", "numpy") '
            'if name in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          timeout=60, check=True)
    assert done.stdout.strip() == '[]'
    done = subprocess.run([sys.executable, '-m', 'finetrack_ros.cli', '--help'],
                          capture_output=True, text=True, timeout=60, check=True)
    assert 'Usage: finetrack' in done.stdout
