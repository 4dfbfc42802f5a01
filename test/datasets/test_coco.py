# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""COCO's JSON of object instances."""

import json

from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.datasets import read_clips
from finetrack_ros.errors import ConfigError, FinetrackError, SourceError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(['id', 'image_id', 'category_id', 'bbox', 'name', 'file_name']), inner,
        max_size=3), max_leaves=6)


def content():
    return {
        'categories': [{'id': 1, 'name': 'person'}, {'id': 18, 'name': 'dog'}],
        'images': [{'id': 7, 'file_name': 'b.jpg'}, {'id': 9, 'file_name': 'a.jpg'},
                   {'id': 8, 'file_name': 'c.jpg'}],
        'annotations': [
            {'image_id': 7, 'category_id': 1, 'bbox': [10, 20, 30, 40], 'iscrowd': 0},
            {'image_id': 7, 'category_id': 18, 'bbox': [1, 2, 3, 4], 'iscrowd': 0},
            {'image_id': 7, 'category_id': 1, 'bbox': [0, 0, 80, 9.5], 'iscrowd': 1},
            {'image_id': 8, 'category_id': 1, 'bbox': [5, 5, 0, 4]}]}


@pytest.fixture
def write(write_image, tmp_path):
    """Return a function that writes an annotation file beside a folder of its images."""
    for name in 'abc':
        write_image(tmp_path / 'val2017' / f'{name}.jpg')
    (tmp_path / 'annotations').mkdir()

    def write_content(value):
        path = tmp_path / 'annotations' / 'instances_val2017.json'
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        return path
    return write_content


def test_people_and_crowds(write):
    clip, = read_clips('coco', write(content()), images='../val2017')
    assert (clip.name, clip.is_video, clip.dropped) == ('instances_val2017', False, 1)
    assert [frame.path.name for frame in clip.frames] == ['a.jpg', 'b.jpg', 'c.jpg']
    assert [len(frame.boxes) for frame in clip.frames] == [0, 2, 0]
    frame = clip.frames[1]
    np.testing.assert_allclose(frame.boxes, [[10, 20, 40, 60], [0, 0, 80, 9.5]])
    assert frame.ignore.tolist() == [False, True]
    assert frame.ids.tolist() == [-1, -1]
    assert frame.read().shape == (60, 80, 3)


def test_images_lie_beside_the_file_by_default(write, write_image, tmp_path):
    path = write(content())
    with pytest.raises(SourceError, match=r"a\.jpg.*2 other of the 3 images.*option 'images'"):
        read_clips('coco', path)
    for name in 'abc':
        write_image(path.parent / f'{name}.jpg')
    assert len(read_clips('coco', path)[0].frames) == 3
    assert len(read_clips('coco', path, images=str(tmp_path / 'val2017'))[0].frames) == 3


def test_category_and_part_are_options(write):
    path = write(content())
    clip, = read_clips('coco', path, images='../val2017', category='dog', part='train')
    assert [len(frame.boxes) for frame in clip.frames] == [0, 1]
    with pytest.raises(ConfigError, match="no category 'cat'.*dog, person"):
        read_clips('coco', path, images='../val2017', category='cat')
    with pytest.raises(ConfigError, match='none of the 3 images'):
        read_clips('coco', path, images='../val2017', part='evaluate', evaluate_every=4)


@pytest.mark.parametrize('damage', [
    lambda value: '{',
    lambda value: '[]',
    lambda value: {**value, 'images': 3},
    lambda value: {key: value[key] for key in ('images', 'annotations')},
    lambda value: {**value, 'annotations': [{'image_id': 7, 'category_id': 1}]},
    lambda value: {**value, 'annotations': [
        {'image_id': 7, 'category_id': 1, 'bbox': [1, 2, 3]}]},
    lambda value: {**value, 'annotations': [
        {'image_id': 5, 'category_id': 1, 'bbox': [1, 2, 3, 4]}]},
    lambda value: {**value, 'annotations': [
        {'image_id': 7, 'category_id': 1, 'bbox': [1, 2, 'wide', 4]}]},
])
def test_malformed_file_is_explained(write, damage):
    with pytest.raises(SourceError, match=r'instances_val2017\.json.*no COCO instances'):
        read_clips('coco', write(damage(content())), images='../val2017')


def test_missing_file_is_explained(tmp_path):
    with pytest.raises(SourceError, match=r'absent\.json.*No such file'):
        read_clips('coco', tmp_path / 'absent.json')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(['images', 'annotations', 'categories']), JSON_VALUES)
def test_no_content_crashes_the_reader(write, key, value):
    path = write({**content(), key: value})
    try:
        frames = read_clips('coco', path, images='../val2017')[0].frames
    except FinetrackError as error:
        assert 'instances_val2017.json' in str(error) or 'none of the 0 images' in str(error)
    else:
        assert all(np.isfinite(frame.boxes).all() for frame in frames)
