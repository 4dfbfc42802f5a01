# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frame sources: videos, streams, image folders, MOTChallenge sequences, bags, cameras."""

from __future__ import annotations

from collections.abc import Sequence
import logging
from pathlib import Path
import re

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError
from finetrack_ros.io.deep_images import DepthReducer
from finetrack_ros.io.frames import Frame, FrameSource
from finetrack_ros.io.native_paths import read_image
from finetrack_ros.io.seqinfo import DEFAULT_FPS, MAX_FPS, read_seqinfo
from finetrack_ros.io.video_source import CameraSource, VideoSource

BAG_SUFFIXES = frozenset({'.db3', '.mcap'})
IMAGE_SUFFIXES = frozenset({'.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.ppm'})

_logger = logging.getLogger(__name__)


class ImageSource(FrameSource):
    """Image files in the given order, at a fixed frame rate."""

    def __init__(self, name: str, paths: Sequence[Path], numbers: Sequence[int],
                 fps: float, strict: bool = False) -> None:
        """
        Read ``paths`` in order; ``numbers`` are their frame numbers, rising from 1 or more.

        A gap in the numbers is a gap in time: stamps are (number - first number) / fps.
        """
        self.name, self.fps, self.length, self.strict = name, fps, len(paths), strict
        self._first, self.last_index = numbers[0], numbers[-1]
        self._files = iter(zip(paths, numbers, strict=True))
        self._folder, self._decoded = paths[0].parent, 0
        self._reducer = DepthReducer(
            lambda text: _logger.info("Source '%s': %s.", self.name, text))

    def __next__(self) -> Frame:
        """Return the next image that can be decoded."""
        for path, number in self._files:
            image = self._read(path)
            if image is not None:
                self._decoded += 1
                return Frame(image, (number - self._first) / self.fps, number)
        if not self._decoded:
            raise SourceError(f"The {self.length} image(s) in '{self._folder}' cannot be decoded. "
                              'Replace them by intact files.')
        raise StopIteration

    def _read(self, path: Path) -> NDArray[np.uint8] | None:
        """Return an image; None, and count it, where it cannot be decoded."""
        reason = ''
        try:
            image = read_image(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
        except OSError as error:
            image, reason = None, f' ({error.strerror})'
        if image is None:
            self._leave_out(f"Image '{path}' cannot be decoded{reason}")
            return None
        return self._reducer.reduce(image)


def open_source(source: str, fps: float = DEFAULT_FPS, topic: str | None = None,
                strict: bool = False) -> FrameSource:
    """
    Open a video file, stream URL, image, image folder, MOTChallenge sequence, bag, or camera.

    :param source: path, URL with a scheme, or a camera index such as ``'0'``; what exists as a
        path is one. A folder with a
        ``seqinfo.ini`` is a MOTChallenge sequence, one with a ``metadata.yaml`` of rosbag2 a
        bag; other folders are read in natural order of file names (2 before 10).
    :param fps: frame rate of a plain image folder, which states none of its own.
    :param topic: image topic of a bag; None where it has only one, and for other sources.
    :param strict: raise SourceError at the first image that cannot be decoded, instead of leaving
        it out with a warning.
    :raises SourceError: where nothing readable is there, or ``fps`` is out of range.
    """
    path = Path(source).expanduser()
    if is_bag(path):
        return _open_bag(path, topic, strict)
    if topic is not None:
        raise SourceError(f"Source '{source}' is not a bag and has no topic '{topic}'. Give the "
                          'folder of a rosbag2 recording, or no topic.')
    if path.is_dir():
        return _open_folder(path, fps, strict)
    if path.exists():
        if path.suffix.lower() in IMAGE_SUFFIXES:
            return ImageSource(path.stem, [path], [1], fps, strict)
        return VideoSource(path, path.stem, strict)
    if source.isdecimal():
        return CameraSource(int(source), strict)
    if '://' in source:
        return VideoSource(source, source.rsplit('/', 1)[-1] or source, strict)
    raise SourceError(f"Source '{source}' does not exist. Give a video file, an image folder, "
                      'a MOTChallenge sequence folder, a bag, or a camera index such as 0.')


def _open_folder(folder: Path, fps: float, strict: bool) -> ImageSource:
    """Open a MOTChallenge sequence or a folder of images."""
    if (folder / 'seqinfo.ini').is_file():
        return _open_sequence(folder, strict)
    if not 0 < fps <= MAX_FPS:
        raise SourceError(f"Image folder '{folder}' cannot be read at {fps:g} frames per "
                          f'second. Give a rate above 0 and up to {MAX_FPS:g}.')
    paths = _images_in(folder)
    return ImageSource(folder.resolve().name, paths, range(1, len(paths) + 1), fps, strict)


def is_bag(path: Path) -> bool:
    """Say whether a path is a rosbag2 recording, in a folder or one file, or a ROS 1 bag."""
    if not path.is_dir():
        return path.suffix in {*BAG_SUFFIXES, '.bag'} and path.is_file()
    metadata = path / 'metadata.yaml'
    return any(file.suffix in BAG_SUFFIXES for file in path.iterdir()) or (
        metadata.is_file() and b'rosbag2_bagfile_information' in metadata.read_bytes())


def _open_bag(path: Path, topic: str | None, strict: bool) -> FrameSource:
    """Open a bag through rosbags, which installations that never read one need not have."""
    try:
        from finetrack_ros.io.bag_source import BagSource
    except ImportError as error:
        raise SourceError(f"Bag '{path}' cannot be read without rosbags ({error}). Install it "
                          'with: pip install rosbags') from error
    return BagSource(path, topic, strict)


def _open_sequence(folder: Path, strict: bool) -> ImageSource:
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
    return ImageSource(info.name, paths, numbers, info.frame_rate, strict)


def _images_in(folder: Path) -> list[Path]:
    """Return the images of a folder in natural order; raises SourceError where it has none."""
    if not folder.is_dir():
        raise SourceError(f"Image folder '{folder}' does not exist. Check imDir in seqinfo.ini, "
                          'or give the folder that holds the images.')
    paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES]
    if not paths:
        raise SourceError(f"Folder '{folder}' holds no images. Give a folder with files ending in "
                          f'{", ".join(sorted(IMAGE_SUFFIXES))}.')
    return sorted(paths, key=lambda path: natural_key(path.name))


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """Return a sort key under which numbers in a text compare by value."""
    parts = re.findall(r'\d+|\D+', text)
    return [(0, int(part), '') if part.isdecimal() else (1, 0, part) for part in parts]

