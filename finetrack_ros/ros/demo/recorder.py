# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The demo's subscriber: pairs images with their tracks and writes video and text."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image, TimeReference
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo

from finetrack_ros.io import draw_tracks, MotWriter, Trails, VideoWriter
from finetrack_ros.msg import Latency, TrackEmbeddings
from finetrack_ros.ros.messages.image_conversions import decode_image
from finetrack_ros.ros.messages.track_conversions import from_detection_array
from finetrack_ros.tracking import Tracks

#: Seconds over which the live figures are averaged.
WINDOW = 2.0


def _rate(times: Sequence[float]) -> float:
    """Return the events per second between the first and the last of their times."""
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


@dataclass
class Tally:
    """What the demo has seen so far."""

    images: int = 0
    tracked: int = 0
    dropped: int = 0
    """Images that the tracker skipped for newer ones."""
    embeddings: int = 0
    embedding_dim: int = 0
    on_screen: int = 0
    ids: set[int] = field(default_factory=set)
    latencies: list[float] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    """``time.monotonic()`` of each tracks message."""

    @property
    def fps(self) -> float:
        """Return tracked frames per second over the last seconds."""
        oldest = time.monotonic() - WINDOW
        return _rate([arrival for arrival in self.arrivals[-1000:] if arrival > oldest])

    @property
    def mean_fps(self) -> float:
        """Return tracked frames per second from the first to the last."""
        return _rate(self.arrivals)

    def latency(self, share: float, newest: int = 0) -> float:
        """Return a quantile in seconds, of the ``newest`` frames or of all; NaN without any."""
        values = self.latencies[-newest:]
        return float(np.quantile(values, share)) if values else float('nan')


class Recorder(Node):
    """
    Writes each image of the player with the tracks of the same stamp.

    Images wait until tracks of their stamp or a later one have come: tracks come in order, so an
    image without any by then was skipped by the tracker. It is drawn with the last tracks, and
    has no rows in the text.

    :ivar loading: ``time.monotonic()`` at which the tracker last said that it loads its model.
    """

    def __init__(self, video: Path, text: Path, fps: float, player: str = 'video_player',
                 tracker: str = 'tracker') -> None:
        """
        Subscribe, and prepare the files.

        :raises SourceError: where a file cannot be made.
        """
        super().__init__('demo_recorder')
        self.tally = Tally()
        self._video = VideoWriter(video, fps)
        self._text = MotWriter(text)
        self._trails = Trails()
        self._images: deque[tuple[int, NDArray[np.uint8]]] = deque()
        self._tracks: dict[int, Tracks] = {}
        self._frame_numbers: dict[int, int] = {}
        self._newest = -1
        self._shown: Tracks | None = None
        self._tracker = self.resolve_topic_name(tracker)
        self._tracker_hears_player = False
        self._labels_came = False
        self.loading = 0.0
        self._following = False
        deep = QoSProfile(depth=200)
        latched = QoSProfile(depth=200, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(TimeReference, f'{player}/source_time', self._on_time, latched)
        self.create_subscription(Detection2DArray, 'tracks', self._on_tracks, deep)
        self.create_subscription(TrackEmbeddings, 'track_embeddings', self._on_embeddings, deep)
        self.create_subscription(Latency, f'{tracker}/latency', self._on_latency, deep)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, deep)
        self.create_subscription(LabelInfo, f'{tracker}/labels', self._on_labels, latched)

    @property
    def waiting(self) -> int:
        """Return the number of images whose tracks may still come."""
        return len(self._images)

    @property
    def progress(self) -> int:
        """Return the number of images and tracks that have come."""
        return self.tally.images + self.tally.tracked

    def _on_labels(self, _msg: LabelInfo) -> None:
        # The last endpoint on both sides: the others were announced, in order, before it.
        self._labels_came = True
        self._follow_player()

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        for status in msg.status:
            if status.name.startswith(f'{self._tracker}: '):
                values = {pair.key: pair.value for pair in status.values}
                self._tracker_hears_player |= int(values.get('publishers', 0)) > 0
                if values.get('state') == 'configuring':
                    self.loading = time.monotonic()
        self._follow_player()

    def _follow_player(self) -> None:
        """
        Subscribe to the images once all three processes have found each other.

        The player waits for this subscription. Discovery takes up to seconds, one direction
        before the other, and what is sent meanwhile is lost.
        """
        ready = self._labels_came and self._tracker_hears_player
        if ready and not self._following and self.count_publishers('image'):
            self._following = True
            self.create_subscription(Image, 'image', self._on_image, QoSProfile(depth=200))

    def _on_time(self, msg: TimeReference) -> None:
        self._frame_numbers[_key(msg.header)] = int(msg.source.rpartition(':')[2])
        self._write_ready()

    def _on_image(self, msg: Image) -> None:
        self.tally.images += 1
        self._images.append((_key(msg.header), decode_image(msg)))
        self._write_ready()

    def _on_tracks(self, msg: Detection2DArray) -> None:
        tracks = from_detection_array(msg)
        key = _key(msg.header)
        self._tracks[key] = tracks
        self._newest = max(self._newest, key)
        self.tally.tracked += 1
        self.tally.on_screen = len(tracks)
        self.tally.ids.update(tracks.ids.tolist())
        self.tally.arrivals.append(time.monotonic())
        self._write_ready()

    def _on_embeddings(self, msg: TrackEmbeddings) -> None:
        self.tally.embeddings += 1
        self.tally.embedding_dim = msg.dim

    def _on_latency(self, msg: Latency) -> None:
        self.tally.latencies.append(msg.total)

    def _write_ready(self) -> None:
        """Write the images whose tracks, and whose number in the source, are known."""
        while self._images and self._images[0][0] <= self._newest:
            if self._images[0][0] not in self._frame_numbers:
                break
            self._write_first()

    def _write_first(self) -> None:
        key, image = self._images.popleft()
        self._write_text(key)
        tracks = self._tracks.pop(key, None)
        self.tally.dropped += tracks is None
        self._shown = tracks or self._shown
        drawn = image if self._shown is None else draw_tracks(image, self._shown, self._trails)
        self._video.write(drawn)

    def _write_text(self, newest: int) -> None:
        """Write the rows of all frames up to a stamp, whether or not their image came."""
        for key in sorted(key for key in self._frame_numbers if key <= newest):
            number = self._frame_numbers.pop(key)
            if key in self._tracks:
                self._text.write(number, self._tracks[key])

    def finish(self) -> None:
        """Write what still waits, and close the files."""
        while self._images:
            self._write_first()
        self._write_text(self._newest)
        self._video.close()
        self._text.close()


def _key(header: Header) -> int:
    """Return a stamp in nanoseconds."""
    return int(header.stamp.sec) * 10**9 + int(header.stamp.nanosec)
