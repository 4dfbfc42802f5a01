# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Readers are found by the name of their format, and their options are checked."""

from pathlib import Path
import sys
from typing import Literal

import pytest

from finetrack_ros import datasets
from finetrack_ros.datasets import Clip, formats, read_clips, reader, registry
from finetrack_ros.errors import ConfigError

NEW_FORMAT = """
from finetrack_ros.datasets import Clip, reader


@reader('widgets')
def read_widgets(path):
    return [Clip(path.name, (), False)]
"""


@pytest.fixture
def readers(monkeypatch):
    """Keep what a test registers out of the others."""
    formats()
    monkeypatch.setattr(registry, '_READERS', dict(registry._READERS))


@pytest.fixture
def calls(readers):
    """Register the format 'sample', and return the calls of its reader."""
    received = []

    @reader('sample')
    def read_sample(path: Path, *, count: int, scale: float = 1.0, whole: bool = True,
                    box: Literal['full', 'seen'] | None = None) -> list[Clip]:
        received.append((path, count, scale, whole, box))
        return [Clip('a', (), False)]
    return received


def test_formats_are_known():
    assert formats() == ['coco', 'crowdhuman', 'mot', 'yolo']


def test_module_in_the_package_is_all_a_new_format_needs(readers, monkeypatch, tmp_path):
    (tmp_path / 'widgets.py').write_text(NEW_FORMAT)
    monkeypatch.setattr(datasets, '__path__', [*datasets.__path__, str(tmp_path)])
    registry._load_readers.cache_clear()
    try:
        assert 'widgets' in formats()
        assert read_clips('widgets', '/some/folder') == (Clip('folder', (), False),)
    finally:
        registry._load_readers.cache_clear()
        sys.modules.pop('finetrack_ros.datasets.widgets', None)


def test_options_reach_the_reader(calls):
    clips = read_clips('sample', 'folder', count=3, scale=2, box='seen')
    assert clips == (Clip('a', (), False),)
    assert calls == [(Path('folder'), 3, 2, True, 'seen')]


@pytest.mark.parametrize(('options', 'problem'), [
    ({'cuont': 3}, "no option 'cuont'.*count, scale, whole, box"),
    ({}, "needs the option 'count'"),
    ({'count': '3'}, "'count' cannot be '3'.*an integer"),
    ({'count': True}, "'count' cannot be True"),
    ({'count': None}, "'count' cannot be None"),
    ({'count': 1, 'scale': 'big'}, 'a number'),
    ({'count': 1, 'whole': 1}, 'true or false'),
    ({'count': 1, 'box': 'half'}, "'box' cannot be 'half'.*full or seen or nothing"),
    ({'count': 1, 'box': ['full']}, "'box' cannot be"),
])
def test_wrong_options_are_explained(calls, options, problem):
    with pytest.raises(ConfigError, match=problem):
        read_clips('sample', 'folder', **options)
    assert calls == []


def test_unknown_format_lists_the_known():
    with pytest.raises(ConfigError, match="'voc' is unknown.*coco, crowdhuman, mot, yolo"):
        read_clips('voc', 'folder')


def test_two_readers_cannot_share_a_name(calls):
    with pytest.raises(ValueError, match="'sample'"):
        reader('sample')(lambda path: [])
