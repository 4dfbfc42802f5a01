# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

from hypothesis import given, strategies
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from finetrack_ros.cli.options import parse_score_range
from finetrack_ros.errors import SourceError
from finetrack_ros.io import MotWriter, read_detections, read_mot


def tracks(ids, boxes, scores):
    return SimpleNamespace(ids=np.array(ids, np.int64),
                           boxes=np.array(boxes, np.float32).reshape(-1, 4),
                           scores=np.array(scores, np.float32))


def test_written_lines_are_motchallenge_text(tmp_path):
    with MotWriter(tmp_path / 'out' / 'tracks.txt') as writer:
        writer.write(3, tracks([7, 12], [[10, 20, 40, 100], [1.5, 2.25, 3, 4]], [0.5, 1]))
        writer.write(4, tracks([], [], []))
    assert (tmp_path / 'out' / 'tracks.txt').read_text() == (
        '3,7,10.00,20.00,30.00,80.00,0.5000,-1,-1,-1\n'
        '3,12,1.50,2.25,1.50,1.75,1.0000,-1,-1,-1\n')


@given(corners=arrays.arrays(np.float32, (5, 4), elements=strategies.floats(0, 2000, width=32)))
def test_boxes_survive_writing_and_reading(tmp_path_factory, corners):
    boxes = np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1)
    path = tmp_path_factory.mktemp('mot') / 'tracks.txt'
    with MotWriter(path) as writer:
        writer.write(9, tracks(range(1, 6), boxes, [0.25] * 5))
    rows = read_mot(path)
    assert rows.frames.tolist() == [9] * 5
    assert rows.ids.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(rows.boxes, boxes, atol=0.0101)
    np.testing.assert_allclose(rows.values, 0.25)


def test_nine_column_ground_truth_keeps_class_and_visibility(tmp_path):
    path = tmp_path / 'gt.txt'
    path.write_text('1,4,10,20,30,40,1,1,0.75\n\n2,4,10,20,30,40,0,8,1\n')
    rows = read_mot(path)
    assert rows.boxes.tolist() == [[10, 20, 40, 60]] * 2
    assert rows.values.tolist() == [1, 0]
    assert rows.extra.tolist() == [[1, 0.75], [8, 1]]
    assert rows[rows.values == 1].frames.tolist() == [1]


def test_six_columns_and_blanks_are_read(tmp_path):
    path = tmp_path / 'det.txt'
    path.write_text('1 -1 10 20 30 40\n')
    rows = read_mot(path)
    assert (rows.ids.tolist(), rows.values.tolist(), rows.extra.shape) == ([-1], [1], (1, 0))


def test_empty_file_has_no_rows(tmp_path):
    (tmp_path / 'none.txt').write_text('')
    assert len(read_mot(tmp_path / 'none.txt')) == 0


@pytest.mark.parametrize(('text', 'problem'), [
    ('1,2,3\n', 'line 1'), ('1,1,1,1,1,1\n1,1,a,1,1,1\n', 'line 2'), ('0,1,1,1,1,1\n', 'from 1'),
    ('1,1,1,1,1,1\n1.5,1,1,1,1,1\n', r'line 2: the frame number 1\.5 is no whole'),
    ('1,2.5,1,1,1,1\n', r'line 1: the id 2\.5 is no whole'),
    ('1700000000,1,1,1,1,1\n', 'line 1: the frame number 1700000000 .* time stamp'),
    ('1e300,1,1,1,1,1\n', 'line 1: the frame number 1e.300'),
    ('1,1,nan,1,1,1\n', 'line 1'), ('1,-1,1,1,1,1,inf\n', 'line 1'),
    ('1,1,1,1,1,1\n1,1,1,1,1,1,1\n', 'different lengths')])
def test_bad_lines_are_named(tmp_path, text, problem):
    path = tmp_path / 'bad.txt'
    path.write_text(text)
    with pytest.raises(SourceError, match=problem) as caught:
        read_mot(path)
    assert str(path) in str(caught.value)


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / 'det.txt'
    path.write_text('1,-1,10,20,30,40,0.5\n', encoding='utf-8-sig')
    assert read_mot(path).frames.tolist() == [1]
    assert read_detections(path).scores.tolist() == [0.5]


@pytest.mark.parametrize('count', [1, 10_000])
def test_a_full_disk_is_told(count):
    with pytest.raises(SourceError, match=r"'/dev/full' cannot be written \(No space left"), \
            MotWriter('/dev/full') as writer:
        for frame in range(1, count + 1):
            writer.write(frame, tracks([1], [[0, 0, 5, 5]], [1]))


@pytest.mark.parametrize('scores', [
    [-1, -1], [-1], [5, 5, 5], [-7, -3, -1], [-0.0011, -0.001], [0, 100], [1.5, 1.5], [-2, 0]])
def test_the_range_that_is_proposed_is_one(tmp_path, scores):
    path = tmp_path / 'det.txt'
    path.write_text(''.join(f'1,-1,0,0,5,5,{score}\n' for score in scores))
    with pytest.raises(SourceError, match='--score-range=') as caught:
        read_detections(path)
    found = parse_score_range(str(caught.value).rpartition('=')[2])
    assert read_detections(path, found).scores.max() > 0.5


@given(frames=strategies.lists(strategies.integers(1, 60), min_size=1, max_size=9),
       last=strategies.integers(1, 70), most=strategies.integers(0, 70))
def test_long_empty_stretches_are_cut_short(tmp_path_factory, frames, last, most):
    path = tmp_path_factory.mktemp('mot') / 'det.txt'
    path.write_text(''.join(f'{frame},-1,0,0,5,5,0.5\n' for frame in frames))
    expected, empty = [], 0
    for number in range(1, last + 1):
        empty = 0 if number in frames else empty + 1
        expected += [number] * (empty <= most)
    assert read_detections(path).frames(last, most) == expected


def test_missing_and_unwritable_files_are_named(tmp_path):
    with pytest.raises(SourceError, match='gone.txt'):
        read_mot(tmp_path / 'gone.txt')
    (tmp_path / 'folder').write_text('a file where a folder is wanted')
    with pytest.raises(SourceError, match='cannot be written'):
        MotWriter(tmp_path / 'folder' / 'tracks.txt')


@given(frames=strategies.lists(strategies.integers(1, 9), min_size=1, max_size=30))
def test_detections_are_found_by_frame_in_any_order(tmp_path_factory, frames):
    path = tmp_path_factory.mktemp('mot') / 'det.txt'
    path.write_text(''.join(f'{frame},-1,{row},0,5,5,0.5\n' for row, frame in enumerate(frames)))
    detections = read_detections(path)
    assert (len(detections), detections.last_frame) == (len(frames), max(frames))
    for frame in range(1, 10):
        rows = [row for row, number in enumerate(frames) if number == frame]
        assert detections.of_frame(frame).boxes[:, 0].tolist() == rows


def test_boxes_without_an_area_are_counted_and_left_out(tmp_path):
    (tmp_path / 'det.txt').write_text('1,-1,0,0,5,5,0.5\n2,-1,0,0,0,5,0.5\n2,-1,0,0,5,-5,0.5\n')
    detections = read_detections(tmp_path / 'det.txt')
    assert (len(detections), detections.dropped, detections.last_frame) == (1, 2, 2)
    assert len(detections.of_frame(2)) == 0


def test_scores_are_mapped_only_where_that_is_asked_for(tmp_path):
    (tmp_path / 'det.txt').write_text('1,-1,0,0,5,5,-20\n1,-1,0,0,5,5,30\n1,-1,0,0,5,5,90\n')
    with pytest.raises(SourceError, match='from -20 to 90.*--score-range=0:84'):
        read_detections(tmp_path / 'det.txt')
    mapped = read_detections(tmp_path / 'det.txt', (0, 60))
    assert mapped.scores.tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(('text', 'problem'), [
    ('', 'no rows'), ('1,-1,0,0,5,5\n', 'no scores'), ('1,-1,0,0,5,5,x\n', 'line 1')])
def test_files_that_are_no_detections_are_refused(tmp_path, text, problem):
    (tmp_path / 'det.txt').write_text(text)
    with pytest.raises(SourceError, match=problem):
        read_detections(tmp_path / 'det.txt')
