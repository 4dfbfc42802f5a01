# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Frames meet the depth images of their time, in whichever order the two arrive."""

from hypothesis import given
from hypothesis import strategies as st
import pytest

from finetrack_ros.ros.positions.depth_pairing import DEPTHS, NearestPairing, WAITING

TOLERANCE = 0.02
PERIOD = 0.1


def play(events, tolerance=TOLERANCE):
    """Feed ('depth' or 'frame', stamp) in order; the values are the stamps."""
    pairing = NearestPairing(tolerance)
    pairs = []
    for kind, stamp in events:
        pairs += getattr(pairing, f'add_{kind}')(stamp, stamp)
    return pairs


@given(st.integers(1, 40), st.integers(0, 12), st.floats(-0.0099, 0.0099))
def test_late_or_early_depth_finds_its_frame(count, lag, offset):
    depths = [('depth', n * PERIOD + offset) for n in range(count)]
    frames = [('frame', n * PERIOD) for n in range(count)]
    late, early = (depths, frames) if lag % 2 else (frames, depths)
    order = sorted([(n, event) for n, event in enumerate(early)]
                   + [(n + lag + 0.5, event) for n, event in enumerate(late)])
    assert play(event for _, event in order) == [
        (frame, depth) for (_, frame), (_, depth) in zip(frames, depths, strict=True)]


@given(st.lists(st.integers(0, 60), unique=True), st.lists(st.integers(0, 60), unique=True))
def test_each_frame_comes_out_once_with_the_nearest_depth_or_none(depth_times, frame_times):
    depths = [('depth', t / 200) for t in sorted(depth_times)][:DEPTHS]
    frames = [('frame', t / 200) for t in sorted(frame_times)]
    pairs = play([*depths, *frames, ('depth', 1000.0)])
    assert [frame for frame, _ in pairs] == [stamp for _, stamp in frames]
    for frame, depth in pairs:
        distances = [abs(stamp - frame) for _, stamp in depths]
        if depth is None:
            assert min(distances, default=1) > TOLERANCE
        else:
            assert abs(depth - frame) == pytest.approx(min(distances))


def test_nearest_of_two_wins_once_the_second_is_there():
    assert play([('depth', 0.0), ('frame', 0.018)]) == []
    assert play([('depth', 0.0), ('frame', 0.018), ('depth', 0.03)]) == [(0.018, 0.03)]
    assert play([('depth', 0.0), ('frame', 0.018), ('depth', 0.05)]) == [(0.018, 0.0)]


def test_newest_of_equal_depths_wins():
    pairing = NearestPairing(TOLERANCE)
    for depth in ('old', 'new'):
        pairing.add_depth(0.0, depth)
    assert pairing.add_frame(0.0, 'frame') == [('frame', 'new')]


def test_frame_without_depth_is_given_up_when_later_depth_comes():
    assert play([('frame', 1.0), ('depth', 1.5)]) == [(1.0, None)]


def test_frames_do_not_pile_up_without_depth():
    pairs = play([('frame', float(n)) for n in range(100)])
    assert pairs == [(float(n), None) for n in range(100 - WAITING)]


def test_times_that_jump_back_start_anew():
    assert play([('depth', 100.0), ('frame', 101.0), ('frame', 5.0), ('depth', 5.0)]) == [
        (5.0, None)]
    assert play([('depth', 100.0), ('depth', 5.0), ('frame', 5.0)]) == [(5.0, 5.0)]
    assert play([('frame', 100.0), ('frame', 5.0), ('depth', 5.0)]) == [(5.0, 5.0)]


def test_cleared_pairing_is_empty():
    pairing = NearestPairing(TOLERANCE)
    pairing.add_frame(1.0, 'frame')
    pairing.clear()
    assert pairing.add_depth(1.0, 'depth') == []
