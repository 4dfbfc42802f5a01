# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Decode sensor_msgs images into BGR arrays, and encode BGR arrays as sensor_msgs/Image.

The common encodings are decoded by ``finetrack_ros.io``: ``cv_bridge`` copies every image and its
binaries break with NumPy 2. Other encodings go to ``cv_bridge`` where it is installed.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from finetrack_ros.io.deep_images import DepthReducer
from finetrack_ros.io.image_encodings import (
    check_size,
    decode_compressed,
    decode_raw,
    ENCODINGS,
    ImageError,
)

__all__ = ['ImageError', 'decode_compressed', 'decode_image', 'to_compressed_message',
           'to_image_message']

#: Quality of JPEG images, of 100.
JPEG_QUALITY = 85


def decode_image(msg: Image, reducer: DepthReducer | None = None) -> NDArray[np.uint8]:
    """
    Return the image of a sensor_msgs/Image as uint8 [H, W, 3] in BGR order.

    As :func:`finetrack_ros.io.image_encodings.decode_raw`, and other encodings by cv_bridge.

    :raises ImageError: as ``decode_raw``, and for encodings that neither it nor cv_bridge knows.
    """
    if msg.encoding in ENCODINGS:
        return decode_raw(msg, reducer)
    check_size(msg.width, msg.height, f'{msg.encoding or "unnamed"} image')
    return _decode_with_cv_bridge(msg)


def _decode_with_cv_bridge(msg: Image) -> NDArray[np.uint8]:
    """Decode a rarer encoding through cv_bridge."""
    label = f'image of {msg.width}x{msg.height} with encoding {msg.encoding!r}'
    remedy = f'publish one of {", ".join(ENCODINGS)}'
    try:
        from cv_bridge import CvBridge, CvBridgeError
    except ImportError as error:
        raise ImageError(
            f'{label}: unknown encoding, and cv_bridge is not available ({error}); {remedy}, '
            'or install cv_bridge') from error
    try:
        image = CvBridge().imgmsg_to_cv2(msg, 'bgr8')
    except (CvBridgeError, ValueError, TypeError, RuntimeError, cv2.error) as error:
        raise ImageError(f'{label}: cv_bridge cannot convert it ({error}); {remedy}') from error
    return np.ascontiguousarray(image, np.uint8)


def to_image_message(image: NDArray[np.uint8], header: Header) -> Image:
    """
    Return a bgr8 sensor_msgs/Image of a uint8 [H, W, 3] BGR array under the given header.

    :raises ValueError: where the array has another dtype or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f'image must be uint8 [H, W, 3], not {image.dtype} {list(image.shape)}')
    msg = Image(header=header, height=image.shape[0], width=image.shape[1], encoding='bgr8',
                is_bigendian=0, step=3 * image.shape[1])
    # Assigning an array to `data` would copy it element by element.
    msg.data.frombytes(np.ascontiguousarray(image).data.cast('B'))
    return msg


def to_compressed_message(image: NDArray[np.uint8], header: Header) -> CompressedImage:
    """Return a JPEG sensor_msgs/CompressedImage of a uint8 [H, W, 3] BGR array."""
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    # As image_transport names what it compresses.
    msg = CompressedImage(header=header, format='bgr8; jpeg compressed bgr8')
    msg.data.frombytes(data.tobytes())
    return msg
