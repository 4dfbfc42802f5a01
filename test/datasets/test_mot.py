# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sequences of MOTChallenge and DanceTrack."""

import shutil

import numpy as np
import pytest

from finetrack_ros.datasets import read_clips
from finetrack_ros.errors import ConfigError, SourceError

MOT16_ROWS = [row for frame in range(1, 7) for row in (
    f'{frame},5,{10 + frame},20,20,50,1,1,1.0',
    f'{frame},9,60,20,20,50,1,1,0.1',
    f'{frame},8,70,20,20,50,0,1,1.0',
    f'{frame},4,20,20,20,50,0,8,1.0',
    f'{frame},3,40,20,20,50,0,3,1.0',
    f'{frame},2,0,0,80,50,0,13,1.0')]


def ignored_by_id(frame):
    return dict(zip(frame.ids.tolist(), frame.ignore.tolist(), strict=True))


def test_classes_and_visibility_of_mot16(write_sequence, tmp_path):
    clip, = read_clips('mot', write_sequence(tmp_path / 'street', MOT16_ROWS), frames='3:5')
    assert (clip.name, clip.is_video, clip.dropped) == ('street', True, 0)
    assert [frame.path.name for frame in clip.frames] == ['000003.jpg', '000004.jpg', '000005.jpg']
    frame = clip.frames[0]
    assert ignored_by_id(frame) == {2: True, 4: True, 5: False, 8: True, 9: True}, 'no car 3'
    np.testing.assert_allclose(frame.boxes[frame.ids == 5], [[13, 20, 33, 70]])
    assert frame.boxes.dtype == np.float32
    assert frame.read().shape == (60, 80, 3)


def test_flag_and_cover_of_mot15(write_sequence, tmp_path):
    rows = ['1,1,10,10,20,40,1,-1,-1,-1', '1,2,9,12,24,50,1,-1,-1,-1',
            '1,3,90,12,24,50,0,-1,-1,-1', '2,1,10,10,20,40,1,-1,-1,-1']
    clip, = read_clips('mot', write_sequence(tmp_path / 'old', rows))
    assert ignored_by_id(clip.frames[0]) == {1: True, 2: False, 3: True}
    assert ignored_by_id(clip.frames[1]) == {1: False}
    assert len(clip.frames[2].boxes) == 0


def test_dancetrack_has_identity_zero_and_longer_names(write_sequence, tmp_path):
    write_sequence(tmp_path / 'dancetrack0001', ['1,0,10,10,20,40,1,1,1', '2,1,10,10,0,40,1,1,1'],
                   digits=8)
    clip, = read_clips('mot', tmp_path)
    assert clip.frames[0].path.name == '00000001.jpg'
    assert ignored_by_id(clip.frames[0]) == {0: False}
    assert (len(clip.frames[1].boxes), clip.dropped) == (0, 1)


def test_length_is_that_of_the_images_without_seqinfo(write_sequence, tmp_path):
    folder = write_sequence(tmp_path / 'PETS', ['1,1,1,1,9,9,1,-1,-1,-1'], seqinfo=False)
    assert [len(clip.frames) for clip in read_clips('mot', folder)] == [6]
    assert [len(clip.frames) for clip in read_clips('mot', folder, frames='val-half')] == [2]


def test_one_of_the_three_copies_in_mot17_is_read(write_sequence, tmp_path):
    for name in ('MOT17-02-DPM', 'MOT17-02-FRCNN', 'MOT17-02-SDP', 'MOT17-04-FRCNN', 'MOT20-01'):
        write_sequence(tmp_path / name, MOT16_ROWS)
    (tmp_path / 'SOURCES.txt').write_text('no sequence')
    names = [clip.name for clip in read_clips('mot', tmp_path)]
    assert names == ['MOT17-02-FRCNN', 'MOT17-04-FRCNN', 'MOT20-01']
    names = [clip.name for clip in read_clips('mot', tmp_path, detector='SDP')]
    assert names == ['MOT17-02-SDP', 'MOT20-01']
    with pytest.raises(ConfigError, match="'YOLO'.*DPM, FRCNN, SDP"):
        read_clips('mot', tmp_path, detector='YOLO')
    assert len(read_clips('mot', tmp_path / 'MOT17-02-DPM')) == 1


@pytest.mark.parametrize(('rows', 'problem'), [
    ([], 'no rows'),
    (['1,2,3'], 'line 1.*not a MOTChallenge row'),
    (['1,a,3,4,5,6,1,1,1'], 'line 1'),
    (['1,1,3,4,5,6,1,1,1', '1,2,3,4,5,6,1'], 'different lengths'),
    (['1,1,3,4,5,6,0.9'], '7 columns'),
    (['1,1,3,4,5,6,1,0,1', '1,1,3,4,5,6,1,2,1', '1,1,3,4,5,6,0,1,1'], 'no person that counts'),
    (['1,1,3,4,5,6,0,-1,-1,-1'], 'no person that counts'),
    (['7,1,3,4,5,6,1,1,1'], 'frame 7.*ends at frame 6'),
])
def test_malformed_ground_truth_is_explained(write_sequence, tmp_path, rows, problem):
    with pytest.raises(SourceError, match=rf'gt\.txt.*{problem}'):
        read_clips('mot', write_sequence(tmp_path / 'bad', rows))


def test_missing_parts_are_explained(write_sequence, tmp_path):
    with pytest.raises(SourceError, match=r'absent.*does not exist'):
        read_clips('mot', tmp_path / 'absent')
    with pytest.raises(SourceError, match='holds none'):
        read_clips('mot', tmp_path)
    folder = write_sequence(tmp_path / 'a', MOT16_ROWS)
    (folder / 'img1' / '000004.jpg').unlink()
    with pytest.raises(SourceError, match='lacks 1 images of frames 1 to 6.*frame 4'):
        read_clips('mot', folder)
    assert len(read_clips('mot', folder, frames='first-half')[0].frames) == 3
    shutil.rmtree(folder / 'img1')
    with pytest.raises(SourceError, match='img1.*no image'):
        read_clips('mot', folder)


def test_sequences_without_ground_truth_are_explained(write_sequence, tmp_path):
    (write_sequence(tmp_path / 'test' / 'MOT20-04', []) / 'gt' / 'gt.txt').unlink()
    with pytest.raises(SourceError, match=r'MOT20-04/gt/gt\.txt.*cannot be read'):
        read_clips('mot', tmp_path / 'test')


def test_all_layouts_of_the_evaluation_data(shared_data):
    clips = read_clips('mot', shared_data / 'mot')
    assert {clip.name: len(clip.frames) for clip in clips} == {
        'ETH-Sunnyday': 354, 'KITTI-17': 145, 'MOT16-09': 525, 'TUD-Campus': 71,
        'TUD-Stadtmitte': 179}
    people = {clip.name: len({int(person) for frame in clip.frames
                              for person in frame.ids[~frame.ignore]}) for clip in clips}
    assert people == {'ETH-Sunnyday': 30, 'KITTI-17': 9, 'MOT16-09': 25, 'TUD-Campus': 8,
                      'TUD-Stadtmitte': 10}
    assert all(clip.frames[-1].read().size for clip in clips)
