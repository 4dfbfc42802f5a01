# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames of videos, network streams and local cameras, decoded by OpenCV."""

from __future__ import annotations

import logging
import math
from pathlib import Path
import time
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError
from finetrack_ros.io.frames import Frame, FrameSource
from finetrack_ros.io.native_paths import native_name, without_opencv_messages
from finetrack_ros.io.seqinfo import DEFAULT_FPS, MAX_FPS

#: Reads in a row that may fail before a file without a stated length counts as read.
_PATIENCE = 30
_MOST_PATIENCE = 5000
#: Frames in a row at the stated rate that prove it constant.
_STEADY = 5
_CAMERA_PATIENCE = 5

_logger = logging.getLogger(__name__)


class VideoSource(FrameSource):
    """
    Video file or network stream, decoded by OpenCV.

    A file is read on behind a damaged stretch. Where it keeps a constant rate, its times tell how
    many frames are missing there; else each read that fails counts as one.
    """

    def __init__(self, source: str | Path, name: str, strict: bool = False) -> None:
        """Open a file by its path or a stream by its URL; SourceError where no frame decodes."""
        self._label, self.name, self.strict = str(source), name, strict
        self._is_file = isinstance(source, Path)
        with without_opencv_messages():
            if isinstance(source, Path):
                with native_name(source) as path:
                    self._capture = cv2.VideoCapture(path)
            else:
                self._capture = cv2.VideoCapture(source)
        self._index = self._steady = 0
        self._irregular = False
        self._stamp = self._offset = 0.0
        opened = self._capture.isOpened()
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT) if opened else 0.0
        self.length = int(count) if 1 <= count < 1e9 else None
        # Only decoding proves that a video can be read, so the first frame is decoded here.
        self._pending: tuple[NDArray[Any] | None, int] | None = (
            self._read() if opened else (None, 0))
        if self._pending[0] is None:
            self._capture.release()
            raise SourceError(
                f"Video '{self._label}' cannot be decoded. Check that the file is complete (or "
                'the stream is up), or convert it, for example with: ffmpeg -i INPUT -c:v libx264 '
                'video.mp4')
        self.fps = self._read_fps()

    def _read_fps(self) -> float:
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        if math.isfinite(fps) and 0 < fps <= MAX_FPS:
            return fps
        _logger.warning("Video '%s' states no frame rate; %g fps is assumed.",
                        self._label, DEFAULT_FPS)
        return DEFAULT_FPS

    def _read(self) -> tuple[NDArray[Any] | None, int]:
        """Return the next image that decodes, None at the end, and how many reads failed."""
        patience = 0
        if self._is_file:
            patience = _PATIENCE + max((self.length or 0) - self._index, 0)
        failures = 0
        while (image := self._capture.read()[1]) is None:
            failures += 1
            if failures > min(patience, _MOST_PATIENCE):
                break
        return image, failures

    def __next__(self) -> Frame:
        """Return the next decoded frame with the time stamp that the container gives it."""
        (image, failures), self._pending = self._pending or self._read(), None
        if image is None:
            self._report_truncation()
            raise StopIteration
        seconds = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
        missing = self._missing(seconds, failures)
        if missing:
            first, last = self._index + 1, self._index + missing
            self._leave_out(
                f"Video '{self._label}': "
                + (f'frame {first}' if missing == 1 else f'frames {first} to {last}')
                + ' cannot be decoded', missing)
        self._advance_stamp(seconds, 1 + missing)
        self._index += 1 + missing
        return Frame(np.asarray(image, np.uint8), self._stamp, self._index)

    def _missing(self, seconds: float, failures: int) -> int:
        """Return how many frames are missing before the one of this container time."""
        is_first = self._index == 0
        if is_first and not failures:
            return 0
        periods = seconds * self.fps + 1 if is_first else (
            seconds - self._offset - self._stamp) * self.fps
        counts = math.isfinite(periods) and periods > 0.5
        whole = counts and abs(periods - round(periods)) < 0.25
        # Times of a variable rate, or none at all, tell nothing.
        self._irregular |= counts and not whole
        if whole and not self._irregular and (failures or self._steady >= _STEADY):
            return round(periods) - 1
        self._steady = self._steady + 1 if whole and round(periods) == 1 else 0
        return failures

    def _advance_stamp(self, seconds: float, frames: int) -> None:
        """Take the container's time where it rises, else step by so many frame periods."""
        if self._index == 0:
            self._stamp = (frames - 1) / self.fps
            self._offset = seconds - self._stamp if math.isfinite(seconds) else 0.0
            return
        stamp = seconds - self._offset
        rises = math.isfinite(stamp) and stamp > self._stamp
        self._stamp = stamp if rises else self._stamp + frames / self.fps

    def _report_truncation(self) -> None:
        if self.length is None or self._index >= (1 if self.skipped else 0.95) * self.length:
            return
        # AVI has no times: what is missing in its middle shows only here.
        problem = (f"Video '{self._label}' ends after frame {self._index} of {self.length}: the "
                   'file seems damaged, there or before, where later frames then count too low')
        if self.strict:
            raise SourceError(f"{problem}. Fetch it again; without 'strict' the rest is read.")
        _logger.warning('%s.', problem)

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()


class CameraSource(FrameSource):
    """Local camera; stamps are the times at which frames arrive."""

    def __init__(self, index: int, strict: bool = False) -> None:
        """Open the camera of this index; raises SourceError where there is none."""
        self.name, self.length, self.strict = f'camera{index}', None, strict
        with without_opencv_messages():
            self._capture = cv2.VideoCapture(index)
        if not self._capture.isOpened():
            raise SourceError(
                f'Camera {index} cannot be opened. Check that it is plugged in, free, and that '
                'you may read it (ls -l /dev/video*), or give another index.')
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 0 < fps <= MAX_FPS else DEFAULT_FPS
        self._index = 0
        self._start = 0.0

    def __next__(self) -> Frame:
        """Wait for the camera's next frame."""
        for _ in range(_CAMERA_PATIENCE):
            image = self._capture.read()[1]
            now = time.monotonic()
            self._index += 1
            if image is not None:
                break
            self._leave_out(f"Image {self._index} of '{self.name}' cannot be decoded")
        else:
            raise SourceError(f"'{self.name}' delivers no frames. Plug it in again, or check that "
                              'no other program uses it.')
        if not self._start:
            self._start = now
        return Frame(np.asarray(image, np.uint8), now - self._start, self._index)

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()
