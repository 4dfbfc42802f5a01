# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack eval-model``: measure a model's detector and embedding."""

from __future__ import annotations

from pathlib import Path

import typer

from finetrack_ros.cli import options
from finetrack_ros.cli.application import errors, output, write_json


def evaluate_model(
    data: Path = typer.Option(
        ..., help='Folder with mot/SEQUENCE, reid/market1501_train.tar and '
        'weights/osnet_x0_25_msmt17.onnx.'),
    model: str = options.MODEL,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    input_size: str | None = options.INPUT_SIZE,
    json: Path | None = typer.Option(None, help='Write the figures to this file, too.'),
) -> None:
    """
    Measure AP50 and re-identification on data that shipped models are not trained on.

    Detection: MOT16-09 (second half), TUD-Campus, KITTI-17. Re-identification: the last 100
    identities of Market-1501's training split, beside OSNet x0.25 and a colour histogram.
    """
    from rich.table import Table

    from finetrack_ros.evaluation.model_report import AP_SCORE_THRESHOLD, report_on

    runner = options.load_chosen_model(model, engine, device, input_size,
                                       score_threshold=AP_SCORE_THRESHOLD)
    with errors.status('Measuring ...') as status:
        report = report_on(runner, data, lambda step: status.update(f'Measuring {step} ...'))
    detection = Table('Sequence', title=f'{runner.model_name}: pedestrians')
    detection.add_column('AP50', justify='right')
    for name, value in report['detection'].items():
        detection.add_row(name, f'{value:.1f}')
    reid = Table('Embedding', title='Market-1501, last 100 identities')
    for column in ('Rank-1', 'Rank-5', 'Rank-10', 'mAP'):
        reid.add_column(column, justify='right')
    for name, row in report['reid'].items():
        reid.add_row(name, *(f'{row[key]:.1f}' for key in ('rank1', 'rank5', 'rank10', 'map')))
    output.print(detection, reid)
    if json is not None:
        write_json(json, report)
