# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated time, bags that start again, and stamps that jump back."""

from builtin_interfaces.msg import Time
import pytest
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Header

from finetrack_ros.msg import Latency

pytestmark = pytest.mark.ros


def ids(msg):
    return [detection.id for detection in msg.detections]


def at(seconds):
    nanoseconds = round(seconds * 1e9)
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


@pytest.fixture
def bag(own_bench, make_camera):
    """Return a function that plays one image of a bag, with its clock, and returns its tracks."""
    own_bench.start_tracker(use_sim_time='true')
    camera = make_camera(own_bench)
    clock = own_bench.node.create_publisher(Clock, '/clock', 10)
    own_bench.wait(clock.get_subscription_count, 'subscription of the clock')

    def play(seconds, delay=0.25):
        for _ in range(5):
            clock.publish(Clock(clock=at(seconds + delay)))
            own_bench.spin(0.02)
        # A bag's stamps come again.
        camera.tracks.clear()
        return camera.track((10, 20), header=Header(stamp=at(seconds), frame_id='bag'))
    play.bench = own_bench
    return play


def test_age_is_measured_in_simulated_time(bag):
    latencies = bag.bench.subscribe(Latency, '/tracker/latency')
    seconds = iter(range(1000, 2000))
    bag.bench.wait(lambda: bag(next(seconds)) and latencies, 'latency')
    assert latencies[-1].age == pytest.approx(0.25, abs=0.001)


def test_bag_that_starts_again_is_tracked_again(bag):
    rounds = [[ids(bag(start + step / 10)) for step in range(3)] for start in (1000, 500, 500)]
    assert [len({track for frame in played for track in frame}) for played in rounds] == [1, 1, 1]
    assert len({played[0][0] for played in rounds}) == 3
    bag.bench.wait(lambda: bag.bench.status()['/image'].values['time_jumps'] == '2', 'two jumps')


def test_stamps_out_of_order_are_no_jump(bag):
    stamps = [1000 + step / 10 for step in (0, 1, 3, 2, 4, 5, 5, 4.95, 6)]
    assert len({track for stamp in stamps for track in ids(bag(stamp))}) == 1
    bag.bench.wait(
        lambda: int(bag.bench.status()['/image'].values['processed']) >= 9, 'all images')
    assert bag.bench.status()['/image'].values['time_jumps'] == '0'


def test_image_without_a_stamp_is_no_jump(own_bench, make_camera):
    own_bench.start_tracker()
    camera = make_camera(own_bench)
    before = ids(camera.track((10, 20)))
    assert ids(camera.track((10, 20), header=Header(frame_id='front_camera'))) == before
    assert ids(camera.track((10, 20))) == before

    def processed():
        status = own_bench.status().get('/image')
        return status and int(status.values['processed']) == len(camera.tracks) and status
    status = own_bench.wait(processed, 'diagnostics of all images')
    assert status.values['time_jumps'] == '0'


def test_jump_back_keeps_tracks_where_asked(own_bench, make_camera):
    own_bench.start_tracker(tracker__on_jump_back='continue')
    camera = make_camera(own_bench)
    header = own_bench.header(10_000_000_000)
    before = ids(camera.track((10, 20), header=header))
    header.stamp.sec -= 9
    assert ids(camera.track((10, 20), header=header)) == before
