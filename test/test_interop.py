# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Detections and tracks survive a visit to supervision, or to what has its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from finetrack_ros import Detections, Tracker, TrackerConfig
from finetrack_ros.errors import ConfigError, InputError
from finetrack_ros.interop import (
    detections_from_supervision,
    to_supervision,
    tracks_from_supervision,
)

FOUND = Detections(np.array([[1, 2, 30, 40], [5, 6, 70, 80]]), np.array([0.9, 0.75]),
                   np.array([0, 3]), np.eye(2, 4))


@dataclass
class Fields:
    """The fields of ``supervision.Detections``."""

    xyxy: Any
    mask: Any = None
    confidence: Any = None
    class_id: Any = None
    tracker_id: Any = None
    data: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(autouse=True)
def supervision(monkeypatch):
    """Put the fields in the library's place where it is not installed."""
    if importlib.util.find_spec('supervision') is None:
        monkeypatch.setitem(sys.modules, 'supervision', SimpleNamespace(Detections=Fields))


def assert_same(first, second):
    assert type(first) is type(second)
    for name, array in vars(first).items():
        np.testing.assert_array_equal(array, vars(second)[name])
        assert array is None or array.dtype == vars(second)[name].dtype


@pytest.mark.parametrize('found', [
    FOUND, Detections(FOUND.boxes, FOUND.scores, FOUND.classes), Detections.empty(4)])
def test_detections_come_back_as_they_went(found):
    assert_same(found, detections_from_supervision(to_supervision(found)))


def test_tracks_come_back_as_they_went():
    tracker = Tracker(TrackerConfig(confirm_hits=1))
    for tracks in (tracker.update(FOUND), tracker.update(Detections.empty(4))):
        assert_same(tracks, tracks_from_supervision(to_supervision(tracks)))


def test_boxes_alone_are_sure_and_of_the_first_class():
    found = detections_from_supervision(Fields(FOUND.boxes))
    assert (found.scores.tolist(), found.classes.tolist()) == ([1, 1], [0, 0])


def test_tracks_of_another_tracker():
    tracks = tracks_from_supervision(Fields(FOUND.boxes, tracker_id=np.array([7, 9])))
    assert tracks.ids.tolist() == [7, 9] and tracks.hits.tolist() == [1, 1]
    with pytest.raises(InputError, match='track them first'):
        tracks_from_supervision(Fields(FOUND.boxes))


def test_without_the_library_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'supervision', None)
    with pytest.raises(ConfigError, match='pip install supervision'):
        to_supervision(FOUND)
