# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""``finetrack eval-model``: measure a model's detector and embedding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from finetrack_ros.cli import options
from finetrack_ros.cli.application import errors, output, write_json

if TYPE_CHECKING:
    from rich.table import Table

    from finetrack_ros.evaluation.model_report import ModelReport


def evaluate_model(
    data: Path = typer.Option(
        ..., help='Folder with mot/SEQUENCE, det/robot_indoor, det/coco_person, '
        'reid/market1501_train.tar and weights/osnet_x0_25_msmt17.onnx.'),
    model: str = options.MODEL,
    engine: str = options.ENGINE,
    device: str = options.DEVICE,
    input_size: list[str] = typer.Option(
        ['auto'], help="Network input in pixels: long side (640), height x width (384x640), or "
        "'auto', the model's own rule; may be given several times."),
    yolox: Path | None = typer.Option(
        None, help='ONNX file of a YOLOX, without decoding, to compare detection with: at its '
        "own input size and at the model's."),
    teachers: bool = typer.Option(
        False, help="Compare with Open Model Zoo's re-identification networks in "
        'weights/openvino, too; needs openvino.'),
    only: str | None = typer.Option(None, help='Measure only this: detection or reid.'),
    set_: list[str] = typer.Option(
        [], '--set', help='Measure on this set only: its name, or how that begins; may be given '
        'several times.'),
    json: Path | None = typer.Option(None, help='Write the figures to this file, too.'),
    report: Path | None = typer.Option(
        None, help='Write figures and curves to this HTML file, which needs no other.'),
) -> None:
    """
    Measure AP50, AP75 and re-identification on data that shipped models are not trained on.

    Detection: MOT16-09 (second half), TUD-Campus, KITTI-17, ETH-Sunnyday, robot_indoor val and a
    third of COCO's people. Re-identification: the last 100 identities of Market-1501's training
    split, and people of the four sequences, each searched for among all crops at least 25 frames
    away; beside OSNet x0.25 and a colour histogram.
    """
    from finetrack_ros.evaluation.model_page import write_model_page
    from finetrack_ros.evaluation.model_report import AP_SCORE_THRESHOLD, choose_sets, report_on

    choose_sets(only, set_)
    runners = {size: options.load_chosen_model(model, engine, device, size,
                                               score_threshold=AP_SCORE_THRESHOLD)
               for size in dict.fromkeys(input_size)}
    with errors.status('Measuring ...') as status:
        found = report_on(runners, data, yolox, teachers, only, set_,
                          lambda step: status.update(f'Measuring {step} ...'))
    for table in tables(found):
        output.print(table)
    if json is not None:
        write_json(json, found.as_dict())
    if report is not None:
        write_model_page(found, report)


def tables(report: ModelReport) -> list[Table]:
    """Return the figures, set by set and network by network."""
    figures = report.as_dict()
    parts = (('detection', 'People detected', {'ap50': 'AP50', 'ap75': 'AP75'}),
             ('reid', 'People found again',
              {'rank1': 'Rank-1', 'rank5': 'Rank-5', 'rank10': 'Rank-10', 'map': 'mAP'}))
    return [_table(title, columns, figures[part]) for part, title, columns in parts
            if figures[part]]


def _table(title: str, columns: dict[str, str], sets: dict[str, dict[str, dict[str, float]]]
           ) -> Table:
    from rich import box
    from rich.table import Table

    table = Table('', title=title, box=box.SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for heading in columns.values():
        table.add_column(heading, justify='right')
    for name, networks in sets.items():
        table.add_row(name, style='bold')
        for network, figures in networks.items():
            table.add_row(f'  {network}', *(f'{figures[key]:.1f}' for key in columns))
        table.add_section()
    return table
