# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A model's report as a page: tables, precision-recall and CMC curves, similarities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TYPE_CHECKING, TypeVar

import numpy as np

from finetrack_ros.evaluation.detection import PrecisionRecall
from finetrack_ros.evaluation.html_report import Page
from finetrack_ros.evaluation.model_report import ModelReport
from finetrack_ros.evaluation.reid import Retrieval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Value = TypeVar('Value')

# The model's own curves, then those of peers (Okabe and Ito: told apart by the colour-blind, too).
OURS = ('#0072b2', '#56b4e9', '#009e73', '#4b0092')
PEERS = ('#d55e00', '#e69f00', '#cc79a7', '#7f7f7f', '#999933', '#b2182b')
SAME, OTHER = '#0072b2', '#d55e00'

_RECALLS = np.linspace(0, 1, 101)
_BINS = np.linspace(-1, 1, 61)


def write_model_page(report: ModelReport, path: Path) -> None:
    """
    Write a report as one HTML file.

    :raises SourceError: where the file cannot be written.
    """
    page = Page(f'What {report.model} is worth',
                f'Measured with {report.engine} on {report.device}, on data that shipped models '
                'are not trained on.')
    if report.detection:
        _add_detection(page, report)
    if report.reid:
        _add_reid(page, report)
    page.write(path)


def by_network(table: Mapping[str, Mapping[str, Value]]) -> dict[str, list[Value | None]]:
    """Turn what is by set and network into rows by network, with None where it has no value."""
    networks = dict.fromkeys(network for row in table.values() for network in row)
    return {network: [row.get(network) for row in table.values()] for network in networks}


def colours(report_part: Mapping[str, Mapping[str, Any]], model: str) -> dict[str, str]:
    """Return the colour of each network: blues and greens for the model's own."""
    own, peers = iter(OURS * 9), iter(PEERS * 9)
    return {network: next(own if network.startswith(f'{model}, ') else peers)
            for network in by_network(report_part)}


def _add_detection(page: Page, report: ModelReport) -> None:
    page.add_heading('Detection of people')
    page.add_text('Average precision in percent at an IoU of 0.5 and of 0.75. MOTChallenge: '
                  'pedestrians of visibility above 0.25; on all others detections count neither '
                  'for nor against. After a network stands the size of its input in pixels.')
    names = list(report.detection)
    for title, index in (('AP50', 0), ('AP75', 1)):
        rows = [[network, *(100 * curves[index].average_precision if curves else None
                            for curves in row)]
                for network, row in by_network(report.detection).items()]
        page.add_table([title, *names], rows)
    figure = precision_recall_figure(
        {name: {network: curves[0] for network, curves in row.items()}
         for name, row in report.detection.items()}, colours(report.detection, report.model))
    page.add_figure(figure, 'Precision over recall for each set',
                    'Precision over recall at an IoU of 0.5; the numbers are AP50.')


def precision_recall_figure(sets: Mapping[str, Mapping[str, PrecisionRecall]],
                            colour_of: Mapping[str, str]) -> Figure:
    """Draw precision over recall, one diagram for each set and one curve for each network."""
    figure, panels = _grid(len(sets))
    for axes, (name, row) in zip(panels, sets.items(), strict=True):
        for network, curve in row.items():
            axes.plot(_RECALLS, curve.at(_RECALLS), color=colour_of[network], linewidth=1.6,
                      label=f'{100 * curve.average_precision:.1f}  {network}')
        _finish(axes, name, 'recall', 'precision')
        axes.set(xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(loc='lower left', fontsize=7, frameon=False)
    return figure


def _add_reid(page: Page, report: ModelReport) -> None:
    page.add_heading('Telling people apart')
    page.add_text('True boxes; every crop is a query. In sequences its gallery are the crops of '
                  'all people at least 25 frames before or after it; in Market-1501 all crops '
                  'but those of the same person and camera. The model sees whole frames, the '
                  'other networks crops. "From the scene": cosines from the mean embedding of '
                  'the sequence, as the tracker compares.')
    names = list(report.reid)
    queries = [next(iter(row.values())).scores.queries for row in report.reid.values()]
    for title, figure_of in (('Rank-1', lambda scores: scores.rank1),
                             ('mAP', lambda scores: scores.mean_average_precision)):
        rows = [[network, *(100 * figure_of(found.scores) if found else None for found in row)]
                for network, row in by_network(report.reid).items()]
        page.add_table([title, *names], [*rows, ['queries', *queries]], totals=1)
    page.add_figure(cmc_figure(report.reid, colours(report.reid, report.model)),
                    'Cumulative match characteristic for each set',
                    'Share of queries with a right match among the best k; the numbers are mAP.')
    page.add_figure(similarity_figure(report.reid, _compared(report)),
                    'Histograms of similarities',
                    'Cosines of all pairs that were compared, each histogram with the same area: '
                    'the less the two overlap, the better one threshold tells people apart.')


def _compared(report: ModelReport) -> list[str]:
    """Return the networks whose similarities are shown: the model at its first size, OSNet."""
    networks = list(by_network(report.reid))
    own = [network for network in networks if network.startswith(f'{report.model}, ')]
    return [network for network in networks
            if network in own and network.startswith(own[0]) or network.startswith('OSNet')]


def cmc_figure(sets: Mapping[str, Mapping[str, Retrieval]], colour_of: Mapping[str, str]
               ) -> Figure:
    """Draw the cumulative match characteristic, one diagram for each set."""
    figure, panels = _grid(len(sets))
    for axes, (name, row) in zip(panels, sets.items(), strict=True):
        for network, found in row.items():
            cmc = found.scores.cmc
            axes.plot(range(1, len(cmc) + 1), cmc, color=colour_of[network], linewidth=1.6,
                      label=f'{100 * found.scores.mean_average_precision:.1f}  {network}')
        _finish(axes, name, 'rank k', 'queries matched')
        axes.set(xlim=(1, 20), ylim=(0, 1.02), xticks=(1, 5, 10, 15, 20))
        axes.legend(loc='lower right', fontsize=7, frameon=False)
    return figure


def similarity_figure(sets: Mapping[str, Mapping[str, Retrieval]], networks: Sequence[str]
                      ) -> Figure:
    """Draw histograms of similarity, sets downwards and networks across."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(networks), 1.9 * len(sets)), layout='constrained')
    panels = figure.subplots(len(sets), len(networks), squeeze=False, sharex=True)
    for line, (name, row) in zip(panels, sets.items(), strict=True):
        for axes, network in zip(line, networks, strict=True):
            if network not in row:
                axes.set_axis_off()
                continue
            for values, colour, label in ((row[network].same, SAME, 'same person'),
                                          (row[network].other, OTHER, 'another')):
                axes.hist(values, _BINS, density=True, color=colour, alpha=0.55, label=label)
            _finish(axes, f'{name}\n{network}', '', '')
            axes.set(yticks=[], xlim=(-1, 1))
    panels[0][0].legend(loc='upper left', fontsize=7, frameon=False)
    figure.supxlabel('cosine', fontsize=9)
    return figure


def _grid(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many diagrams, at most three in a row."""
    from matplotlib.figure import Figure

    columns = min(3, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(4 * columns, 3.2 * rows), layout='constrained')
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[count:]:
        axes.set_axis_off()
    return figure, panels[:count]


def _finish(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(color='#e6e9ec', linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
