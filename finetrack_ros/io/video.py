# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Video output through OpenCV."""

from __future__ import annotations

import logging
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError
from finetrack_ros.geometry import resizable
from finetrack_ros.io.native_paths import native_name, without_opencv_messages

# What the FFmpeg inside OpenCV's wheels can encode fast: MPEG-4 part 2 in .mp4 (VLC, mpv, Totem,
# QuickTime; most web browsers want H.264, which those wheels cannot write), Motion JPEG in .avi.
CODECS = {'.mp4': 'mp4v', '.mov': 'mp4v', '.mkv': 'mp4v', '.avi': 'MJPG'}

_logger = logging.getLogger(__name__)


class VideoWriter:
    """
    Write images to a video file; a context manager.

    The file is created at the first image, into whose size all others are fitted, with a warning
    at the first one that needs it. The codec follows from the suffix; an odd width or height loses
    its last column or row in ``.mp4``.
    """

    def __init__(self, path: str | Path, fps: float) -> None:
        """
        Prepare to write ``path`` at ``fps`` frames per second, and create its folder.

        :raises SourceError: where the suffix is unknown or the folder cannot be made.
        """
        self.path, self.fps = Path(path), fps
        self._writer: cv2.VideoWriter | None = None
        self._shape: tuple[int, ...] = ()
        self._fits = True
        self._written = 0
        if self.path.suffix.lower() not in CODECS:
            raise SourceError(f"Video '{path}' has no known suffix. Name it with one of "
                              f'{", ".join(CODECS)}.')
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(f"Folder '{self.path.parent}' cannot be made ({error.strerror}). "
                              'Choose a folder where you may write.') from error

    def write(self, image: NDArray[np.uint8]) -> None:
        """
        Append one BGR image, uint8 [H, W, 3].

        :raises SourceError: where the file cannot be created.
        """
        if self._writer is None:
            self._writer = self._open(image)
        elif image.shape != self._shape:
            image = self._fit(image)
        self._writer.write(image)
        self._written += 1

    def _fit(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return an image of another size scaled into the video's, in the middle of black."""
        height, width = self._shape[:2]
        if self._fits:
            self._fits = False
            _logger.warning(
                "Video '%s' has frames of %dx%d, and an image of %dx%d came: it is scaled to fit, "
                'and so is any like it.', self.path, width, height, *image.shape[1::-1])
        ratio = min(height / image.shape[0], width / image.shape[1])
        size = max(round(image.shape[1] * ratio), 1), max(round(image.shape[0] * ratio), 1)
        canvas = np.zeros(self._shape, np.uint8)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        canvas[top:top + size[1], left:left + size[0]] = cv2.resize(
            resizable(image), size,
            interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
        return canvas

    def _open(self, image: NDArray[np.uint8]) -> cv2.VideoWriter:
        self._shape = image.shape
        height, width = image.shape[:2]
        codec = CODECS[self.path.suffix.lower()]
        fourcc = cv2.VideoWriter.fourcc(*codec)
        with native_name(self.path) as path:
            writer = cv2.VideoWriter(path, fourcc, self.fps, (width, height))
        if not writer.isOpened():
            raise SourceError(f"Video '{self.path}' cannot be written with codec {codec}. Choose "
                              'a folder where you may write, or a name ending in .avi.')
        return writer

    def close(self) -> None:
        """
        Finish the file, without which it cannot be played.

        :raises SourceError: where the file does not hold every frame.
        """
        if self._writer is None:
            return
        self._writer.release()
        self._writer = None
        # OpenCV's writer says of no frame whether it reached the disk.
        with native_name(self.path) as path, without_opencv_messages():
            video = cv2.VideoCapture(path)
            count = int(video.get(cv2.CAP_PROP_FRAME_COUNT)) if video.isOpened() else 0
            video.release()
        if count < self._written:
            raise SourceError(f"Video '{self.path}' is not whole: it holds {max(count, 0)} of "
                              f'{self._written} frames. Is the disk full?')

    def __enter__(self) -> VideoWriter:
        """Return the writer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Finish the file; an error that is already on its way comes first."""
        try:
            self.close()
        except SourceError as incomplete:
            if error is None:
                raise
            _logger.error('%s', incomplete)
