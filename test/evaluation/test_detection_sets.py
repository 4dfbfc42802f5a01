# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import cv2
import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.evaluation.detection_sets import (
    detection_ap,
    DETECTION_SETS,
    precision_on,
    read_detection_set,
    read_pedestrians,
)


class Oracle:
    """Detector that gives the boxes of one frame after the other, moved to the right."""

    def __init__(self, clip, shift=0.0):
        self.frames, self.shift = iter(clip.frames), shift

    def __call__(self, image):
        boxes = next(self.frames).boxes + np.array([self.shift, 0, self.shift, 0], np.float32)
        return Detections(boxes, np.ones(len(boxes)), np.zeros(len(boxes)))


@pytest.mark.parametrize(('shift', 'expected'), [(0, (1, 1)), (6, (1, 0)), (20, (0, 0))])
def test_iou_decides_what_counts(painted_walk, shift, expected):
    clip = read_pedestrians(painted_walk, '41:60')
    assert detection_ap(Oracle(clip, shift), clip) == expected


def test_detector_sees_each_image_and_progress_is_told(painted_walk):
    clip = read_pedestrians(painted_walk, '1:3')
    seen, steps = [], []

    def detect(image):
        seen.append(image.shape)
        return Detections.empty()

    curves = precision_on(detect, clip, progress=steps.append)
    assert [curve.average_precision for curve in curves] == [0, 0]
    assert seen == [(240, 440, 3)] * 3
    assert steps == ['1/3', '2/3', '3/3']


def test_everything_but_visible_pedestrians_is_ignored(painted_walk):
    truth = painted_walk / 'gt' / 'gt.txt'
    truth.write_text('30,1,10,10,30,80,1,1,0.3\n30,2,60,10,30,80,1,1,0.2\n'
                     '30,3,110,10,30,80,1,3,1\n30,4,160,10,30,80,0,8,1\n')
    clip = read_pedestrians(painted_walk, '30:31')
    assert dict(zip(clip.frames[0].ids, clip.frames[0].ignore, strict=True)) == {
        1: False, 2: True, 3: True, 4: True}
    assert len(clip.frames[1].boxes) == 0


def test_unknown_set_and_missing_data_are_named(tmp_path):
    with pytest.raises(ConfigError, match='TUD-Campus'):
        read_detection_set('TUD-Kampus', tmp_path)
    with pytest.raises(SourceError, match='TUD-Campus'):
        read_detection_set('TUD-Campus', tmp_path)


def test_still_images_are_read_by_their_own_format(tmp_path):
    for folder in ('images', 'labels'):
        (tmp_path / 'det' / 'coco_person' / folder).mkdir(parents=True)
    for number in range(7):
        base = tmp_path / 'det' / 'coco_person'
        cv2.imwrite(str(base / 'images' / f'{number}.png'), np.zeros((100, 100, 3), np.uint8))
        (base / 'labels' / f'{number}.txt').write_text(f'0 0.5 0.5 0.{number + 1} 0.5\n')
    clip = read_detection_set('COCO people', tmp_path)
    widths = [float(np.ptp(frame.boxes[0, ::2])) for frame in clip.frames]
    assert widths == pytest.approx([30, 60]), 'every third of the sorted images'


def test_sets_are_there_and_free_of_training_frames(shared_data):
    counts = {name: len(read_detection_set(name, shared_data).frames) for name in DETECTION_SETS}
    assert counts == {'MOT16-09 (second half)': 263, 'TUD-Campus': 71, 'KITTI-17': 145,
                      'ETH-Sunnyday': 354, 'robot_indoor val': 400, 'COCO people': 49}
    street = read_detection_set('MOT16-09 (second half)', shared_data)
    assert street.frames[0].path.stem == '000263'


def test_detector_that_returns_ground_truth_has_full_precision(shared_data):
    clip = read_detection_set('TUD-Campus', shared_data)
    clip = replace(clip, frames=clip.frames[::10])
    assert detection_ap(Oracle(clip), clip) == (1, 1)
