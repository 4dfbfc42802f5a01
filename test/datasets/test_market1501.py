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


def write_tar(path, files):
    with tarfile.open(path, 'w') as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f'crops/{name}')
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def market(tmp_path):
    files = {name: cv2.imencode('.jpg', np.full((128, 64, 3), 40 * shade, np.uint8))[1].tobytes()
             for shade, name in enumerate(NAMES)}
    return Market1501(write_tar(tmp_path / 'crops.tar', {**files, 'readme.txt': b'not a crop'}))


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


def test_bad_files_are_named(tmp_path):
    with pytest.raises(SourceError, match='no such file'):
        Market1501(tmp_path / 'absent.tar')
    (tmp_path / 'text.tar').write_text('no tar')
    with pytest.raises(SourceError, match=r'text\.tar: cannot be read'):
        Market1501(tmp_path / 'text.tar')
    with pytest.raises(SourceError, match='holds no crop'):
        Market1501(write_tar(tmp_path / 'empty.tar', {}))
    damaged = Market1501(write_tar(tmp_path / 'damaged.tar', {NAMES[0]: b'no JPEG'}))
    with pytest.raises(SourceError, match=NAMES[0]):
        damaged.image(0)
