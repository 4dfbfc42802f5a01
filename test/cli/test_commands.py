# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from finetrack_ros import __version__, inference
from finetrack_ros.cli import app
from finetrack_ros.evaluation import model_report


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


def test_eval_model_shows_what_was_measured(monkeypatch, tmp_path):
    row = {'rank1': 71.0, 'rank5': 85.5, 'rank10': 90.0, 'map': 48.25, 'queries': 9}
    report = {'detection': {'TUD-Campus': 81.5}, 'reid': {'nano': row}}

    class Runner:
        model_name, engine_name, device_name, engine_reason = 'nano', 'fake', 'cpu', 'test'

    monkeypatch.setattr(inference, 'load_model', lambda model, **options: Runner())
    monkeypatch.setattr(model_report, 'report_on', lambda runner, data, progress: report)
    result = run('eval-model', '--data', tmp_path, '--json', tmp_path / 'report.json')
    assert result.exit_code == 0, result.output
    assert all(figure in result.stdout for figure in ('81.5', '71.0', '48.2'))
    assert json.loads((tmp_path / 'report.json').read_text()) == report


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
