# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The nodes as processes: what they say of arguments that cannot work, and how they end."""

import signal
import time

import pytest

pytestmark = pytest.mark.ros

TRACKER = ('-m', 'finetrack_ros.ros.node.tracker_node')
PLAYER = ('-m', 'finetrack_ros.ros.player.video_player_node')
# What the shutdown of ROS leaves on the screen where somebody still works with it.
NOISE = ('Traceback', 'Failed to', 'context is invalid', '[ERROR]', '[FATAL]')


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--log-level', 'verbose'], 'give one of debug, info, warn, error, fatal'),
    (['-r', 'image:=/cam image'], "'-r image:=/cam image'"),
    (['-r', '__node:=my tracker'], 'my tracker'),
    (['--params-file', 'FILE'], "begins with two lines, '/**:'"),
    (['--params-file', '/nowhere.yaml'], '/nowhere.yaml'),
    (['--frobnicate'], '--frobnicate')], ids=lambda value: str(value)[:30])
@pytest.mark.parametrize('module', [TRACKER, PLAYER], ids=['tracker', 'player'])
def test_arguments_that_cannot_work_end_with_one_sentence(
        own_bench, tmp_path, module, arguments, message):
    file = tmp_path / 'mine.yaml'
    file.write_text('tracker:\n  score_threshold: 0.3\n')
    words = [str(file) if word == 'FILE' else word for word in arguments]
    process = own_bench.start(*module, '--ros-args', *words, '--')
    assert process.wait(60) == 1
    log = own_bench.log(process)
    assert message in log
    assert '.c:' not in log.partition('[FATAL]')[2]
    assert 'Traceback' not in log


@pytest.mark.parametrize('end', [signal.SIGINT, signal.SIGTERM])
def test_interruption_while_the_model_loads_is_clean(own_bench, end):
    process = own_bench.start_tracker(model='slow')
    own_bench.wait(lambda: 'loading model' in own_bench.log(process), 'the loading')
    process.send_signal(end)
    assert process.wait(30) == 0
    assert not [word for word in NOISE if word in own_bench.log(process)], own_bench.log(process)


def test_interruption_at_any_time_of_the_start_is_clean(own_bench):
    for delay in (0.0, 0.05, 0.2, 0.5):
        process = own_bench.start_tracker()
        own_bench.wait(lambda p=process: 'loading model' in own_bench.log(p), 'the start')
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        log = own_bench.log(process)
        assert not [word for word in NOISE if word in log], log


def test_interruption_of_a_waiting_player_is_clean(own_bench, shared_data):
    process = own_bench.start(*PLAYER, source=shared_data / 'mot' / 'TUD-Campus',
                              wait_for_subscribers=9)
    own_bench.wait(lambda: 'waiting for' in own_bench.log(process), 'the player')
    assert own_bench.stop(process) == 0
    assert not [word for word in NOISE if word in own_bench.log(process)]
