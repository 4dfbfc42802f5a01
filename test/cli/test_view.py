# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from finetrack_ros.cli.view import check_view, RerunView
from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.pipeline import Step
from finetrack_ros.protocols import StageTimes

needs_rerun = pytest.mark.skipif(importlib.util.find_spec('rerun') is None,
                                 reason="the extra 'view' is not installed")


def frame(index):
    return SimpleNamespace(index=index, stamp=index / 10, image=np.zeros((48, 64, 3), np.uint8))


def step(count, vectors=True):
    boxes = np.array([[5 * i, 2, 5 * i + 4, 20] for i in range(count)], np.float32).reshape(-1, 4)
    embeddings = np.eye(count, 8, dtype=np.float32) if vectors else None
    found = SimpleNamespace(ids=np.arange(1, count + 1), boxes=boxes, embeddings=embeddings)
    return Step(None, found, StageTimes(detect=0.02))


class Recorded:
    """Stream that keeps what is logged."""

    def __init__(self):
        self.logged = {}

    def set_time(self, timeline, **value):
        self.logged[timeline] = value

    def log(self, name, entity):
        self.logged[name] = entity


@pytest.mark.parametrize('view', ['viewer', 'run.mp4', ''])
def test_unknown_views_are_refused(view):
    with pytest.raises(ConfigError, match=r'give rerun to open the viewer, or .* ends in \.rrd'):
        check_view(view, 'street.mp4')


def test_images_are_needed():
    with pytest.raises(ConfigError, match='--view needs images to show'):
        check_view('rerun', None)


def test_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(ConfigError, match=r"rerun not installed: .* extra 'view'"):
        check_view('rerun', 'street.mp4')
    check_view(None, None)


@needs_rerun
def test_frame_has_all_that_is_shown(tmp_path):
    view = RerunView(str(tmp_path / 'run.rrd'))
    view._stream = recorded = Recorded()
    view.write(frame(1), step(2))
    changed = step(2)
    changed.tracks.embeddings[1] = [0.6, 0.8, 0, 0, 0, 0, 0, 0]
    view.write(frame(2), changed)
    logged = recorded.logged
    assert logged.keys() == {'frame', 'time', 'image', 'image/tracks', 'image/trails',
                             'similarity/1', 'similarity/2', 'count/tracks',
                             'milliseconds/detect'}
    assert logged['frame'] == {'sequence': 2}
    assert logged['image/tracks'].labels.as_arrow_array().to_pylist() == ['1', '2']
    assert logged['similarity/2'].scalars.as_arrow_array().to_pylist() == pytest.approx([0.8])
    assert logged['milliseconds/detect'].scalars.as_arrow_array().to_pylist() == [20.0]


@needs_rerun
def test_recording_is_written(tmp_path):
    view = RerunView(str(tmp_path / 'run.rrd'))
    for index, found in enumerate([step(0, False), step(2), step(0), step(1)], 1):
        view.write(frame(index), found)
    view.close()
    assert (tmp_path / 'run.rrd').read_bytes()[:4] == b'RRF2'


@needs_rerun
def test_recording_that_cannot_be_written(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(SourceError, match='cannot be opened'):
        RerunView(str(tmp_path / 'file' / 'run.rrd'))
