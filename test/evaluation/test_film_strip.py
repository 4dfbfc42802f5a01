# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
import cv2
import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.film_strip import choose_frames, draw_strip, find_images
from finetrack_ros.evaluation.ground_truth import GroundTruth, Sequence
from finetrack_ros.evaluation.identity_switches import IdentitySwitch
from finetrack_ros.evaluation.mot import Part
from finetrack_ros.io import MotRows
from finetrack_ros.io.drawing import colour_of

WIDTH, HEIGHT, TITLE, GAP = 172, 232, 24, 6
BLANK = 236
SWITCH = IdentitySwitch(1, 10, 9, 3, 4, 9, 11, None)
# Where the red line and the space behind it push the cut-outs with the new id.
SHIFT = 3 + GAP


def walk(folder, box=(100, 100, 130, 180), frames=20):
    """Return one person who stands still, with id 3 up to frame 9 and 4 from then on."""
    numbers, ones = np.arange(1, frames + 1), np.ones(frames, np.int64)
    boxes = np.tile(np.array(box, float), (frames, 1))
    truth = GroundTruth(numbers, ones, boxes, ones, ones > 0, ones < 0, ones.astype(float))
    rows = MotRows(numbers, np.where(numbers < 10, 3, 4), boxes, ones.astype(float),
                   np.zeros((frames, 0)))
    return Part(Sequence('walk', folder, frames, truth), 1, frames, rows)


def write_images(folder, frames, value=90, size=(240, 320), digits=6):
    """Write grey images, 12 per second: frames 3, 6, 9, 10, 13 and 16 are shown."""
    (folder / 'img1').mkdir()
    (folder / 'seqinfo.ini').write_text('[Sequence]\nframeRate=12\n')
    for frame in frames:
        image = np.full((*size, 3), value, np.uint8)
        cv2.imwrite(str(folder / 'img1' / f'{frame:0{digits}}.png'), image)


def panels(strip):
    """Return the cut-outs of a strip of six."""
    lefts = [(WIDTH + GAP) * number + (SHIFT if number > 2 else 0) for number in range(6)]
    return [strip[TITLE:, left:left + WIDTH] for left in lefts]


def has(panel, colour):
    """Return how many pixels have a colour."""
    return int((panel == np.array(colour, np.uint8)).all(axis=2).sum())


def switch_of(last_frame, frame):
    return IdentitySwitch(1, frame, last_frame, 3, 4, 1, 1, None)


@pytest.mark.parametrize(('switch', 'present', 'expected'), [
    (switch_of(50, 51), range(1, 101), [40, 45, 50, 51, 56, 61]),
    (switch_of(50, 80), range(1, 101), [45, 50, 65, 80, 85, 90]),
    # Nobody is there in between, nor before 49 and after 82.
    (switch_of(50, 80), [49, 50, 80, 82], [49, 50, 80, 82]),
    (switch_of(1, 2), [1, 2], [1, 2])])
def test_frames_before_and_after_the_switch_are_shown(switch, present, expected):
    assert choose_frames(switch, np.array(present), 5) == expected


def test_old_and_new_id_are_drawn_in_their_colours(tmp_path):
    write_images(tmp_path, range(1, 21))
    strip = draw_strip(walk(tmp_path), SWITCH, find_images(tmp_path))
    assert strip.shape == (TITLE + HEIGHT, 6 * WIDTH + 5 * GAP + SHIFT, 3)
    old, new = [has(panel, colour_of(3)) for panel in panels(strip)], [
        has(panel, colour_of(4)) for panel in panels(strip)]
    assert min(old[:3]) > 300 and min(new[3:]) > 300
    assert old[3:] == new[:3] == [0, 0, 0]
    # Between the third cut-out and the fourth: a red line from top to bottom.
    left = 3 * (WIDTH + GAP)
    assert len(np.unique(strip[:, left:left + 3].reshape(-1, 3), axis=0)) == 1


def test_the_person_is_in_the_middle_at_the_size_that_fits(tmp_path):
    write_images(tmp_path, [])
    for frame in range(1, 21):
        image = np.full((240, 320, 3), 90, np.uint8)
        image[100:180, 100:130] = (200, 30, 30)
        cv2.imwrite(str(tmp_path / 'img1' / f'{frame:06}.png'), image)
    panel = panels(draw_strip(walk(tmp_path), SWITCH, find_images(tmp_path)))[0]
    rows, columns = np.nonzero((np.abs(panel.astype(int) - (200, 30, 30)) < 4).all(axis=2))
    scale = HEIGHT / (1.7 * 80)
    assert np.ptp(rows) == pytest.approx(80 * scale, abs=8)
    assert np.ptp(columns) == pytest.approx(30 * scale, abs=8)
    assert rows.mean() == pytest.approx(HEIGHT / 2, abs=4)
    assert columns.mean() == pytest.approx(WIDTH / 2, abs=4)


def test_large_people_are_shrunk_and_image_borders_grey(tmp_path):
    write_images(tmp_path, range(1, 21), size=(900, 400))
    part = walk(tmp_path, (-100, 0, 300, 900))
    panel = panels(draw_strip(part, SWITCH, find_images(tmp_path)))[0]
    assert tuple(panel[HEIGHT // 2, 3]) == (BLANK,) * 3
    assert has(panel, (90, 90, 90)) > 3000


def test_frames_without_image_are_blank(tmp_path):
    write_images(tmp_path, [9, 10], digits=8)
    drawn = panels(draw_strip(walk(tmp_path), SWITCH, find_images(tmp_path)))
    blank = [has(panel, (BLANK,) * 3) > 10000 for panel in drawn]
    assert blank == [True, True, False, False, True, True]
    assert min(has(panel, colour_of(3)) for panel in drawn[:3]) > 300


def test_images_are_found_where_seqinfo_says(tmp_path):
    assert find_images(tmp_path).paths == {}
    write_images(tmp_path, [1])
    (tmp_path / 'img1').rename(tmp_path / 'pictures')
    (tmp_path / 'pictures' / 'notes.txt').write_text('')
    (tmp_path / 'seqinfo.ini').write_text('[Sequence]\nimDir=pictures\nframeRate=12\n')
    found = find_images(tmp_path)
    assert found.paths == {1: tmp_path / 'pictures' / '000001.png'}
    assert found.rate == 12


def test_damaged_images_are_told(tmp_path):
    write_images(tmp_path, range(1, 21))
    (tmp_path / 'img1' / '000009.png').write_bytes(b'no image')
    with pytest.raises(SourceError, match='000009.png'):
        draw_strip(walk(tmp_path), SWITCH, find_images(tmp_path))


@pytest.mark.parametrize('box', [
    (100, 100, 100, 100), (5, 5, 5.2, 5.4),
    (-9e7, -9e7, 9e7, 9e7), (5000, 5000, 5100, 5200),
    (-800, 10, -700, 200)])
def test_strange_boxes_are_drawn_all_the_same(tmp_path, box):
    write_images(tmp_path, range(1, 21))
    strip = draw_strip(walk(tmp_path, box), SWITCH, find_images(tmp_path))
    assert strip.shape == (TITLE + HEIGHT, 6 * WIDTH + 5 * GAP + SHIFT, 3)
    assert len(np.unique(strip)) > 2
