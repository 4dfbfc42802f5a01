# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What ``finetrack tune`` writes and prints at its end."""

from __future__ import annotations

from collections.abc import Iterator
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text
import yaml

from finetrack_ros import __version__
from finetrack_ros.cli.application import output
from finetrack_ros.cli.options import warn
from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.tuning import Trial
from finetrack_ros.tracking import TrackerConfig


@dataclass(frozen=True)
class TuneResult:
    """
    What a search found.

    :ivar first: the configuration that it started from, scored.
    :ivar best: the best that it met.
    :ivar trials: how many it tried.
    :ivar interrupted: whether Ctrl-C ended it.
    :ivar validated: both configurations scored on sequences not tuned on, where there are any.
    """

    first: Trial
    best: Trial
    trials: int
    interrupted: bool
    validated: tuple[Trial, Trial] | None = None


def write_result(path: Path, result: TuneResult, metric: str, seed: int, preset: Path | None
                 ) -> None:
    """
    Write the parameters that differ from the defaults, and where they come from.

    :raises SourceError: where the file cannot be written.
    """
    lines = [f'# {line}' for line in _origin(result, metric, seed, preset)]
    defaults = TrackerConfig()
    for field in dataclasses.fields(TrackerConfig):
        value, default = getattr(result.best.config, field.name), getattr(defaults, field.name)
        if value != default:
            lines.append(f'{yaml.safe_dump({field.name: value}).strip()}  # default {default}')
    if lines[-1].startswith('#'):
        lines.append('{}  # all as by default')
    try:
        path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
    except OSError as error:
        raise SourceError(f"Output '{path}' cannot be written ({error.strerror}). Choose a file "
                          'in a folder where you may write.') from error


def _origin(result: TuneResult, metric: str, seed: int, preset: Path | None) -> Iterator[str]:
    """Yield the lines that say how the parameters were found."""
    yield f'Tracker parameters found by finetrack tune {__version__}.'
    yield f'{metric} {_change(result.first, result.best)} on {", ".join(result.best.scores)}'
    yield '(on which they were tuned: expect less elsewhere).'
    if result.validated is not None:
        before, after = result.validated
        yield f'{metric} {_change(before, after)} on {", ".join(after.scores)} (not tuned on).'
    yield (f'Start: {preset or "default"}. Trials: {result.trials}'
           f'{" (interrupted)" if result.interrupted else ""}. Seed: {seed}.')


def _change(before: Trial, after: Trial) -> str:
    return f'{before.mean:.2f} before, {after.mean:.2f} after,'


def show_result(path: Path, result: TuneResult, metric: str) -> None:
    """Print the scores before and after, and what to think of them."""
    table = Table(title=f'{metric} after {result.trials} trials'
                  f'{" (interrupted)" if result.interrupted else ""}', box=box.SIMPLE_HEAD)
    table.add_column('Sequence', overflow='fold')
    for name in ('before', 'after'):
        table.add_column(name, justify='right')
    _add_rows(table, result.first, result.best, 'mean')
    if result.validated is not None:
        table.add_section()
        _add_rows(table, *result.validated, 'mean, not tuned on')
    output.print(table)
    output.print(f'written {path}', soft_wrap=True, markup=False, highlight=False)
    if result.best is result.first:
        warn('nothing better than the start was found; try more trials or other fields')
    elif result.validated is None:
        warn('the figures are of the sequences tuned on, and too good for others: hold some '
             'back and give them with --validate')
    elif result.validated[1].mean < result.validated[0].mean:
        warn('the result is worse than the start on the sequences not tuned on: tune on more '
             'sequences, or search fewer --fields')


def _add_rows(table: Table, before: Trial, after: Trial, mean: str) -> None:
    for name, score in after.scores.items():
        table.add_row(Text(name), f'{before.scores[name]:.2f}', f'{score:.2f}')
    table.add_row(mean, f'{before.mean:.2f}', f'{after.mean:.2f}', style='bold')
