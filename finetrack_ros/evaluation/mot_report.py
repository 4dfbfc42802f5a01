# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The report of ``finetrack eval``: scores, curves over alpha, and the worst identity switches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from finetrack_ros.evaluation.film_strip import draw_strip, find_images, SequenceImages
from finetrack_ros.evaluation.html_report import Cell, Page
from finetrack_ros.evaluation.identity_switches import IdentitySwitch
from finetrack_ros.evaluation.mot import COMBINED, CURVES, DETAILS, Evaluation, SUMMARY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BARS = ('HOTA', 'DetA', 'AssA', 'MOTA', 'IDF1')
# More lines cannot be told apart by their colours.
_NAMED_LINES = 8
_EXPLANATION = (
    'HOTA to IDF1 are in percent; id switches, fragmentations, false positives, false negatives '
    'and frames are counts. HOTA, DetA, AssA and LocA are means over alpha, the IoU from which on '
    'a box counts as found; for the others it is 0.5.')
_READING = (
    'A switch is a person matched to another id than last time, at IoU 0.5, as MOTA counts them. '
    'The worst come first: those whose old and new id both stayed on the person for long. White '
    'corners mark the person in ground truth, thick lines the boxes of the old and the new id; '
    'the red line is the switch.')


def build_report(evaluation: Evaluation, subtitle: str, strips: int) -> Page:
    """
    Return a report of results.

    :param subtitle: what was scored: paths, frames.
    :param strips: film strips to show, of all sequences together.
    :raises SourceError: where an image to show cannot be decoded.
    """
    page = Page('Tracking results', subtitle)
    page.add_heading('Scores')
    _add_scores(page, evaluation, SUMMARY, _EXPLANATION)
    page.add_heading('HOTA over alpha')
    page.add_figure(curves_figure(evaluation), 'HOTA, DetA and AssA over alpha', 'Percent, by the '
                    'IoU from which on a box counts as found.')
    if len(evaluation.parts) > 1:
        page.add_heading('Sequences')
        page.add_figure(bars_figure(evaluation), 'Scores of each sequence as bars')
    page.add_heading('Details')
    _add_scores(page, evaluation, DETAILS, 'DetRe to AssPr are means over alpha; MOTP is the mean '
                'IoU of matched boxes. MT, PT and ML: people found in over 80%, in 20 to 80%, '
                'and in less than 20% of their frames.')
    page.add_heading('Identity switches')
    _add_switches(page, evaluation, strips)
    return page


def _add_scores(page: Page, evaluation: Evaluation, names: Sequence[str], caption: str) -> None:
    rows: list[list[Cell]] = [
        [sequence, *(scores[name] for name in names)]
        for sequence, scores in evaluation.scores.items()]
    page.add_table(['Sequence', *names], rows, caption, totals=1)


def curves_figure(evaluation: Evaluation) -> Figure:
    """Draw HOTA, DetA and AssA over alpha: one plot each, one line per sequence."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.6), layout='constrained')
    plots = figure.subplots(1, len(CURVES), sharey=True)
    names = [name for name in evaluation.curves if name != COMBINED]
    for plot, metric in zip(plots, CURVES, strict=True):
        for name in names:
            few = len(names) <= _NAMED_LINES
            plot.plot(evaluation.alphas, evaluation.curves[name][metric], linewidth=1.2,
                      color=None if few else '0.75', label=_literal(name) if few else None)
        if len(names) > 1:
            plot.plot(evaluation.alphas, evaluation.curves[COMBINED][metric], 'black',
                      linewidth=2, label='combined')
        plot.set(title=metric, xlabel='alpha', xlim=(0, 1), ylim=(0, 101))
        plot.grid(alpha=0.3)
    figure.legend(*plots[0].get_legend_handles_labels(), loc='outside lower center', ncols=4,
                  frameon=False)
    return figure


def bars_figure(evaluation: Evaluation) -> Figure:
    """Draw the main scores as bars: one plot each, one bar per sequence and one for all."""
    from matplotlib.figure import Figure

    names = list(evaluation.scores)
    figure = Figure(figsize=(10.5, 0.9 + 0.27 * len(names)), layout='constrained')
    plots = figure.subplots(1, len(_BARS), sharey=True)
    for plot, metric in zip(plots, _BARS, strict=True):
        values = [evaluation.scores[name][metric] for name in names]
        bars = plot.barh(range(len(names)), values,
                         color=['#4477aa'] * (len(names) - 1) + ['black'])
        plot.bar_label(bars, fmt='%.1f', padding=2, fontsize=8)
        # Room for the figures beside the bars; MOTA may be below 0.
        lowest = min(*values, 0)
        plot.set(title=metric, xlim=(lowest * 1.4, 100 + 0.3 * (100 - lowest)))
        plot.spines[['top', 'right']].set_visible(False)
    plots[0].set_yticks(range(len(names)), [_literal(name) for name in names])
    plots[0].invert_yaxis()
    return figure


def _literal(name: str) -> str:
    """Return text that matplotlib takes neither for a formula nor for a label to be hidden."""
    return ' ' * name.startswith('_') + name.replace('$', r'\$')


def _add_switches(page: Page, evaluation: Evaluation, strips: int) -> None:
    switches = [(name, switch) for name, found in evaluation.switches.items() for switch in found]
    if not switches:
        page.add_text('There are none.')
        return
    switches.sort(key=lambda item: item[1].severity, reverse=True)
    shown = switches[:strips]
    page.add_text(f'There are {len(switches)}; {len(shown)} are shown. {_READING}')
    images = {name: find_images(evaluation.parts[name].sequence.folder) for name, _ in shown}
    missing = [f"'{found.folder}'" for found in images.values() if not found.paths]
    if missing:
        page.add_text(f'Drawn on blank, because there are no images there: {", ".join(missing)}.')
    for name, switch in shown:
        _add_strip(page, evaluation, name, switch, images[name])


def _add_strip(page: Page, evaluation: Evaluation, name: str, switch: IdentitySwitch,
               images: SequenceImages) -> None:
    strip = draw_strip(evaluation.parts[name], switch, images)
    change = (f'{name}, frame {switch.frame}: person {switch.truth_id} changes from id '
              f'{switch.old_id} to {switch.new_id}')
    page.add_image(strip, change, f'{change}. {_history(switch)}', lossless=not images.paths)


def _history(switch: IdentitySwitch) -> str:
    """Tell how long the ids lasted, and where the new one comes from."""
    if switch.seen_on is None:
        origin = 'never seen before'
    elif switch.seen_on == switch.truth_id:
        origin = 'seen on this person before'
    else:
        origin = f'last seen on person {switch.seen_on}'
    gap = switch.frame - switch.last_frame - 1
    between = f' No id matches in the {_count(gap)} between.' if gap else ''
    return (f'Id {switch.old_id} lasted {_count(switch.old_frames)}, id {switch.new_id} '
            f'({origin}) lasts {_count(switch.new_frames)}.{between}')


def _count(frames: int) -> str:
    return f'{frames} frame' if frames == 1 else f'{frames} frames'
