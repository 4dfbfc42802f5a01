# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frame sources: videos, streams, image folders, MOTChallenge sequences, bags, cameras."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
import logging
import math
from pathlib import Path
import re
import time
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError
from finetrack_ros.io.seqinfo import DEFAULT_FPS, MAX_FPS, read_seqinfo

BAG_SUFFIXES = frozenset({'.db3', '.mcap'})
IMAGE_SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm'})

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame:
    """
    One image of a source.

    :ivar image: uint8 [H, W, 3], channels in order blue, green, red.
    :ivar stamp: seconds from the source's first frame; rises strictly from frame to frame, but
        for bags, which may hold anything.
    :ivar index: number of the frame in its source, from 1.
    """

    image: NDArray[np.uint8]
    stamp: float
    index: int


class FrameSource(ABC, Iterator[Frame]):
    """
    Iterator over the frames of a source, read one at a time; also a context manager.

    :ivar name: short name for titles and files, such as ``MOT16-09``.
    :ivar fps: nominal frames per second.
    :ivar length: number of frames, or None where it is unknown (camera, stream).
    :ivar last_index: number of the last frame where it is certain, else None: what a video states
        of its length is often an estimate.
    :ivar skipped: number of images so far that could not be decoded and were left out.
    """

    name: str
    fps: float
    length: int | None
    last_index: int | None = None
    skipped: int = 0

    @abstractmethod
    def __next__(self) -> Frame:
        """
        Return the next frame.

        :raises StopIteration: at the end of the source.
        :raises SourceError: where a frame cannot be read.
        """

    def close(self) -> None:
        """Release the file or device; the base class holds none."""

    def __enter__(self) -> FrameSource:
        """Return the source itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Release the file or device."""
        self.close()


class ImageSource(FrameSource):
    """Image files in the given order, at a fixed frame rate."""

    def __init__(self, name: str, paths: Sequence[Path], numbers: Sequence[int],
                 fps: float) -> None:
        """
        Read ``paths`` in order; ``numbers`` are their frame numbers, rising from 1 or more.

        A gap in the numbers is a gap in time: stamps are (number - first number) / fps.
        """
        self.name, self.fps, self.length = name, fps, len(paths)
        self._first, self.last_index = numbers[0], numbers[-1]
        self._files = iter(zip(paths, numbers, strict=True))

    def __next__(self) -> Frame:
        """Return the next image."""
        path, number = next(self._files)
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            raise SourceError(
                f"Image '{path}' cannot be decoded. Remove it or replace it with an intact file.")
        return Frame(image, (number - self._first) / self.fps, number)


class VideoSource(FrameSource):
    """Video file or network stream, decoded by OpenCV."""

    def __init__(self, url: str, name: str) -> None:
        """Open a video; raises SourceError where OpenCV can decode no frame of it."""
        self._url, self.name = url, name
        with _without_opencv_messages():
            self._capture = cv2.VideoCapture(url)
        self._index = 0
        self._stamp = self._offset = 0.0
        opened = self._capture.isOpened()
        # Only decoding proves that a video can be read, so the first frame is decoded here.
        self._pending = self._capture.read()[1] if opened else None
        if self._pending is None:
            self._capture.release()
            raise SourceError(
                f"Video '{url}' cannot be decoded. Check that the file is complete (or the stream "
                'is up), or convert it, for example with: ffmpeg -i INPUT -c:v libx264 video.mp4')
        self.fps = self._read_fps()
        count = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.length = int(count) if 1 <= count < 1e9 else None

    def _read_fps(self) -> float:
        fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        if math.isfinite(fps) and 0 < fps <= MAX_FPS:
            return fps
        _logger.warning("Video '%s' states no frame rate; %g fps is assumed.",
                        self._url, DEFAULT_FPS)
        return DEFAULT_FPS

    def __next__(self) -> Frame:
        """Return the next decoded frame with the time stamp that the container gives it."""
        image, self._pending = self._pending, None
        if image is None:
            image = self._capture.read()[1]
        if image is None:
            self._report_truncation()
            raise StopIteration
        self._advance_stamp(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0)
        self._index += 1
        return Frame(image, self._stamp, self._index)

    def _advance_stamp(self, seconds: float) -> None:
        """Take the container's time where it rises, else step by one frame period."""
        if self._index == 0:
            self._offset = seconds if math.isfinite(seconds) else 0.0
            return
        stamp = seconds - self._offset
        rises = math.isfinite(stamp) and stamp > self._stamp
        self._stamp = stamp if rises else self._stamp + 1.0 / self.fps

    def _report_truncation(self) -> None:
        if self.length is not None and self._index < 0.95 * self.length:
            _logger.warning("Video '%s' ends after frame %d of %d: the file seems damaged.",
                            self._url, self._index, self.length)

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()


class CameraSource(FrameSource):
    """Local camera; stamps are the times at which frames arrive."""

    def __init__(self, index: int) -> None:
        """Open the camera of this index; raises SourceError where there is none."""
        self.name, self.length = f'camera{index}', None
        with _without_opencv_messages():
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
        image = self._capture.read()[1]
        now = time.monotonic()
        if image is None:
            raise SourceError(f"'{self.name}' delivers no frames. Plug it in again, or check that "
                              'no other program uses it.')
        if self._index == 0:
            self._start = now
        self._index += 1
        return Frame(image, now - self._start, self._index)

    def close(self) -> None:
        """Release the camera."""
        self._capture.release()


@contextmanager
def _without_opencv_messages() -> Iterator[None]:
    """Keep OpenCV's backends from printing why each of them failed; one message follows."""
    # OpenCV 4, as ROS distributions bring it, has in its root what 5 keeps in a module.
    opencv_log = getattr(cv2.utils, 'logging', cv2)
    level = opencv_log.getLogLevel()
    opencv_log.setLogLevel(0)
    try:
        yield
    finally:
        opencv_log.setLogLevel(level)


def open_source(source: str, fps: float = DEFAULT_FPS, topic: str | None = None) -> FrameSource:
    """
    Open a video file, stream URL, image, image folder, MOTChallenge sequence, bag, or camera.

    :param source: path, URL with a scheme, or a camera index such as ``'0'``. A folder with a
        ``seqinfo.ini`` is a MOTChallenge sequence, one with a ``metadata.yaml`` of rosbag2 a
        bag; other folders are read in natural order of file names (2 before 10).
    :param fps: frame rate of a plain image folder, which states none of its own.
    :param topic: image topic of a bag; None where it has only one, and for other sources.
    :raises SourceError: where nothing readable is there, or ``fps`` is out of range.
    """
    path = Path(source).expanduser()
    if is_bag(path):
        return _open_bag(path, topic)
    if topic is not None:
        raise SourceError(f"Source '{source}' is not a bag and has no topic '{topic}'. Give the "
                          'folder of a rosbag2 recording, or no topic.')
    if source.isdecimal():
        return CameraSource(int(source))
    if '://' in source:
        return VideoSource(source, source.rsplit('/', 1)[-1] or source)
    if not path.exists():
        raise SourceError(f"Source '{source}' does not exist. Give a video file, an image folder, "
                          'a MOTChallenge sequence folder, a bag, or a camera index such as 0.')
    if path.is_dir():
        if (path / 'seqinfo.ini').is_file():
            return _open_sequence(path)
        if not 0 < fps <= MAX_FPS:
            raise SourceError(f"Image folder '{source}' cannot be read at {fps:g} frames per "
                              f'second. Give a rate above 0 and up to {MAX_FPS:g}.')
        paths = _images_in(path)
        return ImageSource(path.resolve().name, paths, range(1, len(paths) + 1), fps)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return ImageSource(path.stem, [path], [1], fps)
    return VideoSource(str(path), path.stem)


def is_bag(path: Path) -> bool:
    """Say whether a path is a rosbag2 recording, in a folder or one file, or a ROS 1 bag."""
    if not path.is_dir():
        return path.suffix in {*BAG_SUFFIXES, '.bag'} and path.is_file()
    metadata = path / 'metadata.yaml'
    return any(file.suffix in BAG_SUFFIXES for file in path.iterdir()) or (
        metadata.is_file() and b'rosbag2_bagfile_information' in metadata.read_bytes())


def _open_bag(path: Path, topic: str | None) -> FrameSource:
    """Open a bag through rosbags, which installations that never read one need not have."""
    try:
        from finetrack_ros.io.bag_source import BagSource
    except ImportError as error:
        raise SourceError(f"Bag '{path}' cannot be read without rosbags ({error}). Install it "
                          'with: pip install rosbags') from error
    return BagSource(path, topic)


def _open_sequence(folder: Path) -> ImageSource:
    """Open a MOTChallenge sequence: its file names are its frame numbers."""
    info = read_seqinfo(folder)
    paths = _images_in(info.images)
    numbers = []
    for path in paths:
        if not path.stem.isdecimal() or int(path.stem) < 1:
            raise SourceError(f"Image '{path}' of a MOTChallenge sequence is not named by its "
                              'frame number. Rename it (000001.jpg is frame 1), or remove '
                              'seqinfo.ini to read the folder as plain images.')
        numbers.append(int(path.stem))
    if len(set(numbers)) < len(numbers):
        raise SourceError(f"Sequence '{folder}' has two images of one frame number. Remove the "
                          'one that does not belong there.')
    return ImageSource(info.name, paths, numbers, info.frame_rate)


def _images_in(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order; raises SourceError where it has none."""
    if not folder.is_dir():
        raise SourceError(f"Image folder '{folder}' does not exist. Check imDir in seqinfo.ini, "
                          'or give the folder that holds the images.')
    paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    if not paths:
        raise SourceError(f"Folder '{folder}' holds no images. Give a folder with files ending in "
                          f'{", ".join(sorted(IMAGE_SUFFIXES))}.')
    return sorted(paths, key=natural_key)


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Return a sort key under which numbers in the file name compare by value."""
    parts = re.findall(r'\d+|\D+', path.name)
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part) for part in parts]

