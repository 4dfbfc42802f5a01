# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Several cameras in one node: own topics, own tracks, and no fault or rate harms another."""

import statistics

import pytest
from std_srvs.srv import Trigger

from finetrack_ros.msg import Latency
from finetrack_ros.ros.node.frame_slots import FrameSlots, WaitingFrame

pytestmark = pytest.mark.ros

BREAKS, SLOW, SLUGGISH = 66, 77, 78


@pytest.fixture(scope='module')
def cameras(bench, make_camera):
    bench.start_tracker(cameras='[front, rear]', max_batch=2, reliability='reliable')
    return [make_camera(bench, name=name) for name in ('front', 'rear')]


@pytest.fixture(autouse=True)
def fresh(request):
    """Let each test begin without tracks."""
    if 'cameras' in request.fixturenames:
        bench = request.getfixturevalue('cameras')[0].bench
        bench.call(Trigger, '/tracker/reset', Trigger.Request())


def ids(msg):
    return [detection.id for detection in msg.detections]


def count(bench, camera, name):
    return int(bench.status()[f'/{camera}/image'].values[name])


def send_together(front, rear, front_mark=0):
    """Send both cameras an image while the worker is busy, and return the two."""
    front.send(mark=SLOW)
    front.bench.spin(0.05)
    return front.send((10, 20), mark=front_mark), rear.send((200, 100))


def test_each_camera_has_its_topics(cameras):
    topics = {name for name, _ in cameras[0].bench.node.get_topic_names_and_types()}
    for name in ('front', 'rear'):
        assert {f'/{name}/{topic}' for topic in ('image', 'tracks', 'track_embeddings')} <= topics
        assert {f'/tracker/{name}/{topic}' for topic in (
            'debug_image', 'markers', 'labels', 'latency')} <= topics
    assert not {'/image', '/tracks'} & topics


def test_each_camera_has_its_own_tracks(cameras):
    front, rear = cameras
    one = front.track((10, 20))
    other = rear.track((200, 100), (20, 30))
    assert len(one.detections) == 1
    assert len(other.detections) == 2
    assert ids(front.track((14, 20))) == ids(one)
    assert ids(rear.track((196, 100), (24, 30))) == ids(other)


def test_waiting_images_are_inferred_together(cameras):
    front, rear = cameras
    latencies = front.bench.subscribe(Latency, '/tracker/rear/latency')

    def batched():
        send_together(front, rear)
        front.bench.spin(0.3)
        return any(latency.batch == 2 for latency in latencies)
    front.bench.wait(batched, 'a batch of two')
    latency = next(latency for latency in latencies if latency.batch == 2)
    parts = latency.decoding + latency.inference + latency.tracking + latency.publishing
    assert latency.total >= latency.age + parts - 1e-3 * latency.total


def test_breaking_image_fails_alone(cameras):
    front, rear = cameras
    before = ids(rear.track((200, 100)))
    _, good = send_together(front, rear, front_mark=BREAKS)
    front.bench.wait(lambda: any(m.header == good.header for m in rear.tracks), 'the other tracks')
    front.bench.wait(lambda: count(front.bench, 'front', 'failed') == 1, 'the failure')
    assert count(front.bench, 'rear', 'failed') == 0
    assert ids(rear.tracks[-1]) == before


def test_bad_image_of_one_leaves_the_other(cameras):
    front, rear = cameras
    before = ids(rear.track((200, 100)))
    bad = front.send()
    bad.encoding = 'unheard_of'
    front.publisher.publish(bad)
    assert ids(rear.track((200, 100))) == before
    front.bench.wait(lambda: count(front.bench, 'front', 'bad_images') == 1, 'the bad image')
    assert count(front.bench, 'rear', 'bad_images') == 0


def test_jump_back_of_one_leaves_the_other(cameras):
    front, rear = cameras
    rear_before, header = ids(rear.track((200, 100))), front.bench.header(10_000_000_000)
    front_before = ids(front.track((10, 20), header=header))
    header.stamp.sec -= 9
    assert ids(front.track((10, 20), header=header)) != front_before
    assert ids(rear.track((200, 100))) == rear_before


def test_reset_is_for_all(cameras):
    before = [ids(camera.track((10, 20))) for camera in cameras]
    cameras[0].bench.call(Trigger, '/tracker/reset', Trigger.Request())
    after = [ids(camera.track((10, 20))) for camera in cameras]
    assert all(int(new[0]) > int(old[0]) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize('max_batch', [1, 2])
def test_slow_camera_is_not_starved_by_a_fast_one(own_bench, make_camera, max_batch):
    """Its images wait for those in work and in turn, however many more the fast one sends."""
    own_bench.start_tracker(
        cameras='[fast, slow]', max_batch=max_batch, reliability='reliable')
    fast, slow = (make_camera(own_bench, name=name) for name in ('fast', 'slow'))
    overtaken = []
    for _ in range(10):
        before, image = len(fast.tracks), slow.send((10, 20), mark=SLUGGISH)
        own_bench.wait(
            lambda image=image: fast.send((10, 20), mark=SLUGGISH)
            and any(tracks.header == image.header for tracks in slow.tracks),
            "the slow camera's tracks")
        overtaken.append(len(fast.tracks) - before)
    own_bench.wait(lambda: count(own_bench, 'fast', 'dropped') > 10, 'dropped images')
    assert statistics.median(overtaken) <= 3


@pytest.mark.parametrize(('names', 'message'), [
    ('[front, front]', "parameter 'cameras' holds 'front' more than once"),
    ('[front, rear-left]', "parameter 'cameras' holds 'rear-left': give names of letters"),
    ('[front, /rear]', "parameter 'cameras' holds '/rear'"),
    ('[1, 2]', 'give a value of type string_array'),
    ('front', 'give a value of type string_array'),
    ('[]', "give an empty list as ['']"),
])
def test_bad_names_end_with_one_clear_message(own_bench, names, message):
    process = own_bench.start_tracker(cameras=names)
    assert process.wait(30) == 1
    assert message in own_bench.log(process)
    assert 'Traceback' not in own_bench.log(process)


def frame(camera, number):
    return WaitingFrame(camera, number, None, 0.0)


def test_slots_hold_the_newest_frame_of_each_camera():
    slots = FrameSlots()
    assert [slots.put(frame('a', 1)), slots.put(frame('b', 2)), slots.put(frame('a', 3))] == [
        False, False, True]
    assert [f.image for f in slots.take(10)[0]] == [3, 2]
    assert slots.waiting() == 0


def test_slots_serve_cameras_in_turn_however_fast_they_are():
    slots, served = FrameSlots(), []
    for number in range(30):
        for camera in 'abc':
            slots.put(frame(camera, number))
        served += [f.camera for f in slots.take(1)[0]]
    assert {camera: served.count(camera) for camera in 'abc'} == {'a': 10, 'b': 10, 'c': 10}


def test_closed_slots_give_nothing():
    slots = FrameSlots()
    slots.put(frame('a', 1))
    slots.put_job('job', lambda: None)
    slots.close()
    slots.put_job('job', lambda: None)
    assert slots.take(1) is None


def test_a_waiting_job_is_replaced_by_its_like():
    slots, done = FrameSlots(), []
    for number in range(3):
        slots.put_job('depth', lambda number=number: done.append(number))
    slots.put_job('labels', lambda: done.append('labels'))
    frames, jobs = slots.take(1)
    for job in jobs:
        job()
    assert (frames, done) == ([], [2, 'labels'])
