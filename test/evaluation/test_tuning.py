# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import dataclasses
from importlib.util import find_spec

import pytest

from finetrack_ros.errors import ConfigError
from finetrack_ros.evaluation.mot import evaluate
from finetrack_ros.evaluation.tuning import (
    APPEARANCE_RANGES,
    choose_fields,
    MOTION_RANGES,
    Scorer,
    search,
    search_range,
    simplify,
    Trial,
)
from finetrack_ros.evaluation.tuning_data import Observer
from finetrack_ros.io import MotWriter, read_detections
from finetrack_ros.tracking import Tracker, TrackerConfig

FIELDS = {field.name: field for field in dataclasses.fields(TrackerConfig)}
SHY = TrackerConfig(birth_score=0.9)
needs_optuna = pytest.mark.skipif(find_spec('optuna') is None, reason='needs the extra "tune"')


@pytest.fixture
def subjects(write_walk):
    """Return two sequences in which no track is born unless birth_score is below its default."""
    observer = Observer(cache=None, model='', input_size=None, load=None, watch=None,
                        detections='det/det.txt', score_range=None, embeddings=True)
    return [*observer.read(write_walk('short', 12)), *observer.read(write_walk('long', 24))]


def test_scores_are_those_of_the_command(subjects, tmp_path):
    config = TrackerConfig(birth_score=0.5)
    for subject in subjects:
        found = read_detections(subject.sequence.folder / 'det' / 'det.txt')
        tracker = Tracker(config)
        with MotWriter(tmp_path / 'results' / f'{subject.sequence.name}.txt') as writer:
            for frame in range(1, subject.sequence.length + 1):
                writer.write(frame, tracker.update(found.of_frame(frame), frame / 10))
    expected = evaluate(tmp_path, tmp_path / 'results')
    scored = Scorer(subjects, 'IDF1')(config)
    assert scored.scores == {name: expected[name]['IDF1'] for name in ('short', 'long')}
    assert scored.mean == (scored.scores['short'] + scored.scores['long']) / 2


def test_several_processes_score_alike(subjects):
    with Scorer(subjects, 'HOTA') as alone, Scorer(subjects, 'HOTA', jobs=4) as together:
        assert together(TrackerConfig()) == alone(TrackerConfig())


@needs_optuna
def test_search_finds_what_is_wrong(subjects):
    score = Scorer(subjects, 'HOTA')
    start = score(SHY)
    assert start.mean == 0
    found = list(search(score, start, ['birth_score', 'lost_seconds'], 8, seed=0))
    assert len(found) == 8
    best = max(found, key=lambda trial: trial.mean)
    assert best.mean > 80
    assert best.config.birth_score <= 0.8
    for trial in found:
        changed = {name for name in FIELDS
                   if getattr(trial.config, name) != getattr(SHY, name)}
        assert changed <= {'birth_score', 'lost_seconds'}
        assert float(f'{trial.config.lost_seconds:.3g}') == trial.config.lost_seconds


@needs_optuna
def test_same_seed_gives_the_same_search(subjects):
    score = Scorer(subjects[:1], 'MOTA')

    def run(seed):
        return [trial.config for trial in
                search(score, score(SHY), list(MOTION_RANGES), 4, seed)]

    assert run(3) == run(3)
    assert run(3) != run(4)


@needs_optuna
def test_weak_detections_never_begin_above_the_strong_ones():
    class Level:
        def __call__(self, config):
            return Trial(config, {'any': 1.0})

    start = Trial(TrackerConfig(low_score=0.5, high_score=0.5), {'any': 1.0})
    found = list(search(Level(), start, ['low_score', 'high_score'], 40, 0))
    assert all(trial.config.low_score <= trial.config.high_score for trial in found)
    assert any(trial.config.low_score == trial.config.high_score for trial in found)


def test_changes_that_gain_nothing_are_put_back(subjects):
    score = Scorer(subjects, 'HOTA')
    best = score(TrackerConfig(birth_score=0.5, lost_seconds=3.0, memory_seconds=4.0))
    simpler = list(simplify(score, best, score(SHY)))[-1]
    assert simpler.mean >= best.mean
    assert simpler.config.memory_seconds == SHY.memory_seconds
    assert simpler.config.birth_score == 0.5


def test_small_gains_are_given_up_but_never_below_the_start():
    origin = TrackerConfig()

    class Sum:
        """Scorer to which one field's change is worth 0.3 points and two others' 0.1 each."""

        def __call__(self, config):
            worth = {'high_score': 0.3, 'low_penalty': 0.1, 'birth_overlap': 0.1}
            return Trial(config, {'any': 50 + sum(
                points for name, points in worth.items()
                if getattr(config, name) != getattr(origin, name))})

    def means(start, **changes):
        best = Sum()(dataclasses.replace(origin, **changes))
        return [trial.mean for trial in simplify(Sum(), best, Trial(origin, {'any': start}))]

    small = {'low_penalty': 0.61, 'birth_overlap': 0.22}
    assert means(50, high_score=0.71, **small) == pytest.approx([50.4, 50.3])
    assert means(50.05, **small) == pytest.approx([50.1])


@pytest.mark.parametrize('name', [
    name for name, field in FIELDS.items() if 'choices' not in field.metadata])
def test_ranges_lie_within_what_is_allowed(name):
    field = FIELDS[name]
    for start in (field.metadata['minimum'], field.default, field.metadata['maximum']):
        low, high, log = search_range(name, start)
        assert field.metadata['minimum'] <= low <= start <= high <= field.metadata['maximum']
        assert low < high
        assert not log or low > 0


def test_fields_follow_from_the_observations(subjects):
    assert choose_fields(None, subjects) == list(MOTION_RANGES)
    assert choose_fields(['class_policy', 'high_score', 'class_policy'], subjects) == [
        'class_policy', 'high_score']
    assert {*MOTION_RANGES, *APPEARANCE_RANGES} <= set(FIELDS)


@pytest.mark.parametrize(('name', 'problem'), [
    ('high_scor', "did you mean 'high_score'"), ('xyz', 'choose from high_score'),
    ('frame_rate', 'cannot be searched'), ('recall_probability', 'no embeddings'),
    ('camera_motion', 'never moves')])
def test_fields_that_cannot_be_searched_are_refused(subjects, name, problem):
    with pytest.raises(ConfigError, match=problem):
        choose_fields([name], subjects)
