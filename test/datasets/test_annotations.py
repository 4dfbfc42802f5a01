# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames are decoded on request, and boxes without area are left out and counted."""

from pathlib import Path
import struct
import zlib

import numpy as np
import pytest

from finetrack_ros.datasets.annotations import annotate, make_clip
from finetrack_ros.errors import SourceError


def frame_of(path):
    return annotate(path, np.zeros((0, 4)))[0]


def png_of_size(width, height):
    """Return a PNG whose header promises a size and that has no pixels."""
    def chunk(kind, content):
        return (struct.pack('>I', len(content)) + kind + content
                + struct.pack('>I', zlib.crc32(kind + content)))
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', b'')
            + chunk(b'IEND', b''))


def test_frame_is_read_whole_or_at_half_size(write_image, tmp_path):
    frame = frame_of(write_image(tmp_path / 'a.jpg', height=60, width=80))
    assert frame.read().shape == (60, 80, 3)
    assert frame.read(half=True).shape == (30, 40, 3)
    assert frame.read().dtype == np.uint8


@pytest.mark.parametrize('content', [None, b'', b'no image', png_of_size(60000, 60000)],
                         ids=['missing', 'empty', 'text', 'too large'])
@pytest.mark.parametrize('half', [False, True])
def test_unreadable_image_is_named(tmp_path, content, half):
    path = tmp_path / 'broken.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=r'broken\.png.*cannot be decoded'):
        frame_of(path).read(half=half)


def test_boxes_without_area_are_dropped_and_counted():
    boxes = np.array([[0, 0, 10, 20], [5, 5, 5, 9], [0, 0, np.nan, 9], [9, 9, 3, 12],
                      [-4, 0, 2, 1]])
    frame, dropped = annotate(Path('a.jpg'), boxes, np.arange(5), np.arange(5) == 4)
    assert dropped == 3
    assert frame.ids.tolist() == [0, 4]
    assert frame.ignore.tolist() == [False, True]
    assert frame.boxes.tolist() == [[0, 0, 10, 20], [-4, 0, 2, 1]]
    assert (frame.boxes.dtype, frame.ids.dtype) == (np.float32, np.int64)
    assert make_clip('a', [(frame, dropped), (frame, 1)], is_video=False).dropped == 4


def test_unknown_people_have_no_id_and_count():
    frame, _ = annotate(Path('a.jpg'), np.array([[0.0, 0, 1, 1]]))
    assert frame.ids.tolist() == [-1]
    assert frame.ignore.tolist() == [False]
