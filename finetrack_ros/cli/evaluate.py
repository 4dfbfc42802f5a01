# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack eval``: score MOTChallenge results."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, TYPE_CHECKING

import typer

from finetrack_ros import __version__
from finetrack_ros.cli.application import output, write_json

if TYPE_CHECKING:
    from finetrack_ros.evaluation.mot import Evaluation


def evaluate(
    gt: Path = typer.Option(
        ..., help='Sequence folder with gt/gt.txt, or a folder of such folders.'),
    results: Path = typer.Option(
        ..., help='Folder of SEQUENCE.txt files; for one sequence, the file itself.'),
    frames: str | None = typer.Option(
        None, help='Part of each sequence of N frames: first-half (1 to N/2, rounded down), '
        'second-half (the rest), train-half (1 to N/2 + 1), val-half (the rest: the validation '
        'half of MOT17 as ByteTrack and others use it), or FIRST:LAST. Results keep the frame '
        'numbers of the whole sequence.'),
    sequence: list[str] | None = typer.Option(
        None, help='Score only this sequence; may be given several times.'),
    json: Path | None = typer.Option(
        None, help='Write the figures to this file, too, with more of them, HOTA, DetA and AssA '
        'over alpha, and every id switch.'),
    report: Path | None = typer.Option(
        None, help='Write a report to this HTML file: scores, plots, and film strips of the worst '
        'id switches, with images where there is img1 beside gt. It needs no other file.'),
    strips: int = typer.Option(
        8, min=0, max=30, help='Film strips in the report.'),
) -> None:
    """
    Score MOTChallenge results against ground truth with TrackEval.

    Ground truth of 9 columns counts class 1 with flag 1 and excuses results on distractors
    (classes 2, 7, 8, 12); of 10 columns it excuses results on boxes whose consider flag is 0.
    """
    from finetrack_ros.evaluation.mot import evaluate_parts, read_parts

    evaluation = evaluate_parts(read_parts(gt, results, sequence or None, frames))
    _show(evaluation, frames or 'all')
    if json is not None:
        write_json(json, _content(evaluation, frames or 'all'))
    if report is not None:
        from finetrack_ros.evaluation.mot_report import build_report

        subtitle = f'{results} against {gt}; frames: {frames or "all"}; by finetrack {__version__}'
        build_report(evaluation, subtitle, strips).write(report)


def _show(evaluation: Evaluation, frames: str) -> None:
    """Print the scores as a table."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from finetrack_ros.evaluation.mot import COMBINED, SUMMARY

    # So narrow that names of 14 letters fit beside the figures on 80 columns.
    table = Table(title=f'Frames: {frames}', box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    table.add_column('Sequence', overflow='fold')
    for name in SUMMARY:
        table.add_column(name, justify='right')
    for sequence_name, row in evaluation.scores.items():
        if sequence_name == COMBINED:
            table.add_section()
        values = [row[name] for name in SUMMARY]
        table.add_row(Text(sequence_name), *(f'{value:.1f}' if isinstance(value, float) else
                                             str(value) for value in values))
    output.print(table)


def _content(evaluation: Evaluation, frames: str) -> dict[str, Any]:
    """Return what the JSON file holds."""
    return {'frames': frames, 'scores': evaluation.scores, 'alphas': evaluation.alphas,
            'curves': evaluation.curves,
            'switches': {name: [asdict(switch) for switch in switches]
                         for name, switches in evaluation.switches.items()}}
