# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Hand paths to native libraries, which take them as UTF-8, read URLs into them, and print."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
import tempfile
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray


@contextmanager
def native_name(path: Path, reserved: str = '') -> Iterator[str]:
    """
    Give a name by which a native library can open or create a file, while the context lasts.

    File names of Linux are any bytes, and OpenCV crashes on those that are not UTF-8: such a file
    gets a link with a plain name, and so does one with a ``reserved`` character. Absolute paths
    keep FFmpeg from seeing a protocol in ``12:30``.
    """
    absolute = path.absolute()
    name = str(absolute)
    if name == name.encode(errors='replace').decode() and not set(name) & set(reserved):
        yield name
    else:
        with tempfile.TemporaryDirectory(prefix='finetrack-') as folder:
            suffix = absolute.suffix.encode(errors='replace').decode()
            link = Path(folder, f'file{suffix}')
            link.symlink_to(absolute)
            yield str(link)


@contextmanager
def without_opencv_messages() -> Iterator[None]:
    """Keep OpenCV's backends from printing why each of them failed; one message follows."""
    # OpenCV 4, as ROS distributions bring it, has in its root what 5 keeps in a module.
    opencv_log = getattr(cv2.utils, 'logging', cv2)
    level = opencv_log.getLogLevel()
    opencv_log.setLogLevel(0)
    try:
        yield
    finally:
        opencv_log.setLogLevel(level)


def read_image(path: Path, flags: int = cv2.IMREAD_COLOR) -> NDArray[Any] | None:
    """
    Return what ``cv2.imread`` returns, for any file name; None where that cannot be decoded.

    :raises OSError: where the file cannot be read.
    """
    data = np.frombuffer(path.read_bytes(), np.uint8)
    if not len(data):
        return None
    try:
        return cv2.imdecode(data, flags)
    except cv2.error:
        return None
