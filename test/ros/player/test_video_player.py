# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The video player publishes a source as a camera would, and the tracker follows it."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image, TimeReference
from vision_msgs.msg import Detection2DArray

from finetrack_ros.ros import VideoPlayerNode
from finetrack_ros.ros.messages.image_conversions import decode_image
from finetrack_ros.ros.messages.track_conversions import stamp_seconds

pytestmark = pytest.mark.ros

PLAYER = ('-m', 'finetrack_ros.ros.player.video_player_node')
FRAMES = 12


@pytest.fixture(scope='module')
def sequence(tmp_path_factory):
    """Return a MOTChallenge sequence of a square that moves right, at 10 frames per second."""
    folder = tmp_path_factory.mktemp('SQUARE-01')
    (folder / 'img1').mkdir()
    (folder / 'seqinfo.ini').write_text(
        '[Sequence]\nname=SQUARE-01\nimDir=img1\nframeRate=10\n'
        f'seqLength={FRAMES}\nimWidth=320\nimHeight=240\nimExt=.png\n')
    for number in range(1, FRAMES + 1):
        image = np.zeros((240, 320, 3), np.uint8)
        image[20:60, 10 * number:10 * number + 40] = 255
        cv2.imwrite(str(folder / 'img1' / f'{number:06}.png'), image)
    return folder


def play(bench, sequence, subscribers=1, **parameters):
    images = bench.subscribe(Image, 'image')
    process = bench.start(
        *PLAYER, source=sequence, wait_for_subscribers=subscribers, **parameters)
    return images, process


def left_edge(msg):
    return int(np.flatnonzero(decode_image(msg)[30, :, 0])[0])


def test_every_frame_comes_once_in_order_at_its_rate(own_bench, sequence):
    images, process = play(own_bench, sequence, frame_id='left')
    own_bench.wait(lambda: process.poll() is not None, 'end of the source')
    own_bench.wait(lambda: len(images) == FRAMES, 'all frames')
    stamps = [stamp_seconds(msg.header.stamp) for msg in images]
    assert process.returncode == 0
    assert [left_edge(msg) for msg in images] == [10 * n for n in range(1, FRAMES + 1)]
    assert {msg.header.frame_id for msg in images} == {'left'}
    assert np.median(np.diff(stamps)) == pytest.approx(0.1, abs=0.03)


def test_source_time_gives_each_stamp_its_frame_number(own_bench, sequence):
    times = own_bench.subscribe(TimeReference, '/video_player/source_time')
    images, _ = play(own_bench, sequence, max_frames=5, rate=5)
    own_bench.wait(lambda: len(images) == len(times) == 5, 'five frames')
    assert [msg.header for msg in times] == [msg.header for msg in images]
    assert [msg.source for msg in times] == [f'SQUARE-01:{n}' for n in range(1, 6)]
    assert [stamp_seconds(msg.time_ref) for msg in times] == pytest.approx(
        [0.0, 0.1, 0.2, 0.3, 0.4])


def test_loop_with_stamps_of_the_source_jumps_back(own_bench, sequence):
    images, _ = play(own_bench, sequence, loop='true', rate=10.0, stamps='source')
    own_bench.wait(lambda: len(images) > 2 * FRAMES, 'the third round')
    stamps = [stamp_seconds(msg.header.stamp) for msg in images]
    assert sum(later < earlier for earlier, later in pairwise(stamps)) == 2


@pytest.mark.parametrize(('parameters', 'message'), [
    ({}, "parameter 'source' is empty"),
    ({'source': 'missing.mp4'}, 'missing.mp4'),
    ({'source': 'a.mp4', 'rate': '-1.0'}, "parameter 'rate' is -1.0"),
    ({'source': 'a.mp4', 'rate': 'fast'}, "parameter 'rate' is 'fast': give a value of type"),
    ({'source': 'a.mp4', 'looop': 'true'}, "unknown parameter 'looop': did you mean 'loop'?"),
    ({'source': 'a.mp4', 'stamps': 'never'}, 'give one of now, source'),
])
def test_what_cannot_play_ends_with_one_clear_message(own_bench, parameters, message):
    process = own_bench.start(*PLAYER, **parameters)
    assert process.wait(30) == 1
    assert message in own_bench.log(process)
    assert 'Traceback' not in own_bench.log(process)


def test_unforeseen_fault_ends_the_player_with_its_cause(own_bench, sequence, monkeypatch):
    def broken(player, frame):
        raise RuntimeError('the encoder broke')
    monkeypatch.setattr(VideoPlayerNode, '_publish', broken)
    node = VideoPlayerNode(context=own_bench.context, parameter_overrides=[
        Parameter('source', value=str(sequence))])
    own_bench.wait(node.finished.done, 'end of the player')
    assert node.finished.result() == 'RuntimeError: the encoder broke'
    node.destroy_node()


def test_player_feeds_the_tracker(own_bench, sequence):
    tracks = own_bench.subscribe(Detection2DArray, 'tracks')
    tracker = own_bench.start_tracker()
    own_bench.wait(lambda: own_bench.node.count_subscribers('/image'), 'the tracker')
    images, _ = play(own_bench, sequence, subscribers=2, loop='true')
    own_bench.wait(lambda: sum(1 for msg in tracks if msg.detections) > FRAMES, 'tracks')
    stamps = {msg.header.stamp.nanosec: left_edge(msg) for msg in images}
    matched = [msg for msg in tracks if msg.header.stamp.nanosec in stamps]
    assert matched
    assert all(msg.detections[0].bbox.center.position.x == stamps[msg.header.stamp.nanosec] + 20
               for msg in matched if msg.detections)
    assert own_bench.stop(tracker) == 0
