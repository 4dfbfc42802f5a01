# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Decode the pixels of camera messages into BGR arrays, without ROS.

The functions take any object that has the fields of sensor_msgs/Image or CompressedImage: a
message of rclpy, or one that was read from a bag.
"""

from __future__ import annotations

from dataclasses import dataclass
import struct
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import FinetrackError
from finetrack_ros.io.deep_images import DepthReducer

#: Larger images are refused before anything is allocated for them.
MAX_PIXELS = 64 * 1024 * 1024

_PNG_SIGNATURE = b'\x89PNG\r\n\x1a\n'
_JPEG_SIGNATURE = b'\xff\xd8\xff'


class RawImage(Protocol):
    """
    The fields of sensor_msgs/Image that say what its pixels are.

    :ivar data: bytes of the rows, in any contiguous buffer with a length (array, bytes, NumPy).
    """

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


class CompressedData(Protocol):
    """The fields of sensor_msgs/CompressedImage that say what its pixels are."""

    format: str
    data: Any


class ImageError(FinetrackError, ValueError):
    """An image message that cannot be decoded; names encoding, size, problem and remedy."""


@dataclass(frozen=True)
class _Layout:
    """How the pixels of an encoding lie in memory, and how OpenCV turns them into BGR."""

    channels: int
    to_bgr: int | None
    dtype: str = 'u1'
    even: tuple[int, int] = (1, 1)
    """The height and the width must be multiples of these (chroma subsampling, Bayer cells)."""
    planes: tuple[int, int] = (1, 1)
    """Rows in memory per row of the image, as a fraction."""


def _layouts() -> dict[str, _Layout]:
    """Return the layout of each encoding of ``sensor_msgs/image_encodings.hpp`` known here."""
    table = {
        'bgr8': _Layout(3, None),
        'rgb8': _Layout(3, cv2.COLOR_RGB2BGR),
        'bgra8': _Layout(4, cv2.COLOR_BGRA2BGR),
        'rgba8': _Layout(4, cv2.COLOR_RGBA2BGR),
        'mono8': _Layout(1, cv2.COLOR_GRAY2BGR),
        'mono16': _Layout(1, cv2.COLOR_GRAY2BGR, 'u2'),
        'yuv422': _Layout(2, cv2.COLOR_YUV2BGR_UYVY, even=(1, 2)),
        'yuv422_yuy2': _Layout(2, cv2.COLOR_YUV2BGR_YUY2, even=(1, 2)),
        'nv12': _Layout(1, cv2.COLOR_YUV2BGR_NV12, even=(2, 2), planes=(3, 2)),
        'nv21': _Layout(1, cv2.COLOR_YUV2BGR_NV21, even=(2, 2), planes=(3, 2)),
    }
    # OpenCV's older names, after the second and third pixel of the second row: 4.5, which
    # Ubuntu 22.04 has, knows no others.
    for pattern, code in {'RGGB': cv2.COLOR_BayerBG2BGR, 'BGGR': cv2.COLOR_BayerRG2BGR,
                          'GBRG': cv2.COLOR_BayerGR2BGR, 'GRBG': cv2.COLOR_BayerGB2BGR}.items():
        for bits, dtype in ((8, 'u1'), (16, 'u2')):
            table[f'bayer_{pattern.lower()}{bits}'] = _Layout(1, code, dtype, even=(2, 2))
    aliases = {'uyvy': 'yuv422', 'yuyv': 'yuv422_yuy2', '8UC1': 'mono8', '8UC3': 'bgr8',
               '8UC4': 'bgra8', '16UC1': 'mono16'}
    table.update({alias: table[name] for alias, name in aliases.items()})
    return table


_LAYOUTS = _layouts()

#: The encodings of sensor_msgs/Image that are decoded here.
ENCODINGS = tuple(sorted(_LAYOUTS))

# Layout of a depth image's values, and the metres that one of them counts for (REP 118).
_DEPTHS = {
    '16UC1': (_Layout(1, None, 'u2'), 1e-3),
    'mono16': (_Layout(1, None, 'u2'), 1e-3),
    '32FC1': (_Layout(1, None, 'f4'), 1.0),
}


def decode_raw(msg: RawImage, reducer: DepthReducer | None = None) -> NDArray[np.uint8]:
    """
    Return the image of a sensor_msgs/Image as uint8 [H, W, 3] in BGR order.

    ``step`` and ``is_bigendian`` are honoured. A dense bgr8 image is returned as a view of the
    message's own memory: do not write to it.

    :param reducer: of the camera, scales 16-bit values; None scales by this image alone.
    :raises ImageError: for zero or absurd sizes, short data, a step shorter than a row, odd sizes
        of subsampled encodings, and encodings that are not in :data:`ENCODINGS`.
    """
    check_size(msg.width, msg.height, f'{msg.encoding or "unnamed"} image')
    layout = _LAYOUTS.get(msg.encoding)
    if layout is None:
        raise ImageError(f'image of {msg.width}x{msg.height}: unknown encoding {msg.encoding!r}; '
                         f'publish one of {", ".join(ENCODINGS)}')
    pixels = _pixels(msg, layout)
    if layout.dtype == 'u2':
        pixels = (reducer or DepthReducer()).reduce(pixels)
    if layout.to_bgr is None:
        return pixels
    return np.asarray(cv2.cvtColor(pixels, layout.to_bgr), np.uint8)


def decode_depth(msg: RawImage) -> tuple[NDArray[Any], float]:
    """
    Return the values of a depth image, [H, W], and the metres that one of them counts for.

    16UC1 and mono16 are in millimetres, 32FC1 is in metres. A dense image is returned as a view
    of the message's own memory: do not write to it.

    :raises ImageError: for zero or absurd sizes, short data, a step shorter than a row, and other
        encodings.
    """
    check_size(msg.width, msg.height, f'{msg.encoding or "unnamed"} depth image')
    if msg.encoding not in _DEPTHS:
        raise ImageError(f'depth image of {msg.width}x{msg.height}: encoding {msg.encoding!r} is '
                         f'no depth; publish one of {", ".join(_DEPTHS)}')
    layout, metres = _DEPTHS[msg.encoding]
    return _pixels(msg, layout), metres


def _pixels(msg: RawImage, layout: _Layout) -> NDArray[Any]:
    """Return a dense [rows, W] or [rows, W, C] array of the message's pixels, checked."""
    label = f'{msg.encoding} image of {msg.width}x{msg.height} with step {msg.step}'
    if msg.height % layout.even[0] or msg.width % layout.even[1]:
        raise ImageError(
            f'{label}: the encoding needs a width divisible by {layout.even[1]} and a height '
            f'divisible by {layout.even[0]}; correct the size in the camera driver')
    dtype = np.dtype(('>' if msg.is_bigendian else '<') + layout.dtype)
    row_bytes = msg.width * layout.channels * dtype.itemsize
    if msg.step < row_bytes:
        raise ImageError(f'{label}: a row needs {row_bytes} bytes; set step to the length of '
                         'a row in bytes in the camera driver')
    rows = msg.height * layout.planes[0] // layout.planes[1]
    expected = rows * msg.step
    if len(msg.data) < expected:
        raise ImageError(f'{label}: has {len(msg.data)} bytes of data where {expected} are '
                         'needed; the driver publishes truncated images or a wrong size')
    flat = np.frombuffer(msg.data, np.uint8, expected).reshape(rows, msg.step)
    dense = np.ascontiguousarray(flat[:, :row_bytes]).view(dtype)
    if layout.channels == 1:
        return dense
    return dense.reshape(rows, msg.width, layout.channels)


def check_size(width: int, height: int, label: str) -> None:
    """
    Refuse sizes that no camera has, before memory is spent on them.

    :raises ImageError: for no pixels at all, and for more than :data:`MAX_PIXELS`.
    """
    if width < 1 or height < 1:
        raise ImageError(f'{label} of {width}x{height}: the size is zero; the camera driver '
                         'publishes empty images')
    if width * height > MAX_PIXELS:
        raise ImageError(f'{label} of {width}x{height}: more than {MAX_PIXELS} pixels; publish '
                         'a smaller image, or correct its size')


def decode_compressed(msg: CompressedData, reducer: DepthReducer | None = None
                      ) -> NDArray[np.uint8]:
    """
    Return the image of a sensor_msgs/CompressedImage (JPEG or PNG) as uint8 [H, W, 3] in BGR.

    The orientation tag of JPEG is ignored, so that boxes are in pixels of the image as sent.

    :param reducer: of the camera, scales PNG of 16 bits; None scales by this image alone.
    :raises ImageError: for other formats, damaged data, and absurd sizes.
    """
    data = memoryview(msg.data).cast('B')
    label = f'compressed image with format {msg.format!r} and {len(data)} bytes'
    size = _compressed_size(data)
    if size is None:
        raise ImageError(f'{label}: the data does not begin as JPEG or PNG; publish one of these '
                         '(image_transport "compressed"; not "compressedDepth" or "theora")')
    check_size(*size, label)
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ImageError(f'{label}: OpenCV cannot decode it ({error.err})') from error
    if image is None:
        raise ImageError(f'{label}: the data is damaged; look at the camera driver or the link')
    return (reducer or DepthReducer()).reduce(image)


def _compressed_size(data: memoryview) -> tuple[int, int] | None:
    """Return width and height from the header of a PNG or JPEG, None where there is none."""
    signature = bytes(data[:8])
    if signature == _PNG_SIGNATURE and len(data) >= 24:
        width, height = struct.unpack('>II', data[16:24])
        return width, height
    if not signature.startswith(_JPEG_SIGNATURE):
        return None
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        # Frame headers are C0 to CF, except the tables DHT (C4), JPG (C8) and DAC (CC).
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack('>HH', data[position + 5:position + 9])
            return width, height
        position += 2 + struct.unpack('>H', data[position + 2:position + 4])[0]
    return None
