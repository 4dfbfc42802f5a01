# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Other trackers behind one call: detections of a frame in, rows of xyxy and id out."""

from __future__ import annotations

from collections.abc import Callable
import importlib
import importlib.util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections

Update = Callable[[Detections], NDArray[np.float32]]
VideoUpdate = Callable[[Detections, NDArray[np.uint8]], NDArray[np.float32]]
"""The same with the frame, BGR uint8 [H, W, 3], for trackers that look at it."""


def available_peers(frame_rate: float, with_embeddings: bool) -> dict[str, Update]:
    """Return fresh trackers of the installed packages, with their own default parameters."""
    peers: dict[str, Update] = {}
    if importlib.util.find_spec('boxmot') is not None:
        boxmot = importlib.import_module('boxmot')
        peers['boxmot ByteTrack'] = _boxmot(boxmot.ByteTrack(frame_rate=frame_rate), False)
        peers['boxmot OC-SORT'] = _boxmot(boxmot.OcSort(), False)
        peers['boxmot BoT-SORT'] = _boxmot(
            boxmot.BotSort(use_cmc=False, use_embeddings=with_embeddings, frame_rate=frame_rate),
            with_embeddings)
    if importlib.util.find_spec('trackers') is not None:
        trackers = importlib.import_module('trackers')
        peers['roboflow ByteTrack'] = _roboflow(trackers.ByteTrackTracker(frame_rate=frame_rate))
    if importlib.util.find_spec('bytetracker') is not None:
        original = importlib.import_module('bytetracker')
        peers['original ByteTrack'] = _bytetracker(original.BYTETracker(frame_rate=frame_rate))
    if importlib.util.find_spec('pyxtrackers') is not None:
        compiled = importlib.import_module('pyxtrackers')
        peers['pyxtrackers ByteTrack'] = _pyxtrackers(compiled.BYTETracker(frame_rate=frame_rate))
    return peers


def boxmot_on_video() -> dict[str, VideoUpdate]:
    """Return BoxMOT's ByteTrack and BoT-SORT with the settings of its YAML files; none without."""
    if importlib.util.find_spec('boxmot') is None:
        return {}
    boxmot = importlib.import_module('boxmot')
    spec = importlib.import_module('boxmot.trackers.specs').TrackerSpec
    return {'bytetrack': _boxmot_video(boxmot.create_tracker(spec('bytetrack')), False),
            'botsort': _boxmot_video(boxmot.create_tracker(spec('botsort')), True)}


def _boxmot(tracker: Any, with_embeddings: bool) -> Update:
    """Feed BoxMOT 25 without frames."""
    image = np.zeros((64, 64, 3), np.uint8)
    update = _boxmot_video(tracker, with_embeddings)
    return lambda detections: update(detections, image)


def _boxmot_video(tracker: Any, with_embeddings: bool) -> VideoUpdate:
    """Feed BoxMOT 25, which takes an array, or torch tensors where embeddings come along."""
    def update(detections: Detections, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        if not with_embeddings:
            rows = np.column_stack([detections.boxes, detections.scores, detections.classes])
            tracks = np.asarray(tracker.update(rows.astype(np.float32), image), np.float32)
            return tracks.reshape(len(tracks), -1)[:, :5] if len(tracks) else np.zeros((0, 5), 'f')
        structures, torch = _boxmot_structures()
        tracks = tracker.update(structures.Detections(
            geometry=structures.Boxes(torch.from_numpy(detections.boxes)),
            scores=torch.from_numpy(detections.scores),
            class_ids=torch.from_numpy(detections.classes.astype(np.int64)), sample_id='frame',
            embeddings=torch.from_numpy(detections.embeddings)), image)
        return np.column_stack([tracks.geometry.values.numpy(), np.asarray(tracks.track_ids)])

    return update


def _boxmot_structures() -> tuple[Any, Any]:
    return importlib.import_module('boxmot.structures'), importlib.import_module('torch')


def _roboflow(tracker: Any) -> Update:
    """Feed roboflow trackers, which take and give supervision's detections."""
    supervision = importlib.import_module('supervision')

    def update(detections: Detections) -> NDArray[np.float32]:
        tracks = tracker.update(supervision.Detections(
            xyxy=detections.boxes, confidence=detections.scores, class_id=detections.classes))
        known = tracks.tracker_id >= 0
        return np.column_stack([tracks.xyxy, tracks.tracker_id])[known].astype(np.float32)

    return update


def _bytetracker(tracker: Any) -> Update:
    """Feed the packaged original of ByteTrack, which takes a torch tensor."""
    torch = importlib.import_module('torch')

    def update(detections: Detections) -> NDArray[np.float32]:
        rows = np.column_stack([detections.boxes, detections.scores, detections.classes])
        tracks = np.asarray(tracker.update(torch.from_numpy(rows.astype(np.float32)), None))
        return tracks.reshape(len(tracks), -1)[:, :5].astype(np.float32) if len(tracks) \
            else np.zeros((0, 5), np.float32)

    return update


def _pyxtrackers(tracker: Any) -> Update:
    """Feed pyxtrackers, ByteTrack in Cython, which knows no classes."""
    def update(detections: Detections) -> NDArray[np.float32]:
        rows = np.column_stack([detections.boxes, detections.scores]).astype(np.float64)
        return np.asarray(tracker.update(rows), np.float32).reshape(-1, 5)

    return update
