# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parts of a video in words."""

import pytest

from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.errors import SourceError


@pytest.mark.parametrize(('frames', 'expected'), [
    (None, (1, 525)), ('first-half', (1, 262)), ('second-half', (263, 525)),
    ('263:525', (263, 525)), (':10', (1, 10)), ('500:', (500, 525)), ('500:9999', (500, 525))])
def test_frame_ranges(frames, expected):
    assert frame_range(frames, 525) == expected


@pytest.mark.parametrize(('length', 'train', 'val'), [(600, 301, 299), (525, 263, 262)])
def test_halves_of_bytetrack(length, train, val):
    """The frames that ByteTrack counts in MOT17-02 and MOT17-09."""
    first, last = frame_range('train-half', length)
    assert (first, last) == (1, train)
    assert frame_range('val-half', length) == (train + 1, train + val)


@pytest.mark.parametrize('frames', ['half', '5', 'a:b', '9:3', '0:5', '600:', '1:2:3', '-5:9', ''])
def test_frame_ranges_that_mean_nothing_are_refused(frames):
    with pytest.raises(SourceError, match='Frame range'):
        frame_range(frames, 525)


@pytest.mark.parametrize(('frames', 'length'), [
    ('first-half', 1), ('val-half', 2), ('train-half', 0), (None, 0)])
def test_parts_without_a_frame_are_refused(frames, length):
    with pytest.raises(SourceError, match='holds none'):
        frame_range(frames, length)
