# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import base64
from html.parser import HTMLParser
import re
import subprocess
import sys

import cv2
from matplotlib.figure import Figure
import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.html_report import Page

HOSTILE = '<script>alert("&")</script>'


class Reader(HTMLParser):
    """Collect the tags, the addresses and the texts of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.addresses, self.texts = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ('src', 'href')]

    def handle_data(self, data):
        self.texts.append(data)


def plot():
    figure = Figure(figsize=(3, 2), layout='constrained')
    figure.add_subplot().plot([0, 1], [0, 1])
    return figure


def data_of(address, kind):
    head, data = address.split(',')
    assert head == f'data:image/{kind};base64'
    return base64.b64decode(data)


def test_texts_from_outside_stay_texts():
    page = Page(HOSTILE, HOSTILE)
    page.add_heading(HOSTILE)
    page.add_text(HOSTILE)
    page.add_table([HOSTILE], [[HOSTILE]], HOSTILE)
    page.add_figure(plot(), HOSTILE, HOSTILE)
    read = Reader(page.html())
    assert 'script' not in read.tags
    # Title, heading of the page, subtitle, section, paragraph, caption, two cells, below the plot.
    assert read.texts.count(HOSTILE) == 9


def test_everything_is_inside_the_file(tmp_path):
    page = Page('Report')
    page.add_figure(plot(), 'a line')
    page.add_image(np.zeros((4, 6, 3), np.uint8), 'nothing')
    page.write(tmp_path / 'new' / 'report.html')
    read = Reader((tmp_path / 'new' / 'report.html').read_text(encoding='utf-8'))
    assert len(read.addresses) == 2
    assert all(address.startswith('data:') for address in read.addresses)
    assert not {'script', 'link', 'iframe'} & set(read.tags)


def test_images_keep_their_pixels():
    image = np.random.default_rng(0).integers(0, 255, (16, 24, 3), np.uint8)
    page = Page('Report')
    page.add_image(image, 'noise', lossless=True)
    page.add_image(image, 'noise')
    png, jpeg = Reader(page.html()).addresses
    decoded = cv2.imdecode(np.frombuffer(data_of(png, 'png'), np.uint8), cv2.IMREAD_COLOR)
    assert (decoded == image).all()
    decoded = cv2.imdecode(np.frombuffer(data_of(jpeg, 'jpeg'), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == image.shape


def test_figures_are_drawings_and_the_same_each_time():
    first, second = Page('Report'), Page('Report')
    first.add_figure(plot(), 'a line')
    second.add_figure(plot(), 'a line')
    assert b'<svg' in data_of(Reader(first.html()).addresses[0], 'svg+xml')
    assert first.html() == second.html()


def test_numbers_are_rounded_and_aligned():
    page = Page('Report')
    page.add_table(['Name', 'Score', 'Count'],
                   [['a', 12.345, 3], ['b', np.float32(1), None], ['all', 6.0, 3]], totals=1)
    html = page.html()
    rows = re.findall(r'<tr.*?</tr>', html)
    assert rows[0] == ('<tr><th>Name</th><th class="number">Score</th>'
                       '<th class="number">Count</th></tr>')
    assert rows[1] == '<tr><td>a</td><td class="number">12.3</td><td class="number">3</td></tr>'
    assert '>1.0<' in rows[2] and '>–<' in rows[2]
    assert [row.startswith('<tr class="total first">') for row in rows] == [False] * 3 + [True]


def test_rows_have_as_many_cells_as_columns():
    with pytest.raises(ValueError):
        Page('Report').add_table(['a', 'b'], [[1]])


def test_where_it_cannot_be_written_it_says_so(tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(SourceError, match='cannot be written'):
        Page('Report').write(tmp_path / 'file' / 'report.html')


def test_pyplot_is_not_touched():
    code = ('import sys; from matplotlib.figure import Figure; '
            'from finetrack_ros.evaluation.html_report import Page; '
            'figure = Figure(layout="constrained"); figure.add_subplot(); '
            'Page("Report").add_figure(figure, "empty"); '
            'print("matplotlib.pyplot" in sys.modules)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          timeout=120, check=True)
    assert done.stdout.strip() == 'False'
