# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Folders of images with YOLO label files."""

import cv2
from hypothesis import given, HealthCheck, settings
from hypothesis import strategies as st
import numpy as np
from PIL import Image
import pytest

from finetrack_ros.datasets import read_clips
from finetrack_ros.errors import ConfigError, SourceError

# A person 40 by 30 pixels in the middle of 80 by 60, and something of class 3.
LABEL = '0 0.5 0.5 0.5 0.5\n3 0.1 0.1 0.1 0.1\n'
ORIENTATION = 0x0112
# The first OpenCV that turns images as they say.
TURNED_SINCE = {'.jpg': (3, 1), '.png': (4, 6), '.webp': (4, 7)}


@pytest.fixture
def folder(write_image, tmp_path):
    """Return a folder of seven images; nobody is in the first."""
    (tmp_path / 'set' / 'labels').mkdir(parents=True)
    for number in range(1, 8):
        write_image(tmp_path / 'set' / 'images' / f'{number}.jpg')
        label = LABEL if number > 1 else ''
        (tmp_path / 'set' / 'labels' / f'{number}.txt').write_text(label)
    return tmp_path / 'set'


def names_of(clips):
    return [frame.path.name for clip in clips for frame in clip.frames]


def test_people_are_read_in_pixels(folder):
    clip, = read_clips('yolo', folder)
    assert (clip.name, clip.is_video, clip.dropped) == ('set', False, 0)
    assert [len(frame.boxes) for frame in clip.frames] == [0, 1, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(clip.frames[1].boxes, [[20, 15, 60, 45]])
    assert clip.frames[1].ids.tolist() == [-1]
    assert clip.frames[1].ignore.tolist() == [False]


def test_class_is_an_option(folder):
    clip, = read_clips('yolo', folder, class_index=3)
    np.testing.assert_allclose(clip.frames[1].boxes, [[4, 3, 12, 9]], rtol=1e-5)


def test_parts_are_disjoint_and_complete(folder):
    everything = names_of(read_clips('yolo', folder))
    evaluated = names_of(read_clips('yolo', folder, part='evaluate'))
    trained = names_of(read_clips('yolo', folder, part='train'))
    assert evaluated == ['3.jpg', '6.jpg']
    assert sorted(trained + evaluated) == everything
    assert names_of(read_clips('yolo', folder, part='evaluate', evaluate_every=7)) == ['7.jpg']


@pytest.mark.parametrize(('every', 'problem'), [(8, 'none of the 7 images'), (1, '2 or more')])
def test_parts_must_hold_images(folder, every, problem):
    with pytest.raises(ConfigError, match=problem):
        read_clips('yolo', folder, part='evaluate', evaluate_every=every)


def test_subfolders_pair_images_and_labels(write_image, tmp_path):
    write_image(tmp_path / 'images' / 'day.1' / '12.5.png')
    (tmp_path / 'labels' / 'day.1').mkdir(parents=True)
    (tmp_path / 'labels' / 'day.1' / '12.5.txt').write_text(LABEL)
    assert len(read_clips('yolo', tmp_path)[0].frames[0].boxes) == 1


@pytest.mark.parametrize('suffix', TURNED_SINCE)
@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
def test_size_is_that_of_the_decoded_image(tmp_path, suffix, orientation):
    """Cameras write upright pictures lying, with a note to turn them, which OpenCV does."""
    version = tuple(map(int, cv2.__version__.split('.')[:2]))
    if version < TURNED_SINCE[suffix]:
        pytest.skip(f'OpenCV {cv2.__version__} does not turn {suffix} images')
    (tmp_path / 'images').mkdir()
    (tmp_path / 'labels').mkdir()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.new('RGB', (80, 60)).save(tmp_path / 'images' / f'a{suffix}', exif=exif)
    (tmp_path / 'labels' / 'a.txt').write_text('0 0.5 0.5 1 1')
    frame = read_clips('yolo', tmp_path)[0].frames[0]
    height, width = frame.read().shape[:2]
    assert frame.boxes.tolist() == [[0, 0, width, height]]


def test_damaged_image_is_met_when_it_is_read(folder):
    (folder / 'images' / '2.jpg').write_bytes(b'\xff\xd8 no more')
    frames = read_clips('yolo', folder)[0].frames
    assert [len(frame.boxes) for frame in frames] == [0, 0, 1, 1, 1, 1, 1]
    with pytest.raises(SourceError, match=r'2\.jpg'):
        frames[1].read()


@pytest.mark.parametrize('label', [
    '0 0.5 0.5 0.2', '0 0.5 0.5 0.2 0.6 0.9', 'person 0.5 0.5 0.2 0.6', '0 40 30 16 36',
    '0 0.5 0.5 nan 0.6', '0,0.5,0.5,0.2,0.6', '0 0.5 0.5 -0.2 0.6'])
def test_malformed_label_is_explained(folder, label):
    (folder / 'labels' / '4.txt').write_text(f'{LABEL}{label}\n')
    with pytest.raises(SourceError, match=r"4\.txt', line 3.*is no YOLO label"):
        read_clips('yolo', folder)


def test_missing_files_are_explained(folder, tmp_path):
    with pytest.raises(SourceError, match='has no image'):
        read_clips('yolo', tmp_path)
    (folder / 'labels' / '3.txt').unlink()
    with pytest.raises(SourceError, match=r'3\.txt.*No such file.*an empty file says'):
        read_clips('yolo', folder)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary() | st.text('0123456789.- e\nnaif', max_size=60).map(str.encode))
def test_no_label_crashes_the_reader(folder, label):
    (folder / 'labels' / '2.txt').write_bytes(label)
    try:
        clip, = read_clips('yolo', folder)
    except SourceError as error:
        assert '2.txt' in str(error)
    else:
        assert np.isfinite(clip.frames[1].boxes).all()


def test_evaluation_data(shared_data):
    boxes = {name: sum(len(frame.boxes) for frame in read_clips('yolo', folder)[0].frames)
             for name in ('pennfudan', 'coco_person')
             for folder in [shared_data / 'det' / name]}
    assert boxes == {'pennfudan': 423, 'coco_person': 604}
