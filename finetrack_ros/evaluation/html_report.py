# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Reports as one HTML file that needs nothing beside it: no network, no script, no other file.

Figures and images are embedded as data, texts are escaped, and a content security policy keeps
browsers from fetching anything::

    page = Page('Detector on street scenes', 'finetrack_nano, 640 pixels')
    page.add_heading('Average precision')
    page.add_table(['Sequence', 'AP50'], [['TUD-Campus', 78.6], ['mean', 78.6]], totals=1)
    page.add_figure(figure, 'Precision over recall')
    page.write('report.html')
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
import io
from pathlib import Path
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | int | float | None

_JPEG_QUALITY = 85
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light; }
body { margin: 2rem auto; max-width: 72rem; padding: 0 1.5rem; background: #fff; color: #1b1f24;
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif; }
h1 { font-size: 1.7rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; padding-bottom: .25rem;
  border-bottom: 1px solid #d5d9de; }
p { margin: .5rem 0; max-width: 60rem; overflow-wrap: anywhere; }
.subtitle, figcaption, caption { color: #59636e; }
.wide { overflow-x: auto; margin: .75rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .35rem; }
th, td { padding: .3rem .7rem; text-align: left; border-bottom: 1px solid #e6e9ec; }
th { border-bottom: 2px solid #59636e; }
td.number, th.number { text-align: right; white-space: nowrap; }
tr.total td { font-weight: 600; }
tr.total.first td { border-top: 2px solid #59636e; }
figure { margin: 1rem 0 1.5rem; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { margin-top: .35rem; max-width: 60rem; overflow-wrap: anywhere; }
"""


class Page:
    """
    An HTML page built from top to bottom; every text is escaped, and none is taken as HTML.

    Headings, texts, tables, figures and images appear in the order in which they are added.
    """

    def __init__(self, title: str, subtitle: str = '') -> None:
        """Begin a page; the title is also that of the browser's tab."""
        self._title = title
        self._parts = [f'<h1>{escape(title)}</h1>']
        if subtitle:
            self._parts.append(f'<p class="subtitle">{escape(subtitle)}</p>')

    def add_heading(self, text: str) -> None:
        """Begin a section."""
        self._parts.append(f'<h2>{escape(text)}</h2>')

    def add_text(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(f'<p>{escape(text)}</p>')

    def add_table(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]], caption: str = '',
                  totals: int = 0, decimals: int = 1) -> None:
        """
        Add a table; columns that hold only numbers are right-aligned.

        :param columns: headings, one per column.
        :param rows: one cell per column; floats are rounded, None is shown as a dash.
        :param totals: so many of the last rows sum up the others, and are set apart.
        :param decimals: digits of floats after the point.
        :raises ValueError: where a row has another number of cells.
        """
        body = [list(row) for row in rows]
        cells = list(zip(*body, strict=True)) or [()] * len(columns)
        numeric = [not any(isinstance(cell, str) for cell in column)
                   for _, column in zip(columns, cells, strict=True)]
        lines = [_row('th', columns, numeric, decimals)]
        for number, row in enumerate(body, 1):
            place = number - (len(body) - totals)
            kind = 'total first' if place == 1 else 'total' if place > 1 else ''
            lines.append(_row('td', row, numeric, decimals, kind))
        head = f'<caption>{escape(caption)}</caption>' if caption else ''
        self._parts.append(f'<div class="wide"><table>{head}\n' + '\n'.join(lines)
                           + '\n</table></div>')

    def add_figure(self, figure: Figure, alt: str, caption: str = '') -> None:
        """
        Add a matplotlib figure as an SVG drawing.

        Make it with ``matplotlib.figure.Figure(figsize=..., layout='constrained')``: pyplot
        keeps figures alive, and may want a display.

        :param alt: what the figure shows, for those who cannot see it.
        """
        import matplotlib

        drawing = io.BytesIO()
        # A fixed salt and no date: the same figures give the same file.
        with matplotlib.rc_context({'svg.hashsalt': 'finetrack'}):
            figure.savefig(drawing, format='svg', metadata={'Date': None})
        self._add_picture('svg+xml', drawing.getvalue(), alt, caption)

    def add_image(self, image: NDArray[np.uint8], alt: str, caption: str = '',
                  lossless: bool = False) -> None:
        """
        Add an image at its own size, or as wide as the page where that is less.

        :param image: BGR, uint8 [H, W, 3].
        :param lossless: PNG, for drawings, instead of JPEG, for photographs.
        """
        suffix, options = ('.png', []) if lossless else (
            '.jpg', [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        data = cv2.imencode(suffix, image, options)[1].tobytes()
        self._add_picture('png' if lossless else 'jpeg', data, alt, caption)

    def _add_picture(self, kind: str, data: bytes, alt: str, caption: str) -> None:
        source = f'data:image/{kind};base64,{base64.b64encode(data).decode()}'
        below = f'<figcaption>{escape(caption)}</figcaption>' if caption else ''
        self._parts.append(f'<figure><img alt="{escape(alt)}" src="{source}">{below}</figure>')

    def html(self) -> str:
        """Return the whole page."""
        head = (f'<meta charset="utf-8">\n'
                f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
                '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
                f'<title>{escape(self._title)}</title>\n<style>{_STYLE}</style>')
        body = '\n'.join(self._parts)
        return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n{head}\n</head>\n<body>\n{body}\n'
                '</body>\n</html>\n')

    def write(self, path: str | Path) -> None:
        """Write the page and its folder; raises SourceError where that is not allowed."""
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.html(), encoding='utf-8', errors='backslashreplace')
        except OSError as error:
            raise SourceError(f"Report '{path}' cannot be written ({error.strerror}). Choose a "
                              'file in a folder where you may write.') from error


def _row(tag: str, cells: Sequence[Cell], numeric: Sequence[bool], decimals: int,
         kind: str = '') -> str:
    """Return one line of a table."""
    styles = (' class="number"' if right else '' for right in numeric)
    inside = ''.join(f'<{tag}{attribute}>{escape(_text(cell, decimals))}</{tag}>'
                     for cell, attribute in zip(cells, styles, strict=True))
    return f'<tr class="{kind}">{inside}</tr>' if kind else f'<tr>{inside}</tr>'


def _text(cell: Any, decimals: int) -> str:
    if cell is None:
        return '–'
    return f'{cell:.{decimals}f}' if isinstance(cell, (float, np.floating)) else str(cell)
