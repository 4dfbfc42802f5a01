# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A cache gives back what was stored, whole, or nothing; it never fails a run."""

from concurrent.futures import ThreadPoolExecutor
import logging
from pathlib import Path
import time

import pytest

from finetrack_ros.inference.cache import cache_folder, PlanCache

KEY = {'engine': 'fake', 'graph': 'detector', 'library': '1.0'}


@pytest.fixture
def cache(tmp_path):
    return PlanCache(tmp_path / 'new' / 'folder')


def test_gives_back_what_was_stored(cache):
    assert cache.load(KEY) is None
    cache.store(KEY, b'a\nplan')
    assert cache.load(KEY) == b'a\nplan'
    assert cache.load({**KEY, 'library': '1.1'}) is None
    plan, = cache.plans()
    assert plan.key == KEY and plan.size == plan.path.stat().st_size
    assert plan.path.name.startswith('fake-detector-')


@pytest.mark.parametrize('damage', [
    lambda data: b'', lambda data: b'foreign', lambda data: data[:-1], lambda data: data[:30],
    lambda data: data + b'x', lambda data: data.replace(b'"1.0"', b'"1.1"'),
    lambda data: b'finetrack plan 2\n' + data.partition(b'\n')[2],
    lambda data: b'finetrack plan 1\n[]\n'])
def test_a_file_that_is_not_ours_is_passed_over_and_replaced(cache, caplog, damage):
    cache.store(KEY, b'plan')
    path = cache.path(KEY)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.load(KEY) is None
    record, = caplog.records
    assert 'it is compiled anew' in record.message and str(path) in record.message
    cache.store(KEY, b'new')
    assert cache.load(KEY) == b'new'


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path, caplog):
    (tmp_path / 'file').write_text('')
    cache = PlanCache(tmp_path / 'file' / 'cache')
    caplog.set_level(logging.INFO)
    for _ in range(2):
        with cache.lock(KEY):
            cache.store(KEY, b'plan')
    assert 'FINETRACK_CACHE' in [record.message for record in caplog.records][-1]
    assert sum('cannot be written' in record.message for record in caplog.records) == 1
    assert cache.plans() == []


def test_a_full_disk_leaves_nothing_half_written(cache, monkeypatch, caplog):
    cache.store(KEY, b'old')

    def full(*_):
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr('finetrack_ros.inference.cache.os.replace', full)
    cache.store(KEY, b'new')
    assert 'No space left' in caplog.text
    assert cache.load(KEY) == b'old'
    assert [path.suffix for path in cache.folder.iterdir()] == ['.plan']


def test_two_who_build_at_once_build_once(cache):
    built = []

    def build(number):
        mine = PlanCache(cache.folder)
        with mine.lock(KEY):
            if mine.load(KEY) is None:
                time.sleep(0.1)
                built.append(number)
                mine.store(KEY, b'plan')
        return mine.load(KEY)

    with ThreadPoolExecutor() as pool:
        assert set(pool.map(build, range(4))) == {b'plan'}
    assert len(built) == 1


def test_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv('HOME', '/home/robot')
    monkeypatch.delenv('FINETRACK_CACHE', raising=False)
    monkeypatch.delenv('XDG_CACHE_HOME', raising=False)
    assert cache_folder() == Path('/home/robot/.cache/finetrack_ros')
    monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    assert cache_folder() == Path('/home/robot/.cache/finetrack_ros')
    monkeypatch.setenv('XDG_CACHE_HOME', '/var/tmp')
    assert cache_folder() == Path('/var/tmp/finetrack_ros')
    monkeypatch.setenv('FINETRACK_CACHE', '/plans')
    assert cache_folder() == Path('/plans')
