# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Search the tracker's parameters for those that score best on given sequences."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
import dataclasses
from dataclasses import dataclass
import difflib
import itertools
import multiprocessing
import random
import signal
import statistics
from types import TracebackType
from typing import Any

from finetrack_ros.errors import ConfigError
from finetrack_ros.evaluation.ground_truth import Sequence as TruthSequence
from finetrack_ros.evaluation.mot import score_tracks
from finetrack_ros.evaluation.observations import Observations, replay
from finetrack_ros.tracking import TrackerConfig

METRICS = ('HOTA', 'IDF1', 'MOTA')

MOTION_RANGES: dict[str, tuple[float, float]] = {
    'high_score': (0.2, 0.8), 'low_score': (0.1, 0.5), 'low_penalty': (0.0, 0.6),
    'birth_score': (0.3, 0.9), 'birth_overlap': (0.2, 0.9), 'match_similarity': (0.02, 0.5),
    'measurement_noise': (0.01, 0.2), 'position_noise': (0.05, 1.5), 'velocity_noise': (0.1, 5.0),
    'confirm_hits': (1, 5), 'lost_seconds': (0.2, 5.0)}
APPEARANCE_RANGES: dict[str, tuple[float, float]] = {
    'appearance_weight': (0.02, 1.0), 'memory_seconds': (0.0, 60.0),
    'recall_probability': (0.5, 0.99)}
_RANGES = MOTION_RANGES | APPEARANCE_RANGES
# Without embeddings these do nothing.
_APPEARANCE_FIELDS = {*APPEARANCE_RANGES, 'embedding_momentum', 'scene_window'}
# What the stamps of a sequence decide.
_NOT_SEARCHED = {'frame_rate', 'on_jump_back'}
_WIDE = 10
MOST_VARIED = 3
WORTH = 0.2
"""Points of the metric that a change of one field must gain to stay."""


@dataclass(frozen=True)
class Subject:
    """
    A sequence to tune or validate on.

    :ivar sequence: its name and ground truth.
    :ivar observations: what the tracker takes in.
    """

    sequence: TruthSequence
    observations: Observations


@dataclass(frozen=True)
class Trial:
    """
    One configuration that was scored.

    :ivar scores: the metric in percent, by name of the sequence.
    """

    config: TrackerConfig
    scores: dict[str, float]

    @property
    def mean(self) -> float:
        """Return the mean over the sequences, in percent."""
        return statistics.fmean(self.scores.values())


class Scorer:
    """
    Score configurations on sequences; a context manager.

    :param subjects: at least one, of different names.
    :param metric: HOTA, IDF1 or MOTA.
    :param jobs: processes that share the sequences.
    """

    def __init__(self, subjects: Sequence[Subject], metric: str, jobs: int = 1) -> None:
        self._names = [subject.sequence.name for subject in subjects]
        self._subjects, self._metric = subjects, metric
        self._pool: ProcessPoolExecutor | None = None
        if min(jobs, len(subjects)) > 1:
            # Forked copies of a process with an inference library's threads may hang.
            self._pool = ProcessPoolExecutor(
                min(jobs, len(subjects)), multiprocessing.get_context('spawn'), _start_worker,
                (subjects, metric))

    def __call__(self, config: TrackerConfig) -> Trial:
        """Track and score every sequence."""
        if self._pool is None:
            scores = [_score(subject, config, self._metric) for subject in self._subjects]
        else:
            indices = range(len(self._subjects))
            scores = list(self._pool.map(_score_in_worker, indices, itertools.repeat(config)))
        return Trial(config, dict(zip(self._names, scores, strict=True)))

    def __enter__(self) -> Scorer:
        """Return the scorer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _score(subject: Subject, config: TrackerConfig, metric: str) -> float:
    tracks = replay(subject.observations, config)
    return score_tracks([subject.sequence], [tracks])[subject.sequence.name][metric]


_work: tuple[Sequence[Subject], str] = ((), '')
"""What a worker process scores on."""


def _start_worker(subjects: Sequence[Subject], metric: str) -> None:
    """Keep the sequences in a worker process, which leaves Ctrl-C to its parent."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work = subjects, metric


def _score_in_worker(index: int, config: TrackerConfig) -> float:
    subjects, metric = _work
    return _score(subjects[index], config, metric)


def choose_fields(names: Collection[str] | None, subjects: Sequence[Subject]) -> list[str]:
    """
    Return the fields to search.

    :param names: what the user asks for; None takes those of ``MOTION_RANGES`` and, where a
        sequence has embeddings, of ``APPEARANCE_RANGES``.
    :raises ConfigError: where a name is unknown, or searching it cannot change anything.
    """
    embedded = any(subject.observations.has_embeddings for subject in subjects)
    if names is None:
        return list(_RANGES if embedded else MOTION_RANGES)
    known = [field.name for field in dataclasses.fields(TrackerConfig)
             if field.name not in _NOT_SEARCHED]
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            remedy = f"did you mean '{close[0]}'?" if close else f'choose from {", ".join(known)}'
            raise ConfigError(f"tracker parameter '{name}' cannot be searched: {remedy}")
        if name in _APPEARANCE_FIELDS and not embedded:
            raise ConfigError(f"searching '{name}' changes nothing: the detections have no "
                              'embeddings. Give sequences with images, or leave it out')
        if name == 'camera_motion' and not any(s.observations.has_motion for s in subjects):
            raise ConfigError("searching 'camera_motion' changes nothing: the camera never moves, "
                              'or the sequences have no images. Leave it out')
    return list(dict.fromkeys(names))


def search_range(name: str, start: Any) -> tuple[float, float, bool]:
    """
    Return lowest and highest value to try for a number, and whether to search its logarithm.

    Fields without a range of their own are searched over all they allow, or a tenth to ten times
    their default where they allow far more. The logarithm is searched where the range spans a
    factor of ten.

    :param start: value of the field that the search starts from, which the range includes.
    """
    field = TrackerConfig.__dataclass_fields__[name]
    low, high = field.metadata['minimum'], field.metadata['maximum']
    if name in _RANGES:
        low, high = _RANGES[name]
    elif high - low > _WIDE:
        default = getattr(TrackerConfig(), name)
        low, high = max(low, default / _WIDE), min(high, default * _WIDE)
    low, high = min(low, start), max(high, start)
    return low, high, low > 0 and high >= _WIDE * low


def search(score: Scorer, start: Trial, fields: Sequence[str], trials: int, seed: int
           ) -> Iterator[Trial]:
    """
    Yield configurations and their scores.

    Each trial varies one to three fields of the best configuration so far, drawn at random, to
    values that optuna's tree-structured Parzen estimator chooses: among some fifteen fields that
    start near their best, few trials that vary all at once find anything better. Values have
    three significant digits, so that what is scored is what will be written.

    :param start: the configuration to begin with, and its scores; the search knows it already.
    :param fields: those to vary; the others stay as in ``start``.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {name: _distribution(name, getattr(start.config, name)) for name in fields}
    study = optuna.create_study(
        direction='maximize', sampler=optuna.samplers.TPESampler(seed=seed))
    study.add_trial(optuna.trial.create_trial(
        params={name: getattr(start.config, name) for name in fields}, distributions=space,
        value=start.mean))
    best, draw = start, random.Random(seed)
    for _ in range(trials):
        varied = draw.sample(list(fields), min(draw.randint(1, MOST_VARIED), len(fields)))
        study.enqueue_trial({name: getattr(best.config, name) for name in fields
                             if name not in varied})
        asked = study.ask(space)
        done = score(_with_values(start.config, asked.params))
        study.tell(asked, done.mean)
        if done.mean > best.mean:
            best = done
        yield done


def simplify(score: Scorer, best: Trial, start: Trial) -> Iterator[Trial]:
    """
    Yield trials with ever fewer changes of the start, none below it.

    Each changed field is put back in turn, and stays so where that costs less than ``WORTH``:
    what gains little on the sequences tuned on loses as easily on others.
    """
    for field in dataclasses.fields(TrackerConfig):
        value = getattr(start.config, field.name)
        if getattr(best.config, field.name) == value:
            continue
        values = {**dataclasses.asdict(best.config), field.name: value}
        if values['low_score'] > values['high_score']:
            continue
        simpler = score(TrackerConfig(**values))
        if simpler.mean >= max(best.mean - WORTH, start.mean):
            best = simpler
            yield best


def _distribution(name: str, start: Any) -> Any:
    """Return optuna's distribution of a field."""
    from optuna import distributions

    field = TrackerConfig.__dataclass_fields__[name]
    if 'choices' in field.metadata:
        return distributions.CategoricalDistribution(field.metadata['choices'])
    low, high, log = search_range(name, start)
    if field.type == 'int':
        return distributions.IntDistribution(round(low), round(high), log=log)
    return distributions.FloatDistribution(low, high, log=log)


def _with_values(start: TrackerConfig, values: Mapping[str, Any]) -> TrackerConfig:
    """Return a configuration with some fields replaced, numbers rounded to three digits."""
    rounded = {name: float(f'{value:.3g}') if isinstance(value, float) else value
               for name, value in values.items()}
    config = {**dataclasses.asdict(start), **rounded}
    # The two thresholds are drawn apart; the weak detections end where the strong ones begin.
    config['low_score'] = min(config['low_score'], config['high_score'])
    return TrackerConfig(**config)
