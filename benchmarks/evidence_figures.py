# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The drawings of evidence.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import io
from pathlib import Path
from typing import Any, TYPE_CHECKING

import cv2
from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

if TYPE_CHECKING:
    from evidence import Sightings

Image = NDArray[np.uint8]
RIGHT, WRONG, QUERY = '#1a9850', '#d73027', '#444444'
OWN, OTHER = '#0072b2', '#d55e00'
# One colour a part, as far apart as six can be.
PARTS = np.array([[230, 25, 75], [255, 165, 0], [240, 230, 30], [60, 180, 75], [0, 130, 200],
                  [170, 40, 220]], np.float32) / 255


@dataclass(frozen=True)
class Ranked:
    """
    One search: the query's picture, the best matches and what these are.

    :ivar right: bool [R], whether each is a picture of the query's track.
    :ivar cosines: float32 [R].
    :ivar precision: average precision over all of the gallery, 0..1.
    :ivar matches: number of the track's pictures in the gallery.
    """

    query: Image
    best: list[Image]
    right: NDArray[np.bool_]
    cosines: NDArray[np.float32]
    precision: float
    matches: int


def draw_parts(pictures: NDArray[np.uint8], masks: NDArray[np.float32], path: Path) -> None:
    """
    Draw people in rows: the picture, the global mask in the colours of its parts, and each part.

    Each mask is drawn relative to its own maximum, since pooling divides by the mask's sum; above
    each stands the mean of these maxima, which is the part's say in the global mask.

    :param pictures: BGR uint8 [N, H, W, 3].
    :param masks: float32 [N, K, rows, columns] in 0..1.
    """
    heads = masks.shape[1]
    figure, panels = _panels(len(masks), heads + 2, pictures.shape[1] / pictures.shape[2])
    for row, picture, mask in zip(panels, pictures, masks, strict=True):
        size = picture.shape[1::-1]
        fine = np.stack([cv2.resize(one, size, interpolation=cv2.INTER_CUBIC) for one in mask])
        fine = np.clip(fine, 0, 1)
        colour = picture[:, :, ::-1].astype(np.float32) / 255
        grey = np.repeat(colour.mean(axis=2, keepdims=True), 3, axis=2)
        strongest = fine.max(axis=0)
        row[0].imshow(colour)
        row[1].imshow(_tint(grey, PARTS[fine.argmax(axis=0) % len(PARTS)],
                            strongest / strongest.max()))
        for head, axes in enumerate(row[2:]):
            axes.imshow(_tint(grey, PARTS[head % len(PARTS)], fine[head] / fine[head].max()))
    peaks = masks.max(axis=(2, 3)).mean(axis=0)
    titles = ['', 'global', *(f'part {head + 1}\n{peak:.2g}' for head, peak in enumerate(peaks))]
    for axes, title in zip(panels[0], titles, strict=True):
        axes.set_title(title, fontsize=8)
    # Dithered, the masks' soft edges would be a grid of dots.
    _save(figure, path, dpi=85, few_colours=False)


def _tint(grey: NDArray[np.float32], colour: NDArray[np.float32], strength: NDArray[np.float32]
          ) -> NDArray[np.float32]:
    """Lay a colour over a grey picture, as strong as a mask [H, W] says, at most by two thirds."""
    weight = 0.67 * strength[:, :, None]
    return (1 - weight) * (0.35 + 0.65 * grey) + weight * colour


def draw_retrieval(results: Sequence[Ranked], path: Path) -> None:
    """Draw one search in a row: the query, then its matches in green or red frames."""
    ranks = max(len(result.best) for result in results)
    shape = results[0].query.shape
    figure, panels = _panels(len(results), ranks + 1, shape[0] / shape[1], extra=0.16)
    for row, result in zip(panels, results, strict=True):
        _show(row[0], result.query, QUERY)
        row[0].set_xlabel(f'AP {100 * result.precision:.0f}', fontsize=7, labelpad=2)
        for axes, picture, right, cosine in zip(row[1:], result.best, result.right,
                                                result.cosines, strict=False):
            _show(axes, picture, RIGHT if right else WRONG)
            axes.set_xlabel(f'{cosine:.2f}', fontsize=7, labelpad=2)
    for axes, title in zip(panels[0], ['query', *map(str, range(1, ranks + 1))], strict=True):
        axes.set_title(title, fontsize=8)
    _save(figure, path)


def draw_occlusion(seen: Sightings, hidden: NDArray[np.intp], front: NDArray[np.intp],
                   path: Path, pictures: int = 9) -> None:
    """Draw how alike a track's memory stays to itself, and to the one in front of it."""
    figure = Figure(figsize=(7.5, 4.8), layout='constrained')
    grid = figure.add_gridspec(3, pictures, height_ratios=(1, 1, 1.9))
    start = seen.stamps[hidden[0]]
    span = np.linspace(seen.frames[hidden[0]], seen.frames[hidden[-1]], pictures).round()
    for line, (rows, colour, name) in enumerate(((hidden, OWN, 'the track'),
                                                 (front, OTHER, 'in front'))):
        for place, frame in enumerate(span):
            axes = figure.add_subplot(grid[line, place])
            _bare(axes)
            row = rows[np.abs(seen.frames[rows] - frame).argmin()]
            if abs(seen.frames[row] - frame) <= 2:
                _show(axes, seen.pictures[row], colour)
                axes.set_xlabel(f'{seen.stamps[row] - start:.1f} s', fontsize=7, labelpad=2)
            else:
                axes.text(0.5, 0.5, 'not\nseen', ha='center', va='center', fontsize=7,
                          color='#777777')
            if place == 0:
                axes.set_ylabel(name, fontsize=8, color=colour)
    _plot_cosines(figure.add_subplot(grid[2, :]), seen, hidden, front)
    _save(figure, path)


def _plot_cosines(axes: Axes, seen: Sightings, hidden: NDArray[np.intp],
                  front: NDArray[np.intp]) -> None:
    start = seen.stamps[hidden[0]]
    memory = {int(seen.frames[row]): seen.memory[row] for row in hidden}
    for rows, colour, label in ((hidden, OWN, "the track's own detection"),
                                (front, OTHER, 'the detection in front of it')):
        times, cosines = _to_memory(seen, rows, memory)
        # No line over the time in which there was nothing to compare.
        unseen = np.flatnonzero(np.diff(times) > 1.5 * np.median(np.diff(times))) + 1
        axes.plot(np.insert(times - start, unseen, np.nan), np.insert(cosines, unseen, np.nan),
                  'o-', color=colour, markersize=3, linewidth=1.2, label=label)
    for before, after in zip(hidden[:-1], hidden[1:], strict=True):
        if seen.frames[after] - seen.frames[before] > 1:
            axes.axvspan(seen.stamps[before] - start, seen.stamps[after] - start,
                         color='#e4e4e4', linewidth=0)
    axes.set(ylim=(-0.5, 1.02), xlim=(0, None))
    axes.set_xlabel('seconds', fontsize=8)
    axes.set_ylabel("cosine to the track's memory", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.grid(color='#e6e9ec', linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(loc='lower left', fontsize=8, frameon=False, ncols=2)


def _to_memory(seen: Sightings, rows: NDArray[np.intp], memory: dict[int, Any]
               ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return stamps and cosines of sightings to the memory that the track had until then."""
    known = sorted(memory)
    times, cosines = [], []
    for row in rows:
        earlier = [frame for frame in known if frame <= seen.frames[row]]
        # Between two sightings, the memory is that of the next one: it was not touched since.
        later = [frame for frame in known if frame >= seen.frames[row]]
        if not earlier or not later:
            continue
        mine = memory[later[0]]
        times.append(seen.stamps[row])
        cosines.append(float(seen.scene.cosines(mine[None], seen.vectors[row, None])[0, 0]))
    return np.array(times), np.array(cosines, np.float32)


def _panels(rows: int, columns: int, shape: float, extra: float = 0.0
            ) -> tuple[Figure, NDArray[Any]]:
    """Return a figure of pictures without axes, of this height over width."""
    width = 0.62
    figure = Figure(figsize=(width * columns, (width * shape + extra) * rows + 0.25),
                    layout='constrained')
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.02, hspace=0.02)
    panels = figure.subplots(rows, columns, squeeze=False)
    for axes in panels.flat:
        _bare(axes)
    return figure, panels


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def _show(axes: Axes, picture: Image, colour: str) -> None:
    """Show a BGR picture in a frame of a colour."""
    axes.imshow(picture[:, :, ::-1])
    axes.spines[:].set_visible(True)
    axes.spines[:].set(color=colour, linewidth=2.2)


def _save(figure: Figure, path: Path, dpi: int = 100, few_colours: bool = True) -> None:
    """Write a PNG; 256 colours, dithered, take half the space of all."""
    drawing = io.BytesIO()
    figure.savefig(drawing, format='png', dpi=dpi)
    picture = Picture.open(drawing).convert('RGB')
    if few_colours:
        chosen = picture.quantize(256)
        palette = np.array(chosen.getpalette()).reshape(-1, 3)
        # The paper stays white.
        palette[palette.sum(axis=1).argmax()] = 255
        chosen.putpalette(palette.ravel().tolist())
        picture = picture.quantize(palette=chosen)
    picture.save(path, optimize=True)
