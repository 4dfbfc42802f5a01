# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Readers of training sources, and the split."""

import shutil

import numpy as np
import pytest

from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.evaluation.market1501 import Market1501
from finetrack_ros.training.sources import read_mot_sequence, read_yolo_folder
from finetrack_ros.training.splits import load_splits

# Sequences that judge the finished work; nothing here may train on them or tune with them.
HELD_OUT = ('MOT16-11', 'MOT17-11', 'MOT17-05', 'MOT17-10', 'MOT17-13', 'ADL-Rundle-6', 'PETS09')


def frames_of(part):
    """Return the (path, frame) pairs of a part whose sequences all name their range."""
    return {(item.path, frame) for item in part.sequences
            for frame in range(item.first, (item.last or 10_000) + 1)}


def copy_sequence(data_root, folder, ground_truth):
    shutil.copytree(data_root / 'mot' / 'street', folder)
    (folder / 'gt' / 'gt.txt').write_text(ground_truth)
    return folder


def test_mot16_classes_and_visibility(data_root):
    clip = read_mot_sequence(data_root / 'mot' / 'street', first=3, last=5)
    assert clip.is_video
    assert clip.name == 'street'
    assert [frame.path.name for frame in clip.frames] == ['000003.jpg', '000004.jpg', '000005.jpg']
    frame = clip.frames[0]
    order = np.argsort(frame.ids)
    assert frame.ids[order].tolist() == [4, 5, 9], 'the car, id 3, is left out'
    assert frame.ignore[order].tolist() == [True, False, True]
    np.testing.assert_allclose(frame.boxes[frame.ids == 5], [[13, 20, 33, 70]])
    assert frame.boxes.dtype == np.float32
    assert frame.read().shape == (96, 160, 3)
    assert frame.read(half=True).shape == (48, 80, 3)


def test_mot15_flag_and_cover(data_root, tmp_path):
    folder = copy_sequence(data_root, tmp_path / 'old', '\n'.join([
        '1,1,10,10,20,40,1,-1,-1,-1', '1,2,9,12,24,50,1,-1,-1,-1',
        '1,3,90,12,24,50,0,-1,-1,-1', '2,1,10,10,20,40,1,-1,-1,-1']))
    first, second = read_mot_sequence(folder, last=2).frames
    assert dict(zip(first.ids.tolist(), first.ignore.tolist(), strict=True)) == {
        1: True, 2: False, 3: True}
    assert second.ignore.tolist() == [False]


def test_yolo_labels(data_root):
    clip = read_yolo_folder(data_root / 'det' / 'stills')
    assert not clip.is_video
    assert [len(frame.boxes) for frame in clip.frames] == [0, 1, 1, 1, 1]
    np.testing.assert_allclose(clip.frames[1].boxes, [[80, 20, 120, 80]], rtol=1e-6)
    assert clip.frames[1].ids.tolist() == [-1]


@pytest.mark.parametrize(('first', 'last'), [(0, 5), (5, 4), (1, 13)])
def test_frame_range_must_fit(data_root, first, last):
    with pytest.raises(ConfigError, match='frames 1 to 12'):
        read_mot_sequence(data_root / 'mot' / 'street', first, last)


@pytest.mark.parametrize(('ground_truth', 'problem'), [
    ('1,2,3\n', '3 columns'), ('1,a,3\n', 'no table'), ('1,2,3\n1,2\n', 'no table')])
def test_malformed_ground_truth_is_named(data_root, tmp_path, ground_truth, problem):
    folder = copy_sequence(data_root, tmp_path / 'bad', ground_truth)
    with pytest.raises(SourceError, match=f'gt.txt.*{problem}'):
        read_mot_sequence(folder)


def test_missing_files_are_named(data_root, tmp_path):
    with pytest.raises(SourceError, match='seqinfo.ini'):
        read_mot_sequence(tmp_path)
    with pytest.raises(SourceError, match='no image'):
        read_yolo_folder(tmp_path)
    stills = shutil.copytree(data_root / 'det' / 'stills', tmp_path / 'stills')
    (stills / 'labels' / '3.txt').unlink()
    with pytest.raises(SourceError, match=r'3\.txt.*No such file'):
        read_yolo_folder(stills)


def test_unreadable_image_is_named(data_root, tmp_path):
    folder = shutil.copytree(data_root / 'mot' / 'street', tmp_path / 'street')
    (folder / 'img1' / '000001.jpg').write_text('no image')
    frame = read_mot_sequence(folder).frames[0]
    with pytest.raises(SourceError, match=r'000001\.jpg'):
        frame.read()


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
