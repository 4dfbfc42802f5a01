# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.evaluation import model_report
from finetrack_ros.evaluation.detection_sets import DetectionSet
from finetrack_ros.evaluation.model_report import (
    choose_sets,
    person_detector,
    report_on,
)
from finetrack_ros.evaluation.reid_sets import ReidSet
from finetrack_ros.protocols import DetectionOptions


def colours(images, boxes):
    return [np.array([images[0][top:bottom, left:right].mean(axis=(0, 1)) / 255 for
                      left, top, right, bottom in boxes[0].astype(int)], np.float32)]


def painted(images, options):
    """Find the two painted people, and a car where the first is."""
    rows = [np.flatnonzero((images[0] == colour).all(axis=2).any(axis=axis))[[0, -1]]
            for colour in ((200, 40, 40), (40, 40, 200)) for axis in (0, 1)]
    boxes = np.array([[rows[i][0], rows[i + 1][0], rows[i][1] + 1, rows[i + 1][1] + 1]
                      for i in (0, 2, 0)], np.float32)
    return [Detections(boxes, np.array([0.9, 0.8, 0.99]), np.array([0, 0, 1]))]


@pytest.fixture
def runner():
    return SimpleNamespace(model_name='painter', engine_name='fake', device_name='cpu',
                           class_names=['person', 'car'], infer=painted, embed=colours,
                           options=DetectionOptions())


@pytest.fixture
def data(painted_walk, monkeypatch):
    """Return a data folder of one sequence, in place of all sets."""
    walk = painted_walk.name
    monkeypatch.setattr(model_report, 'DETECTION_SETS', sets := {
        'walk': DetectionSet('mot', walk, {'frames': '1:4'})})
    monkeypatch.setattr('finetrack_ros.evaluation.detection_sets.DETECTION_SETS', sets)
    monkeypatch.setattr(model_report, 'REID_SETS', {'walk': ReidSet(walk, None, 5)})
    monkeypatch.setattr(model_report, 'OsnetEmbedder', lambda path: model_report.colour_histogram)
    return painted_walk.parent


def test_perfect_model_has_full_marks(runner, data):
    steps = []
    report = report_on({'416': runner, 'auto': runner}, data, sets=['walk'],
                       progress=steps.append)
    figures = report.as_dict()
    assert figures['detection'] == {'walk': {
        'painter, 416': {'ap50': 100, 'ap75': 100}, 'painter, auto': {'ap50': 100, 'ap75': 100}}}
    rows = figures['reid']['walk']
    assert list(rows) == ['painter, 416', 'painter, 416, from the scene', 'painter, auto',
                          'painter, auto, from the scene', 'OSNet x0.25', 'colour histogram']
    assert rows['painter, 416'] == {'rank1': 100, 'rank5': 100, 'rank10': 100, 'map': 100,
                                    'queries': 24}
    assert 'painter, auto on walk: 4/4' in steps
    assert 'OSNet x0.25 on walk' in steps


def test_one_part_alone(runner, data):
    assert report_on({'auto': runner}, data, only='detection').reid == {}
    assert report_on({'auto': runner}, data, only='reid', sets=['walk']).detection == {}


def test_sets_are_chosen_by_their_beginning():
    assert choose_sets(None, ['robot']) == (['robot_indoor val'], [])
    assert choose_sets(None, ['mot16', 'Market']) == (
        ['MOT16-09 (second half)'], ['MOT16-09 (second half)', 'Market-1501 (last 100 ids)'])
    assert choose_sets('detection', ['TUD']) == (['TUD-Campus'], [])
    everything = choose_sets(None, [])
    assert [len(part) for part in everything] == [6, 5]


@pytest.mark.parametrize(('only', 'wanted', 'named'), [
    ('speed', [], 'speed'), (None, ['Atlantis'], 'Atlantis'), ('reid', ['robot'], 'robot')])
def test_wrong_choices_are_named(only, wanted, named):
    with pytest.raises(ConfigError, match=named):
        choose_sets(only, wanted)


def test_model_without_people_cannot_be_measured(runner):
    runner.class_names = ['car']
    with pytest.raises(ModelError, match='person'):
        person_detector(runner)
