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
from finetrack_ros.io.bag_files import open_readers, storage_files
from finetrack_ros.io.bag_types import COMPRESSED_IMAGE, IMAGE, typestore
from finetrack_ros.io.deep_images import DepthReducer
from finetrack_ros.io.frames import Frame, FrameSource
from finetrack_ros.io.image_encodings import decode_compressed, decode_raw, ImageError
from finetrack_ros.io.seqinfo import DEFAULT_FPS, MAX_FPS

#: Messages that the frame rate is taken from.
_RATE_MESSAGES = 31
_NANOSECONDS = 1_000_000_000
#: A simulation whose first image is stamped 0 stamps the next one by so much at most, or by so
#: many times what passed meanwhile.
_MOST_GAP = _NANOSECONDS
_MOST_RATE = 50

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
    :ivar kind: type of the message.
    :ivar data: the message as it was recorded.
    """

    header: BagHeader
    bag_stamp: int
    kind: str = IMAGE
    data: bytes = b''


class BagSource(FrameSource):
    """
    Images of one topic in the order of their recording.

    The stamp of a frame is that of its header. Where the driver does not stamp, it follows the
    frame before after the time between their recordings. It jumps back where the recorded stamps
    do, as in a simulation that was restarted.

    :ivar topic: name of the topic.
    :ivar storage: name of the storage plugin, ``sqlite3`` or ``mcap``.
    """

    length: int

    def __init__(self, path: Path, topic: str | None = None, strict: bool = False) -> None:
        """
        Open the folder of a bag, or one of its files.

        :param topic: an Image or CompressedImage topic; None where the bag has only one.
        :raises SourceError: where the bag cannot be read, or does not have (one) such topic.
        """
        self._path, self.strict = path, strict
        with ExitStack() as stack:
            self._readers = open_readers(path, stack)
            self._connections = _choose_topic(self._readers, path, topic)
            self.fps = self._frame_rate()
            self._files = stack.pop_all()
        self.topic = self._connections[0].topic
        self.name = path.resolve().stem
        self.length = self.last_index = sum(c.msgcount for c in self._connections)
        self.storage = 'mcap' if storage_files(path, '.mcap') else 'sqlite3'
        self._messages = enumerate(self._read(), 1)
        self._index = self._decoded = 0
        self._clock = _BagClock()
        self._told: set[str] = set()
        self._reducer = DepthReducer(lambda text: _logger.info(
            "Topic '%s' of bag '%s': %s.", self.topic, self._path, text))

    def __next__(self) -> BagFrame:
        """Return the next image that can be decoded."""
        for index, (kind, bag_stamp, data) in self._messages:
            self._index = index
            try:
                message = _deserialise(data, kind)
                decode = decode_raw if kind == IMAGE else decode_compressed
                image = decode(message, self._reducer)
            except ImageError as error:
                self._leave_out(f"Topic '{self.topic}' of bag '{self._path}': image {index} "
                                f'cannot be decoded ({error})')
                continue
            stamp = message.header.stamp
            header = BagHeader(stamp.sec, stamp.nanosec, message.header.frame_id)
            seconds = self._seconds(header, bag_stamp)
            self._decoded += 1
            return BagFrame(image, seconds, index, header, bag_stamp, kind, data)
        if not self._decoded:
            raise SourceError(f"No image of topic '{self.topic}' in bag '{self._path}' can be "
                              'decoded. Choose a topic with camera images.')
        if self._index < self.length:
            self._tell_once('short', f'ends after image {self._index} of {self.length}: the bag '
                            'seems damaged')
        raise StopIteration

    def _seconds(self, header: BagHeader, bag_stamp: int) -> float:
        """Return the seconds since the first frame."""
        seconds, back = self._clock.advance(header.nanoseconds, bag_stamp)
        if self._clock.replaced:
            self._tell_once('unstamped', 'has images without a stamp in their header; they follow '
                            'those before by the time of their recording')
        if back:
            self._tell_once('back', f'stamps jump back by {back / _NANOSECONDS:g} s at image '
                            f'{self._index}; up to a few frame periods are taken as disorder, '
                            "else the tracker's on_jump_back says what becomes of the tracks")
        return seconds / _NANOSECONDS

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


class _BagClock:
    """
    Nanoseconds since the first image, from headers and, without mixing the two, from recordings.

    A stamp of zero is none, but for the first one where the next ones go on from it, as at the
    start of a simulation.

    :ivar replaced: images so far whose stamp was replaced.
    """

    def __init__(self) -> None:
        self.replaced = 0
        self._time = self._offset = self._recorded = 0
        self._state = 'start'

    def advance(self, stamp: int, recorded: int) -> tuple[int, int]:
        """Return the time of an image, and by how much its stamp jumped back."""
        passed, self._recorded = recorded - self._recorded, recorded
        before = self._time
        if self._state == 'start':
            self._offset, self._state = stamp, 'stamped' if stamp else 'zero'
            return 0, 0
        if not stamp:
            self.replaced += 1
            self._time += passed
            if self._state == 'zero':
                self.replaced, self._state = 2, 'unstamped'
        elif self._state == 'zero' and stamp <= _MOST_GAP + _MOST_RATE * max(passed, 0):
            self._time, self._state = stamp, 'stamped'
        elif self._state != 'stamped':
            self._time += passed
            self._offset, self._state = stamp - self._time, 'stamped'
            self.replaced = max(self.replaced, 1)
        else:
            self._time = stamp - self._offset
        return self._time, max(before - self._time, 0)


def _choose_topic(readers: Sequence[Reader], path: Path, topic: str | None) -> list[Connection]:
    """Return the connections of the topic to read."""
    known = [connection for reader in readers for connection in reader.connections]
    images = [c for c in known if c.msgtype in (IMAGE, COMPRESSED_IMAGE)
              and getattr(c.ext, 'serialization_format', 'cdr') == 'cdr']
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
