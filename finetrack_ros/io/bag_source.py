# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images of a rosbag2 recording (SQLite or MCAP) as frames, read through rosbags, without ROS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
import logging
from pathlib import Path
import statistics
from typing import Any

from rosbags.interfaces import Connection
from rosbags.rosbag2 import Reader

from finetrack_ros.errors import SourceError
from finetrack_ros.io.bag_types import COMPRESSED_IMAGE, IMAGE, typestore
from finetrack_ros.io.image_encodings import decode_compressed, decode_raw, ImageError
from finetrack_ros.io.seqinfo import DEFAULT_FPS, MAX_FPS
from finetrack_ros.io.sources import BAG_SUFFIXES, Frame, FrameSource, natural_key

#: Messages that the frame rate is taken from.
_RATE_MESSAGES = 31
_NANOSECONDS = 1_000_000_000

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BagHeader:
    """
    Header of a message, as std_msgs/Header.

    :ivar sec: seconds of the stamp.
    :ivar nanosec: nanoseconds of the stamp on top of them.
    :ivar frame_id: coordinate frame of the camera.
    """

    sec: int
    nanosec: int
    frame_id: str

    @property
    def nanoseconds(self) -> int:
        """Return the stamp in nanoseconds."""
        return self.sec * _NANOSECONDS + self.nanosec


@dataclass(frozen=True)
class BagFrame(Frame):
    """
    Frame of a bag, with what messages about it carry.

    :ivar header: header of the image message.
    :ivar bag_stamp: time at which the message was recorded, in nanoseconds.
    """

    header: BagHeader
    bag_stamp: int


class BagSource(FrameSource):
    """
    Images of one topic in the order of their recording.

    The stamp of a frame is that of its header, or the time of its recording where the driver does
    not stamp. It jumps back where the recorded stamps do, as in a simulation that was restarted.
    An image that cannot be decoded is left out and counted, and keeps its frame number.

    :ivar topic: name of the topic.
    :ivar storage: name of the storage plugin, ``sqlite3`` or ``mcap``.
    """

    length: int

    def __init__(self, path: Path, topic: str | None = None) -> None:
        """
        Open the folder of a bag, or one of its files.

        :param topic: an Image or CompressedImage topic; None where the bag has only one.
        :raises SourceError: where the bag cannot be read, or does not have (one) such topic.
        """
        self._path = path
        with ExitStack() as stack:
            self._readers = _open_readers(path, stack)
            self._connections = _choose_topic(self._readers, path, topic)
            self.fps = self._frame_rate()
            self._files = stack.pop_all()
        self.topic = self._connections[0].topic
        self.name = path.resolve().stem
        self.length = self.last_index = sum(c.msgcount for c in self._connections)
        self.storage = 'mcap' if _storage_files(path, '.mcap') else 'sqlite3'
        self._messages = enumerate(self._read(), 1)
        self._index = self._decoded = 0
        self._first_stamp = self._last_stamp = 0
        self._told: set[str] = set()

    def __next__(self) -> BagFrame:
        """Return the next image that can be decoded."""
        for index, (kind, bag_stamp, data) in self._messages:
            self._index = index
            try:
                message = _deserialise(data, kind)
                image = (decode_raw if kind == IMAGE else decode_compressed)(message)
            except ImageError as error:
                self.skipped += 1
                self._tell_once('bad', f'image {index} is left out: {error}')
                continue
            stamp = message.header.stamp
            header = BagHeader(stamp.sec, stamp.nanosec, message.header.frame_id)
            seconds = self._seconds(header, bag_stamp)
            self._decoded += 1
            return BagFrame(image, seconds, index, header, bag_stamp)
        if not self._decoded:
            raise SourceError(f"No image of topic '{self.topic}' in bag '{self._path}' can be "
                              'decoded. Choose a topic with camera images.')
        if self._index < self.length:
            self._tell_once('short', f'ends after image {self._index} of {self.length}: the bag '
                            'seems damaged')
        raise StopIteration

    def _seconds(self, header: BagHeader, bag_stamp: int) -> float:
        """Return the seconds since the first frame."""
        stamp = header.nanoseconds
        if not stamp:
            self._tell_once('unstamped', 'has images without a stamp in their header; the time '
                            'of their recording is taken')
            stamp = bag_stamp
        if not self._decoded:
            self._first_stamp = self._last_stamp = stamp
        if stamp < self._last_stamp:
            back = (self._last_stamp - stamp) / _NANOSECONDS
            self._tell_once('back', f'stamps jump back by {back:g} s at image {self._index}; '
                            "the tracker's on_jump_back says what becomes of the tracks")
        self._last_stamp = stamp
        return (stamp - self._first_stamp) / _NANOSECONDS

    def _tell_once(self, kind: str, text: str) -> None:
        """Log a warning, the first of its kind only."""
        if kind not in self._told:
            _logger.warning("Topic '%s' of bag '%s': %s.", self.topic, self._path, text)
        self._told.add(kind)

    def _frame_rate(self) -> float:
        """Return the frames per second of the recording's beginning."""
        stamps = [stamp for _, stamp, _ in islice(self._read(), _RATE_MESSAGES)]
        gaps = [after - before for before, after in zip(stamps, stamps[1:], strict=False)]
        period = statistics.median(gaps) / _NANOSECONDS if gaps else 0.0
        return min(1.0 / period, MAX_FPS) if period > 0 else DEFAULT_FPS

    def _read(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield type, time of recording in nanoseconds, and data of each message."""
        try:
            for reader in self._readers:
                own = [c for c in self._connections if c.owner is reader.storage]
                # No connections would mean all of them.
                for connection, stamp, data in reader.messages(own) if own else ():
                    yield connection.msgtype, stamp, data
        # Databases and decompressors have each their own errors, and none in common.
        except Exception as error:
            raise SourceError(f"Bag '{self._path}' is damaged ({error}). What comes before "
                              "is tracked; 'mcap recover' repairs MCAP files.") from error

    def close(self) -> None:
        """Close the files."""
        self._files.close()


def _deserialise(data: bytes, kind: str) -> Any:
    """Return the message that the bytes hold; raises ImageError where they hold none."""
    try:
        return typestore().deserialize_cdr(data, kind)
    # Only the newest rosbags names its errors; before, damaged bytes end in any.
    except Exception as error:
        raise ImageError(f'{kind} of {len(data)} bytes is damaged '
                         f'({error or type(error).__name__})') from error


def _open_readers(path: Path, stack: ExitStack) -> list[Reader]:
    """Open a bag; without its metadata.yaml, each of its files."""
    paths = [path]
    if path.suffix == '.bag':
        raise SourceError(f"Bag '{path}' is of ROS 1. Convert it with: rosbags-convert --src "
                          f'{path} --dst {path.stem}')
    if path.is_dir() and not (path / 'metadata.yaml').is_file():
        paths = _storage_files(path, *BAG_SUFFIXES)
        _logger.warning("Bag '%s' has no metadata.yaml, as after a recording that was cut short; "
                        'its %d file(s) are read without it.', path, len(paths))
    try:
        return [stack.enter_context(Reader(file)) for file in paths]
    # Databases and decompressors have each their own errors, and none in common.
    except Exception as error:
        raise SourceError(f"Bag '{path}' cannot be read ({error}). Check that it was copied "
                          "whole; after a recording that was cut short, 'ros2 bag reindex' (or "
                          "'mcap recover') repairs it.") from error


def _storage_files(path: Path, *suffixes: str) -> list[Path]:
    """Return the files of a bag that end so (and perhaps in .zstd) in natural order."""
    files = path.iterdir() if path.is_dir() else [path]
    return sorted((f for f in files if f.name.removesuffix('.zstd').endswith(suffixes)),
                  key=natural_key)


def _choose_topic(readers: Sequence[Reader], path: Path, topic: str | None) -> list[Connection]:
    """Return the connections of the topic to read."""
    known = [connection for reader in readers for connection in reader.connections]
    images = [c for c in known if c.msgtype in (IMAGE, COMPRESSED_IMAGE)]
    listing = _list_topics(images)
    if not images:
        raise SourceError(f"Bag '{path}' has no topic of type {IMAGE} or {COMPRESSED_IMAGE}. It "
                          f'has: {_list_topics(known) or "no topics at all"}.')
    if topic is None:
        topic = images[0].topic
        if any(c.topic != topic for c in images):
            raise SourceError(f"Bag '{path}' has several image topics. Choose one with --topic: "
                              f'{listing}.')
    topic = '/' + topic.lstrip('/')
    chosen = [c for c in images if c.topic == topic]
    if not chosen:
        problem = 'is not of images' if any(c.topic == topic for c in known) else 'is not there'
        raise SourceError(f"Topic '{topic}' of bag '{path}' {problem}. Choose one of: {listing}.")
    if not any(c.msgcount for c in chosen):
        raise SourceError(f"Topic '{topic}' of bag '{path}' has no messages. Record it while the "
                          f'camera publishes, or choose another. Image topics: {listing}.')
    return chosen


def _list_topics(connections: Sequence[Connection]) -> str:
    """Return topics with their types and numbers of messages."""
    counts: dict[str, int] = {}
    for connection in connections:
        name = f'{connection.topic} ({connection.msgtype}'
        counts[name] = counts.get(name, 0) + connection.msgcount
    return '; '.join(f'{name}, {count} messages)' for name, count in sorted(counts.items()))
