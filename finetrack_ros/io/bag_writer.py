# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Tracks as a rosbag2 recording of the topics that the tracker node publishes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
import sqlite3
from types import TracebackType
from typing import Any, Final

import numpy as np
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError

from finetrack_ros.errors import SourceError
from finetrack_ros.io.bag_annotations import annotation_store, ANNOTATIONS, to_annotations
from finetrack_ros.io.bag_source import BagFrame, BagHeader
from finetrack_ros.io.bag_types import DETECTIONS, EMBEDDINGS, typestore
from finetrack_ros.tracking import Tracks

TRACKS_TOPIC = '/tracks'
EMBEDDINGS_TOPIC = '/track_embeddings'
ANNOTATIONS_TOPIC = '/tracker/annotations'

#: The newest form of the metadata that Humble reads, too.
_VERSION: Final = 8
_FOREVER = QosTime(9223372036, 854775807)
#: As the node publishes, so that a player's publishers suit the same subscribers.
_QOS = Qos(QosHistory.KEEP_LAST, 10, QosReliability.RELIABLE, QosDurability.VOLATILE, _FOREVER,
           _FOREVER, QosLiveliness.AUTOMATIC, _FOREVER, False)


class BagWriter:
    """
    Write tracks as ``/tracks`` and ``/track_embeddings`` into a new bag; a context manager.

    Where asked, the images are beside them as they were recorded, and what Foxglove draws over
    them as ``/tracker/annotations``.

    The bag is created with the first frame, and complete once it is closed.
    """

    def __init__(self, path: str | Path, storage: str, class_names: Sequence[str],
                 embedding_dim: int, images: str = '', annotations: bool = False) -> None:
        """
        Prepare to write a bag into the folder ``path``, which must not exist yet.

        :param storage: ``sqlite3`` or ``mcap``.
        :param class_names: names of the classes by number.
        :param embedding_dim: length of an embedding; 0 where the tracks have none.
        :param images: topic of the images; '' leaves them out.
        :param annotations: whether to write annotations for Foxglove.
        :raises SourceError: where the folder exists.
        """
        self.path = Path(path)
        if self.path.exists():
            raise SourceError(f"Output '{path}' exists, and bags are not overwritten. Choose "
                              'another folder, or remove this one.')
        self._plugin = StoragePlugin[storage.upper()]
        self._class_names, self._dim = class_names, embedding_dim
        self._writer: Writer | None = None
        self._connections: dict[str, Connection] = {}
        self._images, self._annotations = images, annotations

    def write(self, frame: BagFrame, tracks: Tracks) -> None:
        """
        Append the messages of one frame, with its header and at the time of its recording.

        :raises SourceError: where the bag cannot be written.
        """
        try:
            writer = self._writer = self._writer or self._open()
            for kind, message in (
                    (DETECTIONS, to_detection_array(tracks, self._class_names, frame.header)),
                    (EMBEDDINGS, to_embeddings(tracks, self._dim, frame.header))):
                self._append(writer, kind, message, frame.bag_stamp)
            if self._annotations:
                self._append(writer, ANNOTATIONS, self._annotate(frame, tracks), frame.bag_stamp)
            if self._images:
                if frame.kind not in self._connections:
                    self._connect(writer, self._images, frame.kind)
                writer.write(self._connections[frame.kind], frame.bag_stamp, frame.data)
        except (OSError, sqlite3.Error, WriterError) as error:
            raise self._failure(error) from error

    def _open(self) -> Writer:
        writer = Writer(self.path, version=_VERSION, storage_plugin=self._plugin)
        writer.open()
        for topic, kind in ((TRACKS_TOPIC, DETECTIONS), (EMBEDDINGS_TOPIC, EMBEDDINGS)):
            self._connect(writer, topic, kind)
        if self._annotations:
            self._connect(writer, ANNOTATIONS_TOPIC, ANNOTATIONS)
        return writer

    def _connect(self, writer: Writer, topic: str, kind: str) -> None:
        self._connections[kind] = writer.add_connection(
            topic, kind, typestore=annotation_store(), offered_qos_profiles=[_QOS])

    def _append(self, writer: Writer, kind: str, message: Any, stamp: int) -> None:
        data = annotation_store().serialize_cdr(message, kind)
        writer.write(self._connections[kind], stamp, data)

    def _annotate(self, frame: BagFrame, tracks: Tracks) -> Any:
        labels = [class_text(self._class_names, number) for number in tracks.classes.tolist()]
        size = (frame.image.shape[1], frame.image.shape[0])
        return to_annotations(tracks, labels, frame.header.sec, frame.header.nanosec, size)

    def _failure(self, error: Exception) -> SourceError:
        return SourceError(f"Bag '{self.path}' cannot be written ({error}). Choose a folder where "
                           'you may write, on a disk with room.')

    def close(self) -> None:
        """
        Write the index and metadata.yaml, without which a bag cannot be read.

        :raises SourceError: where that fails.
        """
        writer, self._writer = self._writer, None
        if writer is not None:
            try:
                writer.close()
            except (OSError, sqlite3.Error) as error:
                raise self._failure(error) from error

    def __enter__(self) -> BagWriter:
        """Return the writer itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Complete the bag, after an error or an interruption too."""
        self.close()


def class_text(class_names: Sequence[str], number: int) -> str:
    """Return the name of a class, its number where it has none."""
    return class_names[number] if 0 <= number < len(class_names) else str(number)


def to_detection_array(tracks: Tracks, class_names: Sequence[str], header: BagHeader) -> Any:
    """
    Return tracks as vision_msgs/Detection2DArray of rosbags, as the node publishes them.

    The header stands on the array and on each detection; boxes are in pixels of the image.
    """
    types = typestore().types
    origin = types['geometry_msgs/msg/Point'](0.0, 0.0, 0.0)
    unturned = types['geometry_msgs/msg/Quaternion'](0.0, 0.0, 0.0, 1.0)
    nowhere = types['geometry_msgs/msg/PoseWithCovariance'](
        types['geometry_msgs/msg/Pose'](origin, unturned), np.zeros(36))
    std_header = _to_header(header)
    detections = []
    columns = zip(tracks.ids.tolist(), tracks.boxes.tolist(), tracks.scores.tolist(),
                  tracks.classes.tolist(), strict=True)
    for track_id, (left, top, right, bottom), score, number in columns:
        hypothesis = types['vision_msgs/msg/ObjectHypothesis'](
            class_text(class_names, number), score)
        result = types['vision_msgs/msg/ObjectHypothesisWithPose'](hypothesis, nowhere)
        centre = types['vision_msgs/msg/Pose2D'](
            types['vision_msgs/msg/Point2D']((left + right) / 2, (top + bottom) / 2), 0.0)
        bbox = types['vision_msgs/msg/BoundingBox2D'](centre, right - left, bottom - top)
        detections.append(types['vision_msgs/msg/Detection2D'](
            std_header, [result], bbox, str(track_id)))
    return types[DETECTIONS](std_header, detections)


def to_embeddings(tracks: Tracks, dim: int, header: BagHeader) -> Any:
    """Return the tracks' embeddings (unit rows) as finetrack_ros/TrackEmbeddings of rosbags."""
    ids: list[str] = []
    rows = np.zeros(0, np.float32)
    if tracks.embeddings is not None:
        known = np.flatnonzero(tracks.embeddings.any(axis=1))
        ids = [str(track_id) for track_id in tracks.ids[known].tolist()]
        rows = np.ascontiguousarray(tracks.embeddings[known], np.float32).ravel()
    return typestore().types[EMBEDDINGS](_to_header(header), ids, dim, rows)


def _to_header(header: BagHeader) -> Any:
    types = typestore().types
    stamp = types['builtin_interfaces/msg/Time'](header.sec, header.nanosec)
    return types['std_msgs/msg/Header'](stamp, header.frame_id)
