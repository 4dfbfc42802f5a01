# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Messages of rclpy decode as in test/io/test_image_encodings.py; arrays become messages."""

import cv2
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from finetrack_ros.io.image_encodings import ENCODINGS
from finetrack_ros.ros.messages.image_conversions import (
    decode_compressed,
    decode_image,
    ImageError,
    to_image_message,
)

pytestmark = pytest.mark.ros

bgr_images = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3)))


@given(bgr_images)
def test_message_round_trip(image):
    header = Header(frame_id='camera')
    msg = to_image_message(image, header)
    assert (msg.height, msg.width, msg.step) == (*image.shape[:2], 3 * image.shape[1])
    assert msg.header == header
    assert np.array_equal(decode_image(msg), image)


@given(encoding=st.sampled_from([*ENCODINGS, '', 'jpeg', 'BGR8', '32FC1']),
       height=st.integers(0, 2**32 - 1), width=st.integers(0, 2**32 - 1),
       step=st.integers(0, 2**32 - 1), data=st.binary(max_size=64))
def test_hostile_message_is_decoded_or_refused(encoding, height, width, step, data):
    msg = Image(encoding=encoding, height=height, width=width, step=step)
    msg.data.frombytes(data)
    try:
        image = decode_image(msg)
    except ImageError as error:
        assert f'{width}x{height}' in str(error)
    else:
        assert image.shape == (height, width, 3)


@pytest.mark.parametrize(('encoding', 'width', 'problem'), [
    ('hsv8', 4, 'unknown encoding|cv_bridge cannot convert'),
    ('hsv8', 0, 'size is zero'),
    ('bgr8', 4, 'truncated'),
])
def test_bad_image_is_named(encoding, width, problem):
    with pytest.raises(ImageError, match=problem):
        decode_image(Image(encoding=encoding, height=2, width=width, step=12))


@given(bgr_images)
def test_compressed_message_decodes(image):
    msg = CompressedImage(format='png')
    msg.data.frombytes(cv2.imencode('.png', image)[1].tobytes())
    assert np.array_equal(decode_compressed(msg), image)


@given(st.binary(max_size=80))
def test_hostile_compressed_message_is_refused(data):
    msg = CompressedImage(format='jpeg')
    msg.data.frombytes(data)
    with pytest.raises(ImageError, match='compressed image'):
        decode_compressed(msg)


def test_only_bgr_arrays_become_messages():
    with pytest.raises(ValueError, match=r'uint8 \[H, W, 3\]'):
        to_image_message(np.zeros((4, 4), np.uint8), Header())
