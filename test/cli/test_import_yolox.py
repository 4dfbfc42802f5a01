# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack import-yolox`` and what ``finetrack export`` makes of its checkpoint."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip('torch', reason='needs the extra "train"')

from finetrack_ros.cli import app  # noqa: E402
from finetrack_ros.inference import load_model  # noqa: E402
from finetrack_ros.models import YOLOX  # noqa: E402
from finetrack_ros.models.checkpoint import load_checkpoint  # noqa: E402


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Return a checkpoint of two classes."""
    path = tmp_path / 'best.pth'
    torch.save({'model': YOLOX('nano', 2).state_dict()}, path)
    return path


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_import_and_export(weights: Path, tmp_path: Path) -> None:
    """The checkpoint has the names of a file, and becomes a model that says what it is."""
    names = tmp_path / 'names.txt'
    names.write_text('person\ntraffic light\n\n')
    done = run('import-yolox', weights, '-o', tmp_path / 'mine', '--class-names', names)
    assert done.exit_code == 0, done.output
    assert 'YOLOX-nano, 2 classes' in done.stdout
    path = tmp_path / 'mine' / 'model.pt'
    assert load_checkpoint(path).config.class_names == ('person', 'traffic light')
    done = run('export', path, '-o', tmp_path / 'mine', '--name', 'mine', '--input-size', 320,
               '--upscale', 1.25)
    assert done.exit_code == 0, done.output
    info = load_model(tmp_path / 'mine').info
    assert (info.name, info.class_names) == ('mine', ('person', 'traffic light'))
    assert info.embedding_classes == ('person',)
    assert (info.input_rule.most, info.input_rule.upscale) == (320, 1.25)


def test_names_may_be_a_list(weights: Path, tmp_path: Path) -> None:
    """Names divided by commas are the names."""
    done = run('import-yolox', weights, '-o', tmp_path, '--class-names', 'car, dog')
    assert done.exit_code == 0, done.output
    assert load_checkpoint(tmp_path / 'model.pt').config.class_names == ('car', 'dog')


@pytest.mark.parametrize(('options', 'message'), [
    ([], '--class-names'), (['--class-names', 'names.txt'], "'names.txt' does not exist"),
    (['--size', 'huge', '--class-names', 'car,dog'], "--size 'huge'")])
def test_mistakes_are_said(weights: Path, tmp_path: Path, options: list[str],
                           message: str) -> None:
    """A user's mistake is one line, and nothing is written."""
    done = run('import-yolox', weights, '-o', tmp_path / 'mine', *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / 'mine').exists()


def test_a_trained_checkpoint_is_not_overwritten(weights: Path, tmp_path: Path) -> None:
    """What may have taken hours to train stays."""
    (tmp_path / 'model.pt').write_text('trained')
    done = run('import-yolox', weights, '-o', tmp_path, '--class-names', 'car,dog')
    assert done.exit_code == 2
    assert (tmp_path / 'model.pt').read_text() == 'trained'
