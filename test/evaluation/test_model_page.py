# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import re

import numpy as np
import pytest

from finetrack_ros.evaluation.detection import PrecisionRecall
from finetrack_ros.evaluation.model_page import (
    by_network,
    colours,
    precision_recall_figure,
    similarity_figure,
    write_model_page,
)
from finetrack_ros.evaluation.model_report import ModelReport
from finetrack_ros.evaluation.reid import ReidScores, Retrieval


def curve(area):
    return PrecisionRecall(np.array([0.5, 1.0]), np.array([1.0, area]), area)


def retrieval(rank1):
    return Retrieval(ReidScores((rank1,) * 20, rank1 / 2, 12), np.full(5, 0.8), np.full(9, -0.1))


@pytest.fixture
def report():
    return ModelReport('nano', 'onnxruntime', 'cpu', {
        'street': {'nano, auto': [curve(0.91), curve(0.52)],
                   'yolox, 416x416': [curve(0.83), curve(0.31)]}}, {
        'people <b>': {'nano, auto': retrieval(0.64)},
        'street': {'nano, auto': retrieval(0.74), 'nano, auto, from the scene': retrieval(0.84),
                   'OSNet x0.25': retrieval(0.7)}})


def test_page_stands_alone_and_says_everything(report, tmp_path):
    write_model_page(report, tmp_path / 'new' / 'model.html')
    page = (tmp_path / 'new' / 'model.html').read_text()
    cells = re.findall(r'<td[^>]*>([^<]*)</td>', page)
    for figure in ('91.0', '52.0', '83.0', '31.0', '64.0', '84.0', '32.0', '12'):
        assert figure in cells
    assert page.count('<img') == 3
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert 'people &lt;b&gt;' in page


@pytest.mark.parametrize('part', ['detection', 'reid'])
def test_page_of_one_part(report, tmp_path, part):
    only = ModelReport('nano', 'onnxruntime', 'cpu', **{'detection': {}, 'reid': {}} | {
        part: getattr(report, part)})
    write_model_page(only, tmp_path / 'model.html')
    page = (tmp_path / 'model.html').read_text()
    assert ('AP75' in page, 'Rank-1' in page) == (part == 'detection', part == 'reid')


def test_values_by_network_leave_gaps():
    assert by_network({'a': {'x': 1}, 'b': {'y': 2, 'x': 3}}) == {'x': [1, 3], 'y': [None, 2]}


def test_networks_have_colours_of_their_own(report):
    chosen = colours(report.reid, 'nano')
    assert len(set(chosen.values())) == len(chosen) == 3


def test_curves_are_drawn_as_measured(report):
    figure = precision_recall_figure(
        {name: {network: curves[0] for network, curves in row.items()}
         for name, row in report.detection.items()}, colours(report.detection, 'nano'))
    line = figure.axes[0].lines[0]
    assert line.get_ydata()[[0, 50, 51, 100]].tolist() == [1, 1, 0.91, 0.91]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [
        '91.0  nano, auto', '83.0  yolox, 416x416']


def test_similarities_of_networks_without_any_stay_empty(report):
    figure = similarity_figure(report.reid, ['nano, auto', 'OSNet x0.25'])
    assert [axes.axison for axes in figure.axes] == [True, False, True, True]
