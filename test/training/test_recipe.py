# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes: what their text may say, and what a slip is answered with."""

from dataclasses import fields
import re

import pytest
import yaml

from finetrack_ros.errors import ConfigError
from finetrack_ros.training.augment import AugmentConfig
from finetrack_ros.training.compose import ComposeConfig
from finetrack_ros.training.config import DataConfig, LossWeights, TrainConfig
from finetrack_ros.training.pseudo_labels import PseudoLabeller
from finetrack_ros.training.recipe import CropSet, FrameSet, load_recipe, locate, Recipe

TEXT = """\
name: mine
weights: yolox.pth
frames:
  - {format: mot, path: street, frames: first-half}
"""
SECTIONS = {'': Recipe, 'frames': FrameSet, 'crops': CropSet, 'labellers': PseudoLabeller,
            'data': DataConfig, 'augment': AugmentConfig, 'compose': ComposeConfig,
            'train': TrainConfig, 'train.loss': LossWeights}


@pytest.fixture
def load(tmp_path):
    """Return what loads a recipe of TEXT and more lines, with changes."""
    def load(more='', *changes):
        path = tmp_path / 'mine.yaml'
        path.write_text(TEXT + more)
        return load_recipe(path, changes)
    return load


def test_defaults_and_options_of_the_reader(load):
    recipe = load()
    assert recipe.frames == (FrameSet('mot', 'street', options={'frames': 'first-half'}),)
    assert recipe.data == DataConfig()
    assert recipe.train == TrainConfig()
    assert recipe.as_dict()['train']['loss']['iou'] == LossWeights().iou


def test_values_may_be_written_plainly(load):
    recipe = load('train: {learning_rate: 1e-3, weight_decay: 0, detector_sizes: [320, 416]}\n'
                  'compose: {height: [20, 90.5]}\naugment: {blur: 1}\n')
    assert recipe.train.learning_rate == 0.001
    assert recipe.train.weight_decay == 0.0
    assert recipe.train.detector_sizes == (320, 416)
    assert recipe.compose.height == (20.0, 90.5)
    assert recipe.augment.blur == 1.0


def test_changes_replace_values(load):
    recipe = load('train: {steps: 5}\n', 'train.steps=7', 'train.loss.iou=2', 'teachers=[a.xml]',
                  'name=other=name', 'data.seed= 3', 'train.loss={iou: 1, hold: 0}')
    assert (recipe.train.steps, recipe.data.seed, recipe.name) == (7, 3, 'other=name')
    assert recipe.teachers == ('a.xml',)
    assert (recipe.train.loss.iou, recipe.train.loss.hold) == (1.0, 0.0)


@pytest.mark.parametrize(('more', 'problem'), [
    ('wieghts: x\n', r"mine\.yaml: there is no key 'wieghts'; the keys are name, weights"),
    ('train: {step: 5}\n', r"train: there is no key 'step'"),
    ('train: {steps: five}\n', r"train: steps is 'five'; give a whole number"),
    ('train: {steps: 5.5}\n', 'give a whole number'),
    ('train: {steps: true}\n', 'give a whole number'),
    ('train: {learning_rate: fast}\n', "learning_rate is 'fast'; give a number"),
    ('train: {learning_rate: .nan}\n', 'give a number'),
    ('train: {learning_rate: -1}\n', 'learning_rate = -1.0: must be at least 0'),
    ('train: {detector: 1}\n', 'detector is 1; give true or false'),
    ('train: {detector: false, appearance: false}\n', 'nothing would be trained'),
    ('train: {detector_sizes: 320}\n', 'detector_sizes is 320; give a list'),
    ('train: {detector_sizes: [320, 100]}\n', 'multiples of 32'),
    ('train: {frozen: [stemm]}\n', "no stage 'stemm'; choose of stem, dark2"),
    ('train: {precision: bf17}\n', "precision = 'bf17': choose one of 32-true"),
    ('train: {loss: {iou: -1}}\n', 'iou = -1.0: must be at least 0'),
    ('train: {keep: 1}\n', r'keep = 1\.0: must be in 0\.\.1, less than 1'),
    ('train: 5\n', 'train: is 5; give keys and values'),
    ('data: {sampler: best}\n', 'choose one of shuffle_group'),
    ('data: {input_size: 100}\n', 'multiple of 32'),
    ('data: {group_size: 0}\n', 'group_size = 0'),
    ('data: {wrong_box: 0.5}\n', 'wrong_box = 0.5'),
    ('data: {crops: 7}\n', 'crops = 7: must be 0, or at least 8'),
    ('data: {crops: -8}\n', 'crops = -8'),
    ('compose: {height: [20]}\n', 'give two values'),
    ('compose: {people: [5, 3]}\n', 'people'),
    ('compose: {erase: 2}\n', r'erase = 2\.0: must be in 0\.\.1'),
    ('augment: {scale: [0, 1]}\n', 'scale'),
    ('augment: {dim: -0.1}\n', 'dim'),
    ('crops: [{leave_out: 5}]\n', r'crops\[0\]: lacks 1 key'),
    ('crops: [{path: a, leave_out: -1}]\n', 'leave_out = -1'),
    ('labellers: [{path: a, sure: 50}]\n', 'sure'),
    ('restyled: -1\n', 'restyled = -1'),
    ('teachers: [5]\n', r'teachers\[0\] is 5; give a text'),
    ('model: none\n', "model is 'none'; give keys and values"),
])
def test_slips_are_named(load, more, problem):
    with pytest.raises(ConfigError, match=problem):
        load(more)


@pytest.mark.parametrize(('text', 'problem'), [
    ('', 'holds no keys'), ('- a\n- b\n', 'holds no keys'), ('a: [1', 'cannot be read'),
    ('name: 5\nweights: a\nframes: []\n', 'name is 5; give a text, in quotes'),
    ('name: a\nframes: []\n', "lacks 1 key: 'weights'"),
    ('name: a\nweights: b\nframes: [{format: mot}]\n', r"frames\[0\]: lacks 1 key: 'path'"),
    ('name: a\nweights: b\nframes: [{format: mot, path: c, repeat: 0}]\n', 'repeat = 0'),
    ('name: a\nweights: b\nframes: [text]\n', r"frames\[0\]: is 'text'"),
])
def test_text_that_is_no_recipe(tmp_path, text, problem):
    path = tmp_path / 'mine.yaml'
    path.write_text(text)
    with pytest.raises(ConfigError, match=problem):
        load_recipe(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r'none\.yaml: cannot be read as a recipe'):
        load_recipe(tmp_path / 'none.yaml')


@pytest.mark.parametrize(('change', 'problem'), [
    ('train.steps', 'write KEY=VALUE'), ('=5', 'write KEY=VALUE'), ('train.=5', 'write KEY=VALUE'),
    ('name.first=5', 'name holds no keys'), ('frames.0.path=x', 'frames holds no keys'),
    ('train.steps=[1', 'is no YAML'), ('train.steps=', 'steps is None'),
    ('trian.steps=5', "no key 'trian'"),
])
def test_bad_changes_are_named(load, change, problem):
    with pytest.raises(ConfigError, match=re.escape(problem)):
        load('', change)


def test_options_are_the_readers_own(load):
    assert load('', 'frames=[{format: mot, path: a, options: {frames: 1}}]').frames[0].options == {
        'options': {'frames': 1}}, 'the reader refuses it; it is not silently dropped'


def test_paths_lead_into_the_data_folder_or_where_they_stand(tmp_path, monkeypatch):
    (tmp_path / 'data' / 'in').mkdir(parents=True)
    (tmp_path / 'out').mkdir()
    (tmp_path / 'in').mkdir()
    monkeypatch.chdir(tmp_path)
    root = tmp_path / 'data'
    assert locate(root, 'in') == root / 'in'
    assert locate(root, 'out').resolve() == tmp_path / 'out'
    assert locate(root, str(tmp_path / 'out')) == tmp_path / 'out'
    assert locate(root, 'nowhere') == root / 'nowhere'


def test_our_recipes_load(repository):
    paths = sorted((repository / 'config' / 'train').glob('*.yaml'))
    assert paths
    names = [load_recipe(path).name for path in paths]
    assert len(set(names)) == len(names)


def test_manual_has_every_key(repository):
    """docs/training.md has one row for each field of each section, with its default."""
    manual = (repository / 'docs' / 'training.md').read_text().partition('## All keys')[2]
    rows = re.findall(r'^\| `([\w.]+)` \| (.*?) \|', manual, re.MULTILINE)
    written = {key: default.strip('`') for key, default in rows}
    wanted = {}
    for section, kind in SECTIONS.items():
        for field in fields(kind):
            if field.name in ('options', 'loss') or (not section and field.name in SECTIONS):
                continue
            default = getattr(kind, field.name, None)
            key = f'{section}.{field.name}'.strip('.')
            wanted[key] = default
    assert written.keys() == wanted.keys()
    for key, default in wanted.items():
        if written[key] not in ('', 'none'):
            found = yaml.safe_load(written[key])
            assert (tuple(found) if isinstance(found, list) else found) == default, key
