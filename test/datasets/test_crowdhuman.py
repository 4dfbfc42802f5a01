# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Annotations of CrowdHuman."""

import json

import numpy as np
import pytest

from finetrack_ros.datasets import read_clips
from finetrack_ros.errors import SourceError

PERSON = {'tag': 'person', 'hbox': [12, 5, 6, 6], 'vbox': [10, 5, 20, 30],
          'fbox': [-3, 5, 33, 70], 'extra': {'box_id': 0, 'occ': 1}, 'head_attr': {'ignore': 0}}
UNSURE = {**PERSON, 'fbox': [40, 5, 20, 50], 'extra': {'box_id': 1, 'ignore': 1}}
MASK = {**PERSON, 'tag': 'mask', 'fbox': [60, 0, 20, 20], 'extra': {'ignore': 1}}


@pytest.fixture
def write(write_image, tmp_path):
    """Return a function that writes lines as an annotation file; two images exist."""
    for name in ('273271,a', '284193,b'):
        write_image(tmp_path / 'Images' / f'{name}.jpg')

    def write_lines(*lines):
        path = tmp_path / 'annotation_val.odgt'
        path.write_text('\n'.join(line if isinstance(line, str) else json.dumps(line)
                                  for line in lines))
        return path
    return write_lines


def test_people_and_what_is_ignored(write):
    path = write({'ID': '284193,b', 'gtboxes': []},
                 {'ID': '273271,a', 'gtboxes': [PERSON, UNSURE, MASK]})
    clip, = read_clips('crowdhuman', path)
    assert (clip.name, clip.is_video, clip.dropped) == ('annotation_val', False, 0)
    assert [frame.path.name for frame in clip.frames] == ['284193,b.jpg', '273271,a.jpg']
    empty, frame = clip.frames
    assert empty.boxes.shape == (0, 4)
    np.testing.assert_allclose(frame.boxes, [[-3, 5, 30, 75], [40, 5, 60, 55], [60, 0, 80, 20]])
    assert frame.ignore.tolist() == [False, True, True]
    assert frame.ids.tolist() == [-1, -1, -1]
    assert frame.read().shape == (60, 80, 3)


def test_visible_part_is_an_option(write):
    path = write({'ID': '273271,a', 'gtboxes': [PERSON]})
    frame, = read_clips('crowdhuman', path, box='vbox')[0].frames
    np.testing.assert_allclose(frame.boxes, [[10, 5, 30, 35]])


def test_images_are_required_where_named(write, tmp_path):
    path = write({'ID': '273271,a', 'gtboxes': []}, {'ID': '1,absent', 'gtboxes': []})
    with pytest.raises(SourceError, match=r'1,absent\.jpg.*does not exist'):
        read_clips('crowdhuman', path)
    (tmp_path / 'Images').rename(tmp_path / 'val')
    path = write({'ID': '273271,a', 'gtboxes': []})
    assert len(read_clips('crowdhuman', path, images='val')[0].frames) == 1


@pytest.mark.parametrize('line', [
    'no json', '[]', '3', '{"ID": "a"}', {'ID': 'a', 'gtboxes': [{'tag': 'person'}]},
    {'ID': 'a', 'gtboxes': 5}, {'ID': 'a', 'gtboxes': [{**PERSON, 'fbox': [1, 2, 3]}]},
    {'ID': 'a', 'gtboxes': [{**PERSON, 'fbox': [1, 2, 3, 'x']}]},
    {'ID': 'a', 'gtboxes': [{**PERSON, 'fbox': [1, 2, 3, 10**400]}]},
    {'ID': 'a', 'gtboxes': [{**PERSON, 'extra': []}]}])
def test_malformed_line_is_explained(write, line):
    path = write({'ID': '273271,a', 'gtboxes': [PERSON]}, line)
    with pytest.raises(SourceError, match=r"annotation_val\.odgt', line 2: no CrowdHuman image"):
        read_clips('crowdhuman', path)


def test_missing_or_empty_file_is_explained(write, tmp_path):
    with pytest.raises(SourceError, match=r'absent\.odgt.*cannot be read'):
        read_clips('crowdhuman', tmp_path / 'absent.odgt')
    with pytest.raises(SourceError, match='are empty'):
        read_clips('crowdhuman', write())
