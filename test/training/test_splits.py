# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The split: what is trained on, and what is judged on."""

import pytest

from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.errors import ConfigError
from finetrack_ros.training.splits import load_splits

# Sequences that judge the finished work; nothing here may train on them or tune with them.
HELD_OUT = ('MOT16-11', 'MOT17-11', 'MOT17-05', 'MOT17-10', 'MOT17-13', 'ADL-Rundle-6', 'PETS09')


def frames_of(part):
    """Return the (path, frame) pairs of a part whose sequences all name their range."""
    return {(item.path, frame) for item in part.sequences
            for frame in range(item.first, (item.last or 10_000) + 1)}


def test_shipped_split_does_not_overlap():
    splits = load_splits()
    assert frames_of(splits.train)
    assert not frames_of(splits.train) & frames_of(splits.evaluate)
    assert splits.identities.evaluate_last == 100
    named = [item.path for part in (splits.train, splits.evaluate)
             for item in (*part.sequences, *part.stills)]
    assert not [path for path in named for name in HELD_OUT if name in path]


def test_shipped_split_on_the_data(shared_data):
    splits = load_splits()
    train, evaluate = splits.train.read(shared_data), splits.evaluate.read(shared_data)
    assert {clip.name: len(clip.frames) for clip in train} == {
        'MOT16-09': 262, 'TUD-Stadtmitte': 179, 'pennfudan': 170, 'coco_person': 149}
    assert {clip.name: len(clip.frames) for clip in evaluate} == {
        'MOT16-09': 263, 'TUD-Campus': 71, 'KITTI-17': 145, 'ETH-Sunnyday': 354}
    trained, judged = ({frame.path for clip in part for frame in clip.frames}
                       for part in (train, evaluate))
    assert not trained & judged
    market = Market1501(shared_data / splits.identities.path)
    trained, judged = ({market.samples[index].identity for index in indices}
                       for indices in market.split(splits.identities.evaluate_last))
    assert (len(trained), len(judged)) == (651, 100)
    assert max(trained) < min(judged)


@pytest.mark.parametrize(('content', 'problem'), [
    ('train: {}\n', 'evaluate'),
    ('[1, 2', 'no valid split file'),
    ('train: {sequences: [{folder: a}]}\nevaluate: {}\nidentities: {}\n', 'folder'),
])
def test_bad_split_file_is_explained(tmp_path, content, problem):
    path = tmp_path / 'split.yaml'
    path.write_text(content)
    with pytest.raises(ConfigError, match=problem):
        load_splits(path)


def test_missing_split_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match='absent.yaml'):
        load_splits(tmp_path / 'absent.yaml')
