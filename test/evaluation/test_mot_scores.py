# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from collections import defaultdict
import json
from types import SimpleNamespace

import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.mot import (
    COMBINED,
    CURVES,
    DETAILS,
    evaluate,
    evaluate_parts,
    read_parts,
    SUMMARY,
)
from finetrack_ros.io import MotWriter, read_mot

BOX = '100,100,50,100'
FAR = '400,100,50,100'


def write_sequence(folder, name, lines, length):
    (folder / name / 'gt').mkdir(parents=True)
    (folder / name / 'gt' / 'gt.txt').write_text('\n'.join(lines) + '\n')
    (folder / name / 'seqinfo.ini').write_text(f'[Sequence]\nseqLength={length}\n')


@pytest.fixture
def score(tmp_path):
    """Return a function that scores result lines against the lines of one ground truth."""
    def run(truth, results, length=4, **options):
        write_sequence(tmp_path / 'gt', 'seq', truth, length)
        (tmp_path / 'results').mkdir()
        (tmp_path / 'results' / 'seq.txt').write_text(''.join(f'{line}\n' for line in results))
        return evaluate(tmp_path / 'gt', tmp_path / 'results', **options)['seq']
    return run


def mot16(frame, track_id, box, flag=1, kind=1):
    return f'{frame},{track_id},{box},{flag},{kind},1'


def mot15(frame, track_id, box, flag=1):
    return f'{frame},{track_id},{box},{flag},-1,-1,-1'


def result(frame, track_id, box):
    return f'{frame},{track_id},{box},0.9,-1,-1,-1'


def counts(scores):
    return [scores[name] for name in ('IDSW', 'FP', 'FN')]


def test_perfect_tracks_score_a_hundred(score):
    truth = [mot16(frame, 1, BOX) for frame in range(1, 5)]
    scores = score(truth, [result(frame, 77, BOX) for frame in range(1, 5)])
    assert [scores[name] for name in ('HOTA', 'DetA', 'AssA', 'MOTA', 'IDF1')] == [100] * 5
    assert counts(scores) == [0, 0, 0]
    assert scores['Frames'] == 4


def test_switch_miss_and_false_alarm_are_counted_by_hand(score):
    # Four boxes; frame 2 missed, a new id from frame 3, one alarm in frame 4:
    # MOTA = 1 - (1 FN + 1 FP + 1 IDSW) / 4; IDTP = 2, so IDF1 = 2 * 2 / (4 + 4).
    truth = [mot16(frame, 1, BOX) for frame in range(1, 5)]
    scores = score(truth, [result(1, 1, BOX), result(3, 2, BOX), result(4, 2, BOX),
                           result(4, 3, FAR)])
    assert counts(scores) == [1, 1, 1]
    assert scores['MOTA'] == pytest.approx(25)
    assert scores['IDF1'] == pytest.approx(50)


def test_fragments_and_what_people_are_found_of_are_counted(score):
    # Person 1 is lost twice and found in 3 of 5 frames, person 2 never, person 3 always.
    truth = [mot16(frame, person, box) for person, box in
             enumerate((BOX, FAR, '700,100,50,100'), 1) for frame in range(1, 6)]
    found = [result(frame, 1, BOX) for frame in (1, 3, 5)] + [
        result(frame, 3, '700,100,50,100') for frame in range(1, 6)]
    scores = score(truth, found, 5)
    assert [scores[name] for name in ('Frag', 'MT', 'PT', 'ML')] == [2, 1, 1, 1]
    assert [scores[name] for name in ('Precision', 'MOTP', 'LocA')] == [100] * 3
    assert scores['Recall'] == pytest.approx(100 * 8 / 15)
    assert list(scores) == [*SUMMARY, *DETAILS]


def test_scores_are_the_means_of_the_curves(tmp_path):
    write_sequence(tmp_path, 'seq', [mot16(frame, 1, BOX) for frame in (1, 2)], 2)
    # Half as high as the person in frame 2: IoU 0.5.
    (tmp_path / 'seq.txt').write_text(result(1, 1, BOX) + '\n' + result(2, 1, '100,100,50,50'))
    evaluation = evaluate_parts(read_parts(tmp_path, tmp_path))
    assert evaluation.alphas == [round(0.05 * step, 2) for step in range(1, 20)]
    assert list(evaluation.curves) == ['seq', COMBINED]
    for name, curves in evaluation.curves.items():
        assert list(curves) == list(CURVES)
        assert curves['HOTA'] == pytest.approx([100] * 10 + [100 / 3] * 9)
        for metric, values in curves.items():
            assert np.mean(values) == pytest.approx(evaluation.scores[name][metric])


@pytest.mark.parametrize('kind', [2, 7, 8, 12])
def test_results_on_distractors_are_left_out(score, kind):
    truth = [mot16(1, 1, BOX), mot16(1, 2, FAR, flag=0, kind=kind)]
    assert counts(score(truth, [result(1, 1, BOX), result(1, 2, FAR)], 1)) == [0, 0, 0]


@pytest.mark.parametrize('kind', [3, 9, 11])
def test_results_on_other_classes_are_false_positives(score, kind):
    truth = [mot16(1, 1, BOX), mot16(1, 2, FAR, flag=0, kind=kind)]
    assert counts(score(truth, [result(1, 1, BOX), result(1, 2, FAR)], 1)) == [0, 1, 0]


def test_pedestrians_with_flag_zero_are_not_ground_truth(score):
    truth = [mot16(1, 1, BOX), mot16(1, 2, FAR, flag=0)]
    assert counts(score(truth, [result(1, 1, BOX)], 1)) == [0, 0, 0]


def test_consider_flag_of_ten_columns_neither_rewards_nor_punishes(score):
    truth = [mot15(1, 1, BOX), mot15(1, 2, FAR, flag=0), mot15(2, 1, BOX),
             mot15(2, 2, FAR, flag=0)]
    # Found in frame 1, missed in frame 2: both without effect.
    scores = score(truth, [result(1, 1, BOX), result(1, 2, FAR), result(2, 1, BOX)], 2)
    assert counts(scores) == [0, 0, 0]
    assert scores['HOTA'] == 100


def test_consider_flag_excuses_one_result_per_box_only(score):
    truth = [mot15(1, 1, BOX), mot15(1, 2, FAR, flag=0)]
    found = [result(1, 1, BOX), result(1, 2, FAR), result(1, 3, FAR)]
    assert counts(score(truth, found, 1)) == [0, 1, 0]


def test_frame_range_cuts_truth_and_results(score):
    truth = [mot16(frame, 1, BOX) for frame in range(1, 6)]
    # Wrong in frames 1 and 2, right from frame 3, which is where the second half of 5 begins.
    found = [result(1, 1, FAR), result(2, 2, FAR)] + [result(f, 3, BOX) for f in (3, 4, 5)]
    scores = score(truth, found, 5, frames='second-half')
    assert (scores['MOTA'], scores['Frames']) == (100, 3)


def test_frames_without_ground_truth_cannot_be_scored(score):
    truth = [mot16(1, 1, BOX), mot16(2, 1, BOX), mot16(4, 1, BOX, flag=0)]
    with pytest.raises(SourceError, match='seq has no ground truth .* 3 to 4, only in 1 to 2'):
        score(truth, [result(1, 1, BOX)], 4, frames='second-half')


def test_no_results_at_all_miss_everything(score):
    scores = score([mot16(1, 1, BOX), mot16(2, 1, BOX)], [])
    assert counts(scores) == [0, 0, 2]
    assert (scores['HOTA'], scores['Frames']) == (0, 4)


def test_combined_adds_up_and_serialises(tmp_path):
    for name in ('a', 'b'):
        write_sequence(tmp_path / 'gt', name, [mot16(1, 1, BOX), mot16(2, 1, BOX)], 2)
        (tmp_path / f'{name}.txt').write_text(result(1, 1, BOX) + '\n')
    table = evaluate(tmp_path / 'gt', tmp_path)
    assert list(table) == ['a', 'b', COMBINED]
    assert (table[COMBINED]['FN'], table[COMBINED]['Frames']) == (2, 4)
    assert json.loads(json.dumps(table)) == table
    assert list(evaluate(tmp_path / 'gt', tmp_path, sequences=['b'])) == ['b', COMBINED]


def test_one_sequence_may_be_scored_from_a_file(tmp_path):
    write_sequence(tmp_path, 'seq', [mot16(1, 1, BOX)], 1)
    (tmp_path / 'tracks.txt').write_text(result(1, 1, BOX) + '\n')
    assert evaluate(tmp_path / 'seq', tmp_path / 'tracks.txt')['seq']['HOTA'] == 100


@pytest.mark.parametrize(('results', 'problem'), [
    ([result(9, 1, BOX)], 'frame 9'), ([result(1, -1, BOX)], 'id -1'),
    ([result(1, 5, BOX), result(1, 5, FAR)], 'id 5 twice in frame 1'), (['1,2'], 'line 1')])
def test_wrong_results_are_explained(score, results, problem):
    with pytest.raises(SourceError, match=problem):
        score([mot16(1, 1, BOX)], results, 4)


@pytest.mark.parametrize(('truth', 'problem'), [
    ([], 'no rows'), ([f'1,1,{BOX},1'], '7 columns'), ([mot16(9, 1, BOX)], 'frame 9'),
    ([mot16(1, 1, BOX), mot16(1, 2, FAR, kind=99)], r'1 row\(s\) .* such as 99 .* in frame 1'),
    ([mot16(1, 1, BOX), mot16(2, 1, BOX, kind=-1)], r'gt.txt.* such as -1 .* in frame 2'),
    ([mot16(1, 1, BOX), mot16(2, 1, BOX, kind=1.5)], 'such as 1.5'),
    ([mot16(1, 1, BOX, kind=0), mot16(1, 2, FAR, kind='nan')], r'2 row\(s\) .* such as 0'),
    ([mot16(1, 1, BOX, kind=3), mot16(2, 1, BOX, kind=3), mot16(1, 2, FAR, flag=0)],
     'holds 1 x class 1 with flag 0, 2 x class 3, but only class 1'),
    ([mot15(1, 1, BOX, flag=0)], 'flags .* are 0')])
def test_wrong_ground_truth_is_explained(score, truth, problem, capsys):
    with pytest.raises(SourceError, match=problem):
        score(truth, [result(1, 1, BOX)])
    assert capsys.readouterr().out == ''


def test_missing_files_and_names_are_explained(tmp_path):
    with pytest.raises(SourceError, match='no ground truth'):
        evaluate(tmp_path, tmp_path)
    write_sequence(tmp_path, 'MOT16-09', [mot16(1, 1, BOX)], 1)
    with pytest.raises(SourceError, match='MOT16-09.txt'):
        evaluate(tmp_path, tmp_path)
    with pytest.raises(SourceError, match='Choose from: MOT16-09'):
        evaluate(tmp_path, tmp_path, sequences=['MOT16-9'])


def test_ground_truth_of_real_sequences_scores_itself(shared_data, tmp_path):
    """Both layouts: KITTI-17 has rows with flag 0, MOT16-09 distractors and 1050 occluders."""
    for name in ('KITTI-17', 'MOT16-09'):
        rows = read_mot(shared_data / 'mot' / name / 'gt' / 'gt.txt')
        by_frame = defaultdict(list)
        for row, frame in enumerate(rows.frames.tolist()):
            by_frame[frame].append(row)
        with MotWriter(tmp_path / f'{name}.txt') as writer:
            for frame, indices in sorted(by_frame.items()):
                writer.write(frame, SimpleNamespace(
                    ids=rows.ids[indices], boxes=rows.boxes[indices].astype(np.float32),
                    scores=rows.values[indices]))
    table = evaluate(shared_data / 'mot', tmp_path, sequences=['KITTI-17', 'MOT16-09'])
    assert table['KITTI-17']['HOTA'] > 99.5
    assert counts(table['KITTI-17']) == [0, 0, 0]
    assert counts(table['MOT16-09']) == [0, 1050, 0]
