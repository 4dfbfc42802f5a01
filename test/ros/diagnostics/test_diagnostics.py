# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Levels of the diagnostics follow from the counts and from limits that are parameters."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from finetrack_ros.ros.config.node_config import NodeConfig
from finetrack_ros.ros.diagnostics.frame_stats import Counts, Durations, FrameStats, Snapshot
from finetrack_ros.ros.diagnostics.status_log import StatusLog
from finetrack_ros.ros.diagnostics.statuses import (
    camera_status,
    ERROR,
    model_status,
    OK,
    unlogged_fault,
    WARN,
)
from finetrack_ros.ros.inputs.topic_input import InputReport

pytestmark = pytest.mark.ros

IMAGES = InputReport('/image', 'image', 'camera driver', 'image_topic', 1, 0.0, ())
DETECTIONS = InputReport('/detections', 'detections message', 'detector', 'detections_topic', 1,
                         0.0, ())


def snapshot(total=0.05, seconds=1.0, **recent):
    counts = Counts(**{'received': 10, 'processed': 10, **recent})
    durations = [Durations(total, 0.0, 0.0, 0.0, 0.0, total, 2)] * counts.processed
    return Snapshot(counts, counts, seconds, 3, 'the last error', durations)


def judge(snapshot, inputs=(IMAGES,), enabled=True, **limits):
    status = camera_status('/tracker', inputs, snapshot, enabled, 0, NodeConfig.of(limits))
    return status.level, status.message


def test_good_camera_is_ok_with_its_rate():
    assert judge(snapshot(seconds=2.0)) == (OK, '5.0 frames per second')


@pytest.mark.parametrize(('recent', 'level', 'text'), [
    ({'failed': 1}, ERROR, '1 frames failed: the last error'),
    ({'bad': 2}, WARN, '2 bad images: the last error'),
    ({'bad': 10, 'processed': 0}, ERROR, 'all of 10 images are bad: the last error'),
    ({'bad_detections': 1}, WARN, 'the last error'),
    ({'views': 1}, OK, 'frames per second'),
    ({'views': 8}, WARN, "frame_id or size of what comes on '/image' changed 8 times"),
    ({'jumps': 1}, OK, 'frames per second'),
    ({'jumps': 3}, WARN, "jumped back 3 times, and 1 publishers send on '/image'"),
    ({'dropped': 6}, WARN, '6 of 10 images were overtaken'),
    ({'total': 0.6}, WARN, 'older than 0.60 s'),
    ({'total': 6.0}, ERROR, 'older than 6.00 s'),
    ({'total': 1e6}, WARN, 'use_sim_time'),
    ({'total': -2.0}, WARN, 'are 2.00 s ahead of this clock: bring the clocks'),
    ({'total': -1.7e9}, WARN, 'use_sim_time is set, let the clock be published'),
])
def test_fault_has_its_level_and_says_so(recent, level, text):
    found, message = judge(snapshot(**recent))
    assert (found, text in message) == (level, True), message


@pytest.mark.parametrize(('limits', 'level'), [
    ({'max_age': 0.04}, WARN), ({'max_age': 0.04, 'error_factor': 1.2}, ERROR),
    ({'max_drop_ratio': 0.1}, WARN), ({'min_rate': 11.0}, WARN), ({'min_rate': 9.0}, OK)])
def test_limits_are_parameters(limits, level):
    assert judge(snapshot(dropped=2), **limits)[0] == level


@pytest.mark.parametrize(('silence', 'publishers', 'level', 'text'), [
    (4.0, 0, WARN, 'start the camera driver or correct image_topic'),
    (4.0, 1, WARN, 'look at the camera driver'),
    (31.0, 1, ERROR, "no image on '/image' for 31 s"),
])
def test_silence_becomes_an_error_in_time(silence, publishers, level, text):
    report = IMAGES._replace(silence=silence, publishers=publishers)
    found, message = judge(snapshot(received=0, processed=0), [report])
    assert (found, text in message) == (level, True), message


def test_what_is_published_in_its_place_is_the_remedy():
    hint = "only '/image/compressed' is published: set it"
    report = IMAGES._replace(silence=4.0, publishers=0, hint=hint)
    assert judge(snapshot(received=0, processed=0), [report])[1].endswith(f'publishers: {hint}')


def test_several_nodes_on_one_image_topic_are_a_warning():
    report = IMAGES._replace(publishers=2, nodes=['/left', '/right'])
    level, message = judge(snapshot(), [report])
    assert (level, "2 nodes publish on '/image', /left and /right" in message) == (WARN, True)
    assert 'cameras:=front,rear' in message
    assert judge(snapshot(), [report._replace(nodes=['/left'])])[0] == OK


def test_log_tells_what_no_frame_tells():
    silent = IMAGES._replace(silence=4.0, publishers=0)
    nothing = snapshot(received=0, processed=0)
    assert "no image on '/image'" in unlogged_fault([silent], nothing, NodeConfig())
    assert unlogged_fault([IMAGES], snapshot(bad=1, failed=1), NodeConfig()) == ''


def test_fault_is_told_once_in_a_period_whatever_its_numbers():
    said = []
    log = StatusLog(said.append, period=1000.0)
    for text in ('silent for 3 s', 'silent for 4.5 s', '', 'silent for 3 s', 'late by 1 s', '',
                 'silent for 9 s', 'late by 2.5 s'):
        log.tell('/image', text)
    log.tell('/other', 'silent for 3 s')
    assert said == ['silent for 3 s', 'late by 1 s', 'silent for 3 s']


def test_fault_that_lasts_is_told_again():
    said = []
    log = StatusLog(said.append, period=0.0)
    for _ in range(3):
        log.tell('/image', 'silent')
    assert said == ['silent'] * 3


def test_worst_level_wins():
    late = snapshot(bad=1, total=6.0)
    assert judge(late)[0] == ERROR


def test_silent_detector_is_told_apart_from_the_camera():
    level, message = judge(snapshot(), [IMAGES, DETECTIONS._replace(silence=5.0, publishers=0)])
    assert level == WARN
    assert 'start the detector or correct detections_topic' in message


def test_some_unpaired_detections_are_no_warning():
    assert judge(snapshot(unpaired_detections=3, paired=7), [IMAGES, DETECTIONS])[0] == OK
    assert judge(snapshot(unpaired_detections=3), [IMAGES, DETECTIONS])[0] == WARN


def test_disabled_camera_and_its_problems():
    problem = IMAGES._replace(problems=['nothing arrives'])
    assert judge(snapshot(failed=1), enabled=False) == (OK, 'disabled by ~/enable')
    assert judge(snapshot(), [problem]) == (ERROR, 'nothing arrives')


def test_model_status_tells_what_runs_or_why_not():
    runner = SimpleNamespace(engine_name='onnxruntime', device_name='cpu', engine_reason='asked',
                             embedding_dim=8, input_size=640, model_name='nano')
    running = model_status('/tracker', 'active', 'nano', runner, '')
    assert (running.level, running.message) == (OK, 'nano on onnxruntime')
    assert {v.key: v.value for v in running.values}['device'] == 'cpu'
    assert model_status('/tracker', 'inactive', 'nano', None, '').level == WARN
    assert model_status('/tracker', 'active', '', None, '').level == OK
    assert model_status('/tracker', 'unconfigured', 'nano', None, 'gone').level == ERROR


def test_snapshots_split_time_and_keep_totals():
    stats = FrameStats()
    stats.count(received=3, dropped=1)
    first = stats.snapshot()
    stats.count('it broke', failed=1)
    second = stats.snapshot()
    assert (first.recent, second.totals) == (
        Counts(received=3, dropped=1), replace(first.totals, failed=1))
    assert (second.recent, second.last_error) == (Counts(failed=1), 'it broke')
