# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack tune``: fit the tracker's parameters to a user's own sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from finetrack_ros.cli import options
from finetrack_ros.cli.application import require_tuning_libraries
from finetrack_ros.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from rich.progress import Progress

    from finetrack_ros.cli.tune_report import TuneResult
    from finetrack_ros.evaluation.tuning import Scorer, Subject, Trial
    from finetrack_ros.evaluation.tuning_data import Observer
    from finetrack_ros.io import FrameSource

INTERRUPTED = 130


def tune(
    sequences: list[Path] = typer.Argument(
        ..., help='MOTChallenge sequence folders with gt/gt.txt and seqinfo.ini, or folders of '
        'such folders.'),
    output_file: Path = typer.Option(
        ..., '--output', '-o', help='YAML to write, for --tracker-config.'),
    validate: list[Path] | None = typer.Option(
        None, help='Sequence, or folder of sequences, to score before and after but not to tune '
        'on; may be given several times.'),
    trials: int = typer.Option(100, min=1, help='Configurations to try.'),
    metric: str = typer.Option(
        'HOTA', help='HOTA, IDF1 or MOTA; its mean over the sequences is raised.'),
    preset: Path | None = typer.Option(
        None, '--tracker-config', '--preset', help='Where to start: a preset (default, mot, '
        'dance), or a YAML file. The result is never worse than it on these sequences.'),
    fields: list[str] | None = typer.Option(
        None, help='Parameters to search, separated by commas; the others stay as they start.'),
    detections: str | None = typer.Option(
        None, help="Text of another detector's boxes to tune on instead of ours, in each sequence "
        'folder: det/det.txt. Needed where there are no images.'),
    embeddings: bool = typer.Option(
        True, help='With --detections and images: describe the boxes with our model.'),
    score_range: str | None = options.SCORE_RANGE,
    model: str = options.MODEL,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    input_size: str | None = options.INPUT_SIZE,
    cache: Path | None = typer.Option(
        None, help='Folder for what the model found; default: ~/.cache/finetrack_ros.'),
    seed: int = typer.Option(0, min=0, help='Of the search; the same gives the same result.'),
    jobs: int = typer.Option(1, min=1, help='Processes that share the sequences.'),
    progress: bool = typer.Option(True, help='Show live progress.'),
) -> None:
    """
    Search tracker parameters that score best on your own sequences, and write them as YAML.

    The model runs once over each sequence and what it found is kept, so that a trial takes only
    as long as tracking and scoring. Ctrl-C ends the search and writes the best so far.
    """
    from finetrack_ros.cli.run import progress_bar, sigterm_as_interrupt
    from finetrack_ros.cli.tracker_config import read_tracker_config
    from finetrack_ros.cli.tune_report import show_result, write_result
    from finetrack_ros.evaluation.observation_cache import default_cache, ObservationCache
    from finetrack_ros.evaluation.tuning import choose_fields, METRICS, Scorer
    from finetrack_ros.evaluation.tuning_data import Observer

    require_tuning_libraries()
    metric = metric.upper()
    if metric not in METRICS:
        raise ConfigError(f"--metric '{metric}' is unknown; use one of {', '.join(METRICS)}")
    options.check_detections_options(detections is not None, embeddings, score_range)
    start = read_tracker_config(preset)
    _check_output(output_file)
    load = functools.cache(
        lambda: options.load_chosen_model(model, engine, device, input_size))
    result = None
    try:
        with sigterm_as_interrupt(), progress_bar(progress) as bars:
            observer = Observer(
                ObservationCache(cache or default_cache(), options.warn), model, input_size, load,
                detections, options.parse_score_range(score_range), embeddings,
                functools.partial(_watch, bars))
            subjects = _read(observer, sequences)
            others = _read(observer, validate or [], subjects)
            names = choose_fields(_split(fields), subjects)
            with Scorer(subjects, metric, jobs) as score:
                result = _search(score, score(start), names, trials, seed, bars)
            if others:
                with Scorer(others, metric, jobs) as score:
                    result = replace(result, validated=(score(start), score(result.best.config)))
    except KeyboardInterrupt:
        if result is None:
            options.warn('interrupted before there was a result: nothing is written')
            raise typer.Exit(INTERRUPTED) from None
        result = replace(result, interrupted=True)
    write_result(output_file, result, metric, seed, preset)
    show_result(output_file, result, metric)
    if result.interrupted:
        raise typer.Exit(INTERRUPTED)


def _check_output(path: Path) -> None:
    """Raise SourceError now where the result could not be written in an hour."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open('a'):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        raise SourceError(f"Output '{path}' cannot be written ({error.strerror}). Choose a file "
                          'in a folder where you may write.') from error


def _split(fields: list[str] | None) -> list[str] | None:
    """Return the names in a list of names separated by commas."""
    if not fields:
        return None
    return [name.strip() for part in fields for name in part.split(',') if name.strip()]


def _watch(bars: Progress, frames: FrameSource) -> Callable[[], None]:
    """Show a source that is observed; return what counts its frames."""
    task = bars.add_task(frames.name, total=frames.length, status='observed once')
    return lambda: bars.advance(task)


def _read(observer: Observer, paths: Sequence[Path], others: Sequence[Subject] = ()
          ) -> list[Subject]:
    """Read sequences, none of them twice or among the others."""
    known = {subject.sequence.name for subject in others}
    subjects: list[Subject] = []
    for path in paths:
        for subject in observer.read(path):
            name = subject.sequence.name
            if name in known:
                raise SourceError(f"Sequence '{name}' in '{path}' is there twice. Give each "
                                  'sequence once, and validate on others than you tune on.')
            known.add(name)
            subjects.append(subject)
    return subjects


def _search(score: Scorer, first: Trial, fields: Sequence[str], trials: int, seed: int,
            bars: Progress) -> TuneResult:
    """Search until all trials are done, or Ctrl-C or SIGTERM ends it."""
    from finetrack_ros.cli.tune_report import TuneResult
    from finetrack_ros.evaluation.tuning import search, simplify

    best, done, interrupted = first, 0, False
    task = bars.add_task('trials', total=trials, status=f'start {first.mean:.2f}')
    try:
        for trial in search(score, first, fields, trials, seed):
            done += 1
            if trial.mean > best.mean:
                best = trial
            bars.update(task, advance=1,
                        status=f'best {best.mean:.2f}  start {first.mean:.2f}')
        bars.update(task, status=f'best {best.mean:.2f}  simplifying')
        for simpler in simplify(score, best, first):
            best = simpler
            bars.update(task, status=f'best {best.mean:.2f}  simplifying')
    except KeyboardInterrupt:
        interrupted = True
    return TuneResult(first, best, done, interrupted)
