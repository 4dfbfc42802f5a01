# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a user of the tracker relies on: ids, states, times, and any input."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from finetrack_ros.detections import Detections
from finetrack_ros.tracking import Tracker, TrackerConfig, TrackState
from finetrack_ros.tracking.tracker import TENTATIVE_SECONDS

BOX = np.array([100.0, 100, 150, 250])


def detect(*boxes, score=0.9, classes=None, embeddings=None):
    """Make detections of xyxy boxes."""
    count = len(boxes)
    return Detections(
        np.reshape(boxes, (count, 4)), np.full(count, score),
        np.zeros(count) if classes is None else classes, embeddings)


def matches(tracks):
    """Return the detection of each id."""
    return dict(zip(tracks.ids.tolist(), tracks.detection_indices.tolist(), strict=True))


def unit(rows):
    """Scale rows to unit length."""
    rows = np.array(rows, np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def crowd(rng, count, dim=None):
    """Draw boxes scattered over an image, with or without embeddings."""
    corner = rng.uniform(0, 1000, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 200, (count, 2))], axis=1)
    embeddings = None if dim is None else unit(rng.normal(size=(count, dim)))
    return Detections(boxes, rng.random(count), rng.integers(0, 3, count), embeddings)


def test_a_moving_object_keeps_its_id_and_box():
    tracker = Tracker()
    for step in range(20):
        box = BOX + 4 * step
        tracks = tracker.update(detect(box), step / 30)
        assert tracks.ids.tolist() == [1]
        assert tracks.boxes[0].tolist() == box.tolist()
        assert tracks.detection_indices.tolist() == [0]
    assert tracks.hits.tolist() == [20]
    np.testing.assert_allclose(tracks.ages, 19 / 30, rtol=1e-5)
    np.testing.assert_allclose(tracks.velocities[0], [120, 120, 0, 0], atol=6)


def test_two_objects_that_cross_keep_their_ids():
    tracker = Tracker()
    for step in range(40):
        shift = np.array([10 * step, 0, 10 * step, 0])
        offset = np.array([390, 0, 390, 0])
        tracks = tracker.update(detect(BOX + shift, BOX + offset - shift), step / 30)
        assert matches(tracks) == {1: 0, 2: 1}


def test_ids_start_at_one_in_each_tracker_and_survive_reset():
    for _ in range(2):
        tracker = Tracker()
        assert tracker.update(detect(BOX), 5.0).ids.tolist() == [1]
        tracker.reset()
        assert len(tracker.tracks(include_lost=True)) == 0
        assert tracker.update(detect(BOX), 0.0).ids.tolist() == [2]


def test_a_late_object_is_tentative_until_its_second_detection():
    tracker = Tracker()
    other = BOX + 400
    tracker.update(detect(BOX), 0.0)
    assert tracker.update(detect(BOX, other), 0.1).ids.tolist() == [1]
    assert tracker.tracks(include_lost=True).states.tolist() == [
        TrackState.CONFIRMED, TrackState.TENTATIVE]
    assert tracker.update(detect(BOX, other), 0.2).ids.tolist() == [1, 2]


@pytest.mark.parametrize('frame_rate', [10, 25, 30, 60, 240])
def test_a_tentative_track_is_dropped_after_seconds_whatever_the_frame_rate(frame_rate):
    tracker = Tracker()
    tracker.update(detect(BOX), 0.0)
    tracker.update(detect(BOX, BOX + 400), 1 / frame_rate)
    missed = []
    for step in range(2, frame_rate):
        tracker.update(detect(BOX), step / frame_rate)
        missed += [step / frame_rate] * (len(tracker.tracks(include_lost=True)) == 1)
    assert missed[0] == pytest.approx(TENTATIVE_SECONDS + 1 / frame_rate, abs=1 / frame_rate)


@pytest.mark.parametrize('weak', [False, True], ids=['empty', 'weak'])
@pytest.mark.parametrize(('frame_rate', 'every'), [
    (1, 3), (5, 2), (5, 5), (10, 3), (25, 4), (30, 3), (30, 5), (30, 10), (60, 6), (60, 20)])
def test_a_detector_that_leaves_out_frames_starts_tracks_too(frame_rate, every, weak):
    tracker, seen = Tracker(), []
    for step in range(1, 8 * every + 1):
        box = BOX + [20.0 * step / every, 0] * 2
        if step % every == 0:
            found = detect(box)
        else:
            found = detect(box, score=0.3) if weak else Detections.empty()
        seen += tracker.update(found, step / frame_rate).ids.tolist()
    assert set(seen) == {1}
    assert seen.count(1) >= 7


def test_a_tentative_track_is_predicted():
    tracker = Tracker(TrackerConfig(confirm_hits=5))
    tracker.update(detect(BOX + 1000), 0.0)
    for step in range(1, 12):
        shift = np.array([25.0 * step, 0, 25 * step, 0])
        tracks = tracker.update(detect(BOX + 1000, BOX + shift), step / 30)
    assert tracks.ids.tolist() == [1, 2]


def test_a_lost_track_is_predicted_then_comes_back():
    tracker = Tracker()
    for step in range(10):
        tracker.update(detect(BOX + 3 * step), step / 30)
    for step in range(10, 20):
        assert len(tracker.update(Detections.empty(), step / 30)) == 0
        lost = tracker.tracks(include_lost=True)
        assert lost.states.tolist() == [TrackState.LOST]
        assert lost.detection_indices.tolist() == [-1]
        np.testing.assert_allclose(lost.boxes[0], BOX + 3 * step, atol=6)
        np.testing.assert_allclose(lost.time_since_seen, (step - 9) / 30, rtol=1e-5)
    tracks = tracker.update(detect(BOX + 60), 20 / 30)
    assert tracks.ids.tolist() == [1]
    assert tracks.time_since_seen.tolist() == [0]


@pytest.mark.parametrize('frame_rate', [2, 5, 15, 60])
def test_lost_tracks_expire_after_seconds_whatever_the_frame_rate(frame_rate):
    tracker = Tracker(TrackerConfig(lost_seconds=2.0))
    tracker.update(detect(BOX), 0.0)
    for step in range(1, 2 * frame_rate + 1):
        tracker.update(Detections.empty(), step / frame_rate)
    assert len(tracker.tracks(include_lost=True)) == 1
    tracker.update(Detections.empty(), 2 + 1 / frame_rate)
    assert len(tracker.tracks(include_lost=True)) == 0


def test_a_weak_detection_continues_a_track_but_starts_none():
    tracker = Tracker()
    tracker.update(detect(BOX), 0.0)
    assert tracker.update(detect(BOX + 1, score=0.5), 0.1).ids.tolist() == [1]
    assert len(tracker.update(detect(BOX + 500, score=0.5), 0.2)) == 0
    assert len(tracker.tracks(include_lost=True)) == 1


def test_no_birth_on_top_of_a_seen_track_or_another_birth():
    tracker = Tracker()
    assert tracker.update(detect(BOX, BOX + 1, BOX), 0.0).ids.tolist() == [1]
    assert tracker.update(detect(BOX, BOX + 1, BOX), 0.1).ids.tolist() == [1]


def test_appearance_decides_where_boxes_swap():
    colours = unit([[1, 0, 0.3], [0, 1, 0.3]])
    apart = np.array([25.0, 0, 25, 0])
    tracker = Tracker()
    tracker.update(detect(BOX, BOX + apart, embeddings=colours), 0.0)
    tracks = tracker.update(detect(BOX, BOX + apart, embeddings=colours[::-1]), 0.1)
    assert matches(tracks) == {1: 1, 2: 0}
    np.testing.assert_allclose(np.linalg.norm(tracks.embeddings, axis=1), 1, rtol=1e-5)


def test_embeddings_may_come_and_go():
    tracker = Tracker()
    assert tracker.update(detect(BOX), 0.0).embeddings is None
    tracks = tracker.update(detect(BOX, embeddings=unit([[1, 0]])), 0.1)
    assert tracks.embeddings.tolist() == [[1, 0]]
    tracks = tracker.update(detect(BOX), 0.2)
    assert tracks.ids.tolist() == [1] and tracks.embeddings.tolist() == [[1, 0]]
    with pytest.raises(ValueError, match='3 values'):
        tracker.update(detect(BOX, embeddings=unit([[1, 0, 0]])), 0.3)


def test_bad_detections_are_dropped_and_counted():
    tracker = Tracker()
    nan = float('nan')
    boxes = np.array([BOX, BOX[[2, 1, 0, 3]], [nan, 0, 1, 1], [0, 0, np.inf, 1], BOX + 300, BOX])
    embeddings = np.ones((6, 2), np.float32)
    embeddings[5] = nan
    scores = [0.9, 0.9, 0.9, 0.9, nan, 0.9]
    tracks = tracker.update(Detections(boxes, scores, np.zeros(6), embeddings), 0.0)
    assert tracks.detection_indices.tolist() == [0]
    assert tracker.rejected == 5


@pytest.mark.parametrize(('policy', 'ids'), [('reset', [2]), ('continue', [1])])
def test_a_stamp_that_jumps_back_resets_or_continues(policy, ids):
    tracker = Tracker(TrackerConfig(on_jump_back=policy))
    tracker.update(detect(BOX), 100.0)
    assert tracker.update(detect(BOX), 0.0).ids.tolist() == ids
    tracks = tracker.update(detect(BOX), 0.1)
    assert tracks.ids.tolist() == ids
    assert tracks.time_since_seen.tolist() == [0]


def test_a_repeated_stamp_is_a_step_of_no_time():
    tracker = Tracker()
    for _ in range(3):
        tracks = tracker.update(detect(BOX), 7.0)
    assert tracks.ids.tolist() == [1] and np.isfinite(tracks.velocities).all()


def test_a_camera_that_turns_away_keeps_the_ids():
    tracker = Tracker()
    tracker.update(detect(BOX), 0.0)
    pan = np.array([[1.0, 0, 300], [0, 1, -40]])
    moved = BOX + [300, -40, 300, -40]
    tracks = tracker.update(detect(moved), 0.1, camera_motion=pan)
    assert tracks.ids.tolist() == [1]
    np.testing.assert_allclose(tracks.velocities, 0, atol=1e-3)


def test_camera_motion_scales_the_prediction_of_a_lost_track():
    tracker = Tracker()
    tracker.update(detect(BOX), 0.0)
    zoom = np.array([[2.0, 0, 0], [0, 2, 0]])
    tracker.update(Detections.empty(), 0.1, camera_motion=zoom)
    np.testing.assert_allclose(tracker.tracks(include_lost=True).boxes[0], 2 * BOX)


@pytest.mark.parametrize('motion', [np.eye(3), np.full((2, 3), np.nan)])
def test_camera_motion_must_be_a_finite_affine(motion):
    with pytest.raises(ValueError, match='camera_motion'):
        Tracker().update(Detections.empty(), 0.0, camera_motion=motion)


@pytest.mark.parametrize('stamp', [float('nan'), float('inf')])
def test_a_stamp_must_be_finite(stamp):
    with pytest.raises(ValueError, match='stamp'):
        Tracker().update(Detections.empty(), stamp)


def test_without_stamps_the_frame_rate_gives_the_time():
    tracker = Tracker(TrackerConfig(frame_rate=10))
    for _ in range(4):
        tracks = tracker.update(detect(BOX))
    np.testing.assert_allclose(tracks.ages, 0.3, rtol=1e-5)


@pytest.mark.parametrize(('policy', 'ids', 'classes'), [
    ('vote', [1], [0]), ('ignore', [1], [7]), ('forbid', [], [])])
def test_class_policies(policy, ids, classes):
    tracker = Tracker(TrackerConfig(class_policy=policy))
    for step in range(3):
        tracker.update(detect(BOX, classes=[0]), step / 30)
    tracks = tracker.update(detect(BOX, classes=[7]), 0.1)
    assert tracks.ids.tolist() == ids and tracks.classes.tolist() == classes


@settings(max_examples=30)
@given(st.integers(0, 2 ** 32 - 1), st.sampled_from([None, 8]))
def test_any_stream_keeps_the_invariants(seed, dim):
    rng = np.random.default_rng(seed)
    tracker, ever, stamp = Tracker(), set(), 0.0
    for _ in range(15):
        stamp += rng.choice([0, 1 / 60, 1 / 30, 0.5])
        detections = crowd(rng, int(rng.choice([0, 1, 5, 30])), dim)
        tracks = tracker.update(detections, stamp)
        rows = tracks.detection_indices
        assert (tracks.states == TrackState.CONFIRMED).all()
        assert len(set(rows.tolist())) == len(rows)
        np.testing.assert_allclose(tracks.boxes, detections.boxes[rows], atol=1e-3)
        every = tracker.tracks(include_lost=True)
        assert len(set(every.ids.tolist())) == len(every)
        assert np.isfinite(every.boxes).all() and np.isfinite(every.velocities).all()
        fresh = set(every.ids.tolist()) - ever
        assert all(new > max(ever, default=0) for new in fresh)
        ever |= fresh


def test_the_same_stream_gives_the_same_tracks():
    def outputs():
        rng, tracker = np.random.default_rng(3), Tracker()
        return [tracker.update(crowd(rng, 40, 8), step / 30) for step in range(20)]
    for first, second in zip(outputs(), outputs(), strict=True):
        for name, column in vars(first).items():
            np.testing.assert_array_equal(column, getattr(second, name))


def test_two_thousand_detections_in_a_frame():
    rng, tracker = np.random.default_rng(0), Tracker()
    detections = crowd(rng, 2000)
    for step in range(3):
        tracks = tracker.update(detections, step / 30)
    assert len(tracks) > 300 and tracks.ids.max() <= 2000
