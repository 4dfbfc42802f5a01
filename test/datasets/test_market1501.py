# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Market-1501 crops read in place."""

import io
import tarfile

import cv2
import numpy as np
import pytest

from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.errors import ConfigError, SourceError

NAMES = ('0007_c3s1_000002_01.jpg', '0002_c1s2_000451_03.jpg', '0002_c2s1_000009_01.jpg')


def write_tar(path, files, mode='w'):
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f'crops/{name}')
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def crops():
    """Return three crops of two people, and a junk image and a distractor, by file name."""
    names = (*NAMES, '-1_c1s1_000401_03.jpg', '0000_c2s1_000009_01.jpg')
    return {name: cv2.imencode('.jpg', np.full((128, 64, 3), 40 * shade, np.uint8))[1].tobytes()
            for shade, name in enumerate(names)}


@pytest.fixture(params=['tar file', 'folder'])
def market(request, tmp_path, crops):
    files = {**crops, 'readme.txt': b'not a crop', 'Thumbs.db': b''}
    if request.param == 'tar file':
        return Market1501(write_tar(tmp_path / 'crops.tar', files))
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return Market1501(tmp_path)


def test_samples_are_sorted_and_name_identity_and_camera(market):
    assert len(market) == 3
    assert [(item.identity, item.camera) for item in market.samples] == [(2, 1), (2, 2), (7, 3)]
    assert market.samples[0].frame == 451
    assert market.samples[0].sequence == 2


def test_image_belongs_to_its_sample(market):
    assert market.image(0).shape == (128, 64, 3)
    assert market.image(0).dtype == np.uint8
    assert [round(market.image(index).mean() / 40) for index in range(3)] == [1, 2, 0]


def test_split_keeps_the_highest_identities(market):
    train, last = market.split(last_ids=1)
    assert train.tolist() == [0, 1]
    assert last.tolist() == [2]


@pytest.mark.parametrize('last_ids', [0, 2, -1])
def test_split_needs_identities_on_both_sides(market, last_ids):
    with pytest.raises(ConfigError, match='2 identities'):
        market.split(last_ids)


def test_crops_of_nobody_are_skipped_and_counted(market):
    assert market.skipped == 2
    assert {item.identity for item in market.samples} == {2, 7}


def test_bad_files_are_named(tmp_path):
    with pytest.raises(SourceError, match=r'absent\.tar: no such folder or file'):
        Market1501(tmp_path / 'absent.tar')
    (tmp_path / 'text.tar').write_text('no tar')
    with pytest.raises(SourceError, match=r'text\.tar: cannot be read'):
        Market1501(tmp_path / 'text.tar')
    with pytest.raises(SourceError, match='holds no crop'):
        Market1501(write_tar(tmp_path / 'empty.tar', {}))
    with pytest.raises(SourceError, match='holds no crop of a person.*bounding_box_train'):
        Market1501(tmp_path)
    with pytest.raises(SourceError, match='holds no crop of a person'):
        Market1501(write_tar(tmp_path / 'junk.tar', {'-1_c1s1_000401_03.jpg': b''}))


@pytest.mark.parametrize('content', [b'no JPEG', b''])
def test_damaged_crop_is_named(tmp_path, content):
    damaged = Market1501(write_tar(tmp_path / 'damaged.tar', {NAMES[0]: content}))
    with pytest.raises(SourceError, match=NAMES[0]):
        damaged.image(0)


@pytest.mark.parametrize('mode', ['w', 'w:gz'])
def test_half_fetched_tar_is_explained(tmp_path, mode):
    path = tmp_path / 'half.tar'
    rng = np.random.default_rng(0)
    write_tar(path, {name: rng.bytes(20000) for name in NAMES}, mode)
    path.write_bytes(path.read_bytes()[:30000])
    with pytest.raises(SourceError, match=r'half\.tar: cannot be read.*fetch it again'):
        Market1501(path)
