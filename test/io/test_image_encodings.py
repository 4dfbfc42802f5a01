# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of every encoding decode to the colours that went in; bad ones are refused."""

from types import SimpleNamespace

import cv2
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from finetrack_ros.io.image_encodings import (
    decode_compressed,
    decode_depth,
    decode_raw,
    ENCODINGS,
    ImageError,
    MAX_PIXELS,
)

HEIGHT, WIDTH = 6, 8
BLUE, GREEN, RED = 200, 120, 40

bgr_images = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


def message(encoding, pixels, height=HEIGHT, width=WIDTH, padding=0, big_endian=False):
    """Return a message whose rows hold ``pixels`` [rows, bytes] and some padding."""
    padded = np.pad(pixels, ((0, 0), (0, padding)), constant_values=255)
    return SimpleNamespace(encoding=encoding, height=height, width=width, step=padded.shape[1],
                           is_bigendian=int(big_endian), data=padded.astype(np.uint8).tobytes())


def rows_of(*channels):
    """Return rows of uniform interleaved pixels."""
    return np.tile(np.array(channels, np.uint8), (HEIGHT, WIDTH))


def uniform_yuv():
    """Return luma and the two chromas of the test colour, by OpenCV's own conversion."""
    pixel = np.array([[[BLUE, GREEN, RED]]], np.uint8)
    planes = cv2.cvtColor(np.tile(pixel, (2, 2, 1)), cv2.COLOR_BGR2YUV_I420).ravel()
    return planes[0], planes[4], planes[5]


def yuv_rows(*order):
    luma, u, v = uniform_yuv()
    pair = [{'y': luma, 'u': u, 'v': v}[name] for name in order]
    return np.tile(np.array(pair, np.uint8), (HEIGHT, WIDTH // 2))


def semi_planar(first, second):
    luma = np.full((HEIGHT, WIDTH), uniform_yuv()[0], np.uint8)
    chroma = np.tile(np.array([first, second], np.uint8), (HEIGHT // 2, WIDTH // 2))
    return np.vstack([luma, chroma])


def bayer(pattern):
    value = {'r': RED, 'g': GREEN, 'b': BLUE}
    cell = np.array([value[c] for c in pattern], np.uint8).reshape(2, 2)
    return np.tile(cell, (HEIGHT // 2, WIDTH // 2))


ROWS = {
    'bgr8': rows_of(BLUE, GREEN, RED), '8UC3': rows_of(BLUE, GREEN, RED),
    'rgb8': rows_of(RED, GREEN, BLUE),
    'bgra8': rows_of(BLUE, GREEN, RED, 9), '8UC4': rows_of(BLUE, GREEN, RED, 9),
    'rgba8': rows_of(RED, GREEN, BLUE, 9),
    'yuv422': yuv_rows('u', 'y', 'v', 'y'), 'uyvy': yuv_rows('u', 'y', 'v', 'y'),
    'yuv422_yuy2': yuv_rows('y', 'u', 'y', 'v'), 'yuyv': yuv_rows('y', 'u', 'y', 'v'),
    'nv12': semi_planar(*uniform_yuv()[1:]), 'nv21': semi_planar(*uniform_yuv()[:0:-1]),
    **{f'bayer_{p}8': bayer(p) for p in ('rggb', 'bggr', 'gbrg', 'grbg')},
}
GREY = ('mono8', '8UC1', 'mono16', '16UC1')
DEEP_BAYER = tuple(f'bayer_{p}16' for p in ('rggb', 'bggr', 'gbrg', 'grbg'))


def test_table_of_encodings_is_the_tested_one():
    assert sorted([*ROWS, *GREY, *DEEP_BAYER]) == sorted(ENCODINGS)


@pytest.mark.parametrize('encoding', ROWS)
@pytest.mark.parametrize('padding', [0, 5])
def test_colour_comes_through(encoding, padding):
    image = decode_raw(message(encoding, ROWS[encoding], padding=padding))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - [BLUE, GREEN, RED]).max() <= 4


@pytest.mark.parametrize('encoding', ['mono16', '16UC1', *DEEP_BAYER])
@pytest.mark.parametrize('big_endian', [False, True])
def test_sixteen_bits_keep_their_upper_eight(encoding, big_endian):
    rows = np.full((HEIGHT, WIDTH), 0x4A01, '>u2' if big_endian else '<u2').view(np.uint8)
    image = decode_raw(message(encoding, rows, padding=6, big_endian=big_endian))
    assert (image == 0x4A).all()


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_grey_gives_three_equal_channels(encoding):
    rows = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH)
    image = decode_raw(message(encoding, rows, padding=1))
    assert (image == rows[:, :, None]).all()


@given(bgr_images, st.integers(0, 7))
def test_padding_changes_nothing(image, padding):
    rows = image.reshape(len(image), -1)
    msg = message('bgr8', rows, *image.shape[:2], padding=padding)
    assert np.array_equal(decode_raw(msg), image)


@given(encoding=st.sampled_from([*ENCODINGS, '', 'jpeg', 'BGR8', '32FC1']),
       height=st.integers(0, 2**32 - 1), width=st.integers(0, 2**32 - 1),
       step=st.integers(0, 2**32 - 1), data=st.binary(max_size=64))
def test_hostile_message_is_decoded_or_refused(encoding, height, width, step, data):
    msg = SimpleNamespace(encoding=encoding, height=height, width=width, step=step,
                          is_bigendian=0, data=data)
    try:
        image = decode_raw(msg)
    except ImageError as error:
        assert f'{width}x{height}' in str(error)
    else:
        assert image.shape == (height, width, 3)


@pytest.mark.parametrize(('change', 'problem'), [
    ({'width': 0}, 'size is zero'),
    ({'height': 0}, 'size is zero'),
    ({'width': MAX_PIXELS, 'height': 2}, 'more than'),
    ({'step': 3 * WIDTH - 1}, 'a row needs 24 bytes'),
    ({'step': 3 * WIDTH + 1}, 'truncated'),
    ({'height': HEIGHT + 1}, 'truncated'),
    ({'encoding': 'hsv8'}, 'unknown encoding'),
    ({'encoding': 'nv12', 'height': 3}, 'divisible by 2'),
    ({'encoding': 'yuv422', 'width': 7}, 'divisible by 2'),
])
def test_bad_image_is_named(change, problem):
    msg = message('bgr8', ROWS['bgr8'])
    for name, value in change.items():
        setattr(msg, name, value)
    with pytest.raises(ImageError, match=problem):
        decode_raw(msg)


def compressed(data, kind='jpeg'):
    return SimpleNamespace(format=kind, data=data)


def encoded(suffix, height=HEIGHT, width=WIDTH):
    image = np.full((height, width, 3), (BLUE, GREEN, RED), np.uint8)
    return cv2.imencode(suffix, image)[1].tobytes()


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_compressed_image_decodes(suffix):
    image = decode_compressed(compressed(encoded(suffix)))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - [BLUE, GREEN, RED]).max() <= 4


@pytest.mark.parametrize('suffix', ['.jpg', '.png'])
def test_absurd_compressed_size_is_refused_by_its_header(suffix):
    data = bytearray(encoded(suffix, 16, 16))
    if suffix == '.png':
        data[16:24] = b'\x00\x01\x00\x00' * 2
    else:
        start = data.index(b'\xff\xc0') + 5
        data[start:start + 4] = b'\xff\xff\xff\xff'
    with pytest.raises(ImageError, match='more than'):
        decode_compressed(compressed(bytes(data)))


@pytest.mark.parametrize(('data', 'problem'), [
    (b'', 'JPEG or PNG'),
    (b'GIF89a' + bytes(100), 'JPEG or PNG'),
    (b'\xff\xd8\xff', 'JPEG or PNG'),
    (encoded('.png')[:40], 'damaged|cannot decode'),
])
def test_bad_compressed_image_is_named(data, problem):
    with pytest.raises(ImageError, match=problem):
        decode_compressed(compressed(data))


@given(st.binary(max_size=80), st.sampled_from([b'', b'\xff\xd8\xff\xe0', b'\x89PNG\r\n\x1a\n']))
def test_hostile_compressed_image_is_refused(tail, head):
    with pytest.raises(ImageError, match='compressed image'):
        decode_compressed(compressed(head + tail))


@pytest.mark.parametrize(('encoding', 'kind', 'metres'), [
    ('16UC1', 'u2', 0.001), ('mono16', 'u2', 0.001), ('32FC1', 'f4', 1.0)])
@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('padding', [0, 8])
def test_depth_keeps_its_values(encoding, kind, metres, big_endian, padding):
    values = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) + 1000
    rows = values.astype(f'{"><"[not big_endian]}{kind}').view(np.uint8)
    depth, unit = decode_depth(message(encoding, rows, padding=padding, big_endian=big_endian))
    assert np.array_equal(depth, values)
    assert unit == metres


@pytest.mark.parametrize(('change', 'problem'), [
    ({'encoding': 'bgr8'}, "'bgr8' is no depth; publish one of 16UC1"),
    ({'width': 0}, 'size is zero'),
    ({'step': WIDTH}, 'set step'),
    ({'data': b'12'}, '2 bytes of data'),
])
def test_bad_depth_image_is_named(change, problem):
    msg = message('16UC1', np.zeros((HEIGHT, 2 * WIDTH)))
    vars(msg).update(change)
    with pytest.raises(ImageError, match=problem):
        decode_depth(msg)
