# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack eval``: score MOTChallenge results."""

from __future__ import annotations

from pathlib import Path

import typer

from finetrack_ros.cli.application import output, write_json


def evaluate(
    gt: Path = typer.Option(
        ..., help='Sequence folder with gt/gt.txt, or a folder of such folders.'),
    results: Path = typer.Option(
        ..., help='Folder of SEQUENCE.txt files; for one sequence, the file itself.'),
    frames: str | None = typer.Option(
        None, help='Part of each sequence: first-half, second-half or FIRST:LAST.'),
    sequence: list[str] | None = typer.Option(
        None, help='Score only this sequence; may be given several times.'),
    json: Path | None = typer.Option(None, help='Write the figures to this file, too.'),
) -> None:
    """
    Score MOTChallenge results against ground truth with TrackEval.

    Ground truth of 9 columns counts class 1 with flag 1 and excuses results on distractors
    (classes 2, 7, 8, 12); of 10 columns it excuses results on boxes whose consider flag is 0.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from finetrack_ros.evaluation.mot import COMBINED
    from finetrack_ros.evaluation.mot import evaluate as score

    scores = score(gt, results, sequences=sequence or None, frames=frames)
    table = Table(title=f'Frames: {frames or "all"}', box=box.SIMPLE_HEAD,
                  collapse_padding=True, pad_edge=False)
    table.add_column('Sequence', overflow='fold')
    for name in scores[COMBINED]:
        table.add_column(name, justify='right')
    for sequence_name, row in scores.items():
        if sequence_name == COMBINED:
            table.add_section()
        cells = [f'{value:.1f}' if isinstance(value, float) else str(value)
                 for value in row.values()]
        table.add_row(Text(sequence_name), *cells)
    output.print(table)
    if json is not None:
        write_json(json, {'frames': frames or 'all', 'scores': scores})
