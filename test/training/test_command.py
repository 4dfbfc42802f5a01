# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""`finetrack train` hands its options on, and says what is wrong with them."""

import pytest
from typer.testing import CliRunner

pytest.importorskip('torch', reason='needs the extra "train"')
pytest.importorskip('lightning', reason='needs the extra "train"')

from finetrack_ros.cli import app  # noqa: E402
from finetrack_ros.training import fit as fit_module  # noqa: E402
from finetrack_ros.training.fit import Hardware  # noqa: E402

RECIPE = 'name: mine\nweights: none.pth\nframes: [{format: mot, path: street}]\n'


@pytest.fixture
def train(tmp_path):
    """Return what runs the command with a recipe and more options."""
    (tmp_path / 'recipe.yaml').write_text(RECIPE)

    def run(*options, recipe='recipe.yaml', data='.'):
        return CliRunner().invoke(app, [
            'train', str(tmp_path / recipe), '--data', str(tmp_path / data), '--output',
            str(tmp_path / 'run'), *options])
    return run


def test_options_reach_the_training(train, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(fit_module, 'fit', lambda *values: calls.append(values) or tmp_path / 'm')
    result = train('--set', 'train.steps=7', '--set', 'name=other', '--freeze-detector',
                   '--resume', '--cache', str(tmp_path / 'cache'), '--device', 'cpu',
                   '--devices', '2', '--nodes', '3', '--strategy', 'ddp')
    assert result.exit_code == 0, result.output
    assert f'written {tmp_path / "m"}' in result.output
    recipe, data, folder, hardware, resume, cache, _ = calls[0]
    assert (recipe.name, recipe.train.steps, recipe.train.detector) == ('other', 7, False)
    assert (data, folder) == (tmp_path, tmp_path / 'run')
    assert hardware == Hardware('cpu', 2, 3, 'ddp')
    assert resume and cache == tmp_path / 'cache'
    train('--device', 'cpu')
    assert calls[1][3] == Hardware('cpu', 1), 'threads, not processes, use the cores'
    train()
    assert calls[2][3] == Hardware()
    assert calls[2][0].train.detector


@pytest.mark.parametrize(('options', 'problem'), [
    ({'options': ['--device', 'tpu']}, "--device 'tpu' is unknown"),
    ({'options': ['--devices', '0']}, "--devices '0'"),
    ({'options': ['--devices', 'all']}, "--devices 'all'"),
    ({'options': ['--set', 'train.stepps=1']}, "no key 'stepps'"),
    ({'options': ['--resume']}, 'without --resume'),
    ({'recipe': 'none.yaml'}, 'none.yaml: cannot be read'),
    ({'data': 'nowhere'}, 'no such data folder'),
    ({}, 'none.pth: no such file'),
])
def test_mistakes_are_one_message(train, options, problem):
    more = options.pop('options', [])
    result = train(*more, **options)
    assert result.exit_code == 2
    assert problem in result.output
    assert 'Traceback' not in result.output
