# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import asdict
import os

import cv2
import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.observation_cache import default_cache, ObservationCache
from finetrack_ros.evaluation.observations import observe, observe_text, replay
from finetrack_ros.io import MotWriter, open_source, read_detections, read_mot
from finetrack_ros.pipeline import Pipeline
from finetrack_ros.tracking import TrackerConfig


class PanRunner:
    """Model that finds one person who stands in a scene over which the camera pans."""

    def __init__(self):
        self.calls = 0

    def infer(self, images, options=None):
        self.calls += 1
        left = 150.0 - 4 * self.calls
        found = Detections(np.array([[left, 20, left + 20, 60]], np.float32),
                           np.array([0.8], np.float32), np.zeros(1, np.int32),
                           np.eye(1, 3, dtype=np.float32))
        return [found if self.calls % 4 else Detections.empty(3)]


@pytest.fixture
def pan(tmp_path):
    """Return a folder of images from a camera that pans by four pixels a frame."""
    noise = np.random.default_rng(1).integers(0, 255, (12, 60, 3), np.uint8)
    scene = cv2.resize(noise, (400, 100), interpolation=cv2.INTER_CUBIC)
    (tmp_path / 'pan').mkdir()
    for number in range(1, 9):
        cv2.imwrite(str(tmp_path / 'pan' / f'{number}.png'),
                    scene[:, 4 * number:4 * number + 320])
    return tmp_path / 'pan'


def assert_same(first, second):
    assert first.numbers == second.numbers
    assert first.stamps == second.stamps
    for a, b in zip(first.detections, second.detections, strict=True):
        for name, array in asdict(a).items():
            np.testing.assert_array_equal(array, asdict(b)[name])
    for a, b in zip(first.motions, second.motions, strict=True):
        np.testing.assert_array_equal(np.float64(np.nan if a is None else a),
                                      np.float64(np.nan if b is None else b))


@pytest.mark.parametrize('config', [
    TrackerConfig(confirm_hits=1), TrackerConfig(camera_motion='off')])
def test_replay_gives_what_the_pipeline_writes(pan, tmp_path, config):
    pipeline = Pipeline(PanRunner(), config)
    with open_source(str(pan)) as frames, MotWriter(tmp_path / 'live.txt') as writer:
        for frame in frames:
            writer.write(frame.index, pipeline.step(frame.image, frame.stamp))
    with open_source(str(pan)) as frames:
        observations = observe(frames, PanRunner())
    assert observations.has_embeddings and observations.has_motion
    live, again = read_mot(tmp_path / 'live.txt'), replay(observations, config)
    assert len(live)
    for name in ('frames', 'ids', 'boxes', 'values'):
        np.testing.assert_allclose(getattr(live, name), getattr(again, name), atol=1e-9)


def test_text_is_observed_for_the_length_of_the_sequence(write_walk):
    found = read_detections(write_walk() / 'det' / 'det.txt')
    observations = observe_text(found, 40, 10.0)
    assert observations.numbers == list(range(1, 41))
    assert observations.stamps[-1] == 4.0
    assert [len(found) for found in observations.detections[28:32]] == [2, 2, 0, 0]
    assert not observations.has_embeddings and not observations.has_motion


@pytest.fixture
def cache(tmp_path):
    """Return a cache, and the list of its messages."""
    messages = []
    return ObservationCache(tmp_path / 'cache', messages.append), messages


@pytest.fixture
def made(pan):
    with open_source(str(pan)) as frames:
        return observe(frames, PanRunner())


def never():
    raise AssertionError('the cache holds it')


def test_cache_gives_back_what_was_kept(cache, made, tmp_path):
    assert_same(cache[0].get('pan', 'abc', 'today', lambda: made), made)
    assert_same(cache[0].get('pan', 'abc', 'today', never), made)
    assert cache[1] == []
    assert [path.name for path in (tmp_path / 'cache').iterdir()] == ['pan-abc.npz']


def test_text_without_embeddings_is_kept_too(cache, write_walk):
    text = observe_text(read_detections(write_walk() / 'det' / 'det.txt'), 35, 10.0)
    cache[0].get('walk', 'abc', 'today', lambda: text)
    assert_same(cache[0].get('walk', 'abc', 'today', never), text)


def test_stale_file_is_made_anew(cache, made):
    cache[0].get('pan', 'abc', 'today', lambda: made)
    assert_same(cache[0].get('pan', 'abc', 'tomorrow', lambda: made), made)
    assert len(cache[1]) == 1 and 'earlier state' in cache[1][0]
    cache[0].get('pan', 'abc', 'tomorrow', never)


@pytest.mark.parametrize('damage', [
    lambda content: b'', lambda content: content[:len(content) // 2],
    lambda content: b'PK no archive', lambda content: content.replace(b'counts', b'cxunts')])
def test_damaged_file_is_made_anew(cache, made, tmp_path, damage):
    cache[0].get('pan', 'abc', 'today', lambda: made)
    path = tmp_path / 'cache' / 'pan-abc.npz'
    path.write_bytes(damage(path.read_bytes()))
    assert_same(cache[0].get('pan', 'abc', 'today', lambda: made), made)
    assert len(cache[1]) == 1 and f"'{path}' is damaged" in cache[1][0]
    cache[0].get('pan', 'abc', 'today', never)


def test_interrupted_writing_leaves_nothing(cache, made, tmp_path, monkeypatch):
    def savez(file, **arrays):
        file.write(b'half')
        raise KeyboardInterrupt

    monkeypatch.setattr(np, 'savez', savez)
    with pytest.raises(KeyboardInterrupt):
        cache[0].get('pan', 'abc', 'today', lambda: made)
    assert list((tmp_path / 'cache').iterdir()) == []


def test_cache_that_cannot_be_written_is_told_before_the_work(tmp_path):
    (tmp_path / 'file').write_text('')
    cache = ObservationCache(tmp_path / 'file' / 'cache', print)
    with pytest.raises(SourceError, match='--cache'):
        cache.get('pan', 'abc', 'today', never)


def test_cache_lies_below_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert default_cache() == tmp_path / 'finetrack_ros' / 'observations'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', os.fspath(tmp_path))
    assert default_cache() == tmp_path / '.cache' / 'finetrack_ros' / 'observations'
