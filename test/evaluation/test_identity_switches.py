# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import astuple

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.evaluation.ground_truth import GroundTruth, Sequence
from finetrack_ros.evaluation.identity_switches import find_switches, FrameOverlap
from finetrack_ros.evaluation.mot import evaluate_parts, Part
from finetrack_ros.io import MotRows


def overlap(frame, truth_ids, result_ids, iou=None):
    """Return a frame; without iou, people and results match in the order given."""
    if iou is None:
        iou = np.eye(len(truth_ids), len(result_ids))
    return FrameOverlap(frame, np.array(truth_ids, np.int64), np.array(result_ids, np.int64),
                        np.array(iou, float).reshape(len(truth_ids), len(result_ids)))


def one_person(*result_ids):
    """Return frames of person 7, with the id of each frame or None."""
    return [overlap(frame, [7], [] if result_id is None else [result_id])
            for frame, result_id in enumerate(result_ids, 1)]


def test_a_steady_id_does_not_switch():
    assert find_switches(one_person(3, 3, None, 3)) == []


def test_a_switch_tells_who_when_and_for_how_long():
    switches = find_switches(one_person(3, 3, None, None, 4, 4, 4))
    # Person, frame, last frame before, old and new id, frames with each, whom the new one was on.
    assert [astuple(switch) for switch in switches] == [(7, 5, 2, 3, 4, 2, 3, None)]


def test_a_flicker_is_two_switches_and_less_bad_than_one_that_lasts():
    there, back = find_switches(one_person(*[3] * 9, 4, *[3] * 9))
    assert (there.new_id, there.severity) == (4, (1, 10))
    assert (back.new_id, back.severity, back.seen_on) == (3, (1, 10), 7)
    [torn] = find_switches(one_person(*[3] * 4, *[5] * 2))
    assert torn.severity > there.severity


def test_two_people_who_swap_ids_tell_of_each_other():
    frames = [overlap(1, [1, 2], [10, 20]), overlap(2, [1, 2], [20, 10])]
    assert [(switch.truth_id, switch.new_id, switch.seen_on)
            for switch in find_switches(frames)] == [(1, 20, 2), (2, 10, 1)]


def test_pairs_stay_together_above_half_overlap_only():
    both = [overlap(1, [1], [10, 20], [0.9, 0.8]), overlap(2, [1], [10, 20], [0.5, 0.9])]
    assert find_switches(both) == []
    both[1] = overlap(2, [1], [10, 20], [0.49, 0.9])
    assert len(find_switches(both)) == 1


def test_what_overlaps_too_little_is_no_match():
    assert find_switches([overlap(1, [1], [10]), overlap(2, [1], [20], [0.49])]) == []


@st.composite
def scenes(draw):
    """Draw people and results on a row of five places, so that they often meet."""
    tables = []
    for _ in range(2):
        cells = draw(st.sets(st.tuples(st.integers(1, 6), st.integers(0, 3)), min_size=1))
        tables.append([(frame, who, draw(st.integers(0, 4)) * 12 + draw(st.integers(0, 6)))
                       for frame, who in sorted(cells)])
    kinds = draw(st.lists(st.sampled_from([1, 1, 1, 7]), min_size=4, max_size=4))
    return *tables, [1, *kinds[1:]]


@settings(max_examples=150, deadline=None)
@given(scenes())
def test_they_are_as_many_as_trackeval_counts(scene):
    truth_rows, result_rows, kinds = scene
    truth_rows = [*truth_rows, (1, 9, 500)]
    frames, ids, lefts = np.array(truth_rows).T
    classes = np.array([*kinds, *[1] * 6])[ids]
    people = classes == 1
    truth = GroundTruth(frames, 40 + 3 * ids, boxes(lefts), classes, people, ~people,
                        np.ones(len(ids)))
    frames, ids, lefts = np.array(result_rows).T
    rows = MotRows(frames, 10 ** 9 + 2 * ids, boxes(lefts), np.full(len(ids), 0.5),
                   np.zeros((len(ids), 0)))
    evaluation = evaluate_parts([Part(Sequence('street', None, 6, truth), 1, 6, rows)])
    switches = evaluation.switches['street']
    assert len(switches) == evaluation.scores['street']['IDSW']
    for switch in switches:
        assert switch.truth_id in truth.ids[people & (truth.frames == switch.frame)]
        assert switch.new_id in rows.ids[rows.frames == switch.frame]
        assert switch.old_id in rows.ids[rows.frames == switch.last_frame]


def boxes(lefts):
    lefts = lefts.astype(float)
    zeros = np.zeros(len(lefts))
    return np.column_stack([lefts, zeros, lefts + 20, zeros + 40])


@pytest.mark.parametrize('frames', [None, 'val-half', '20:90'])
def test_ids_and_frames_are_those_of_the_files(shared_data, frames):
    """Ids that change every 25 frames, given to the ground truth of a real sequence."""
    from finetrack_ros.evaluation.ground_truth import read_sequence

    sequence = read_sequence(shared_data / 'mot' / 'KITTI-17')
    first, last = frame_range(frames, sequence.length)
    truth = sequence.truth
    mine = truth.scored & (truth.frames >= first) & (truth.frames <= last)
    at, people = truth.frames[mine], truth.ids[mine]
    rows = MotRows(at, 1000 * people + at // 25, truth.boxes[mine], np.ones(mine.sum()),
                   np.zeros((mine.sum(), 0)))
    evaluation = evaluate_parts([Part(sequence, first, last, rows)])
    switches = evaluation.switches['KITTI-17']
    expected = sum(len(set((at[people == person] // 25).tolist())) - 1 for person in set(people))
    assert len(switches) == evaluation.scores['KITTI-17']['IDSW'] == expected > 0
    assert all(switch.new_id == 1000 * switch.truth_id + switch.frame // 25
               and switch.old_id == 1000 * switch.truth_id + switch.last_frame // 25
               for switch in switches)
