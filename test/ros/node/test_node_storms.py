# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The node keeps its tracks, threads and memory through floods, storms and deaths beside it."""

from pathlib import Path
import shutil

from builtin_interfaces.msg import Time
import cv2
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import numpy as np
import pytest
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray, LabelInfo
from visualization_msgs.msg import MarkerArray

from finetrack_ros.inference.loading import WEIGHTS
from finetrack_ros.msg import Latency, TrackEmbeddings
from finetrack_ros.ros.messages.image_conversions import to_image_message

pytestmark = pytest.mark.ros

NODE_MODULE = ('-m', 'finetrack_ros.ros.node.tracker_node')
SQUARE_CAMERA = Path(__file__).with_name('square_camera.py')
LISTENER = """
import rclpy
from finetrack_ros.msg import TrackEmbeddings
rclpy.init()
node = rclpy.create_node('listener')
node.create_subscription(TrackEmbeddings, 'track_embeddings', print, 1)
rclpy.spin(node)
"""
HOSTILE = 10_000
#: Megabytes that allocators may keep; a leak in any of these tests is many times as much.
SLACK = 16.0
SQUARE = (10, 20)
OUTPUTS = ((Detection2DArray, 'tracks'), (TrackEmbeddings, 'track_embeddings'),
           (Image, '/tracker/debug_image'), (MarkerArray, '/tracker/markers'),
           (LabelInfo, '/tracker/labels'), (Latency, '/tracker/latency'),
           (DiagnosticArray, '/diagnostics'))


def image_status(bench, text, topic='/image'):
    """Wait until the diagnostics of the images say something, and return them."""
    def newest():
        status = bench.status().get(topic)
        return status if status and text in status.message else None
    return bench.wait(newest, f'diagnostics that say {text!r}')


class Steady:
    """A tracker whose only track, threads and memory must be as they were."""

    def __init__(self, bench, camera, process):
        self.bench, self.camera, self.process = bench, camera, process
        self.camera.track(SQUARE)
        self.renew()

    def renew(self):
        """Note what must stay."""
        self.id = self.camera.track(SQUARE).detections[0].id
        self.before = self.bench.vitals(self.process)

    def check_track(self):
        assert [d.id for d in self.camera.track(SQUARE).detections] == [self.id]

    def check(self):
        self.check_track()
        assert self.process.poll() is None
        now = self.bench.vitals(self.process)
        assert now.megabytes < self.before.megabytes + SLACK
        assert now.threads <= self.before.threads
        assert now.files <= self.before.files + 2


@pytest.fixture(scope='module')
def tracker(bench):
    return bench.start_tracker(reliability='reliable', keep_tracks='true', image_timeout=0.5)


@pytest.fixture(scope='module')
def camera(bench, tracker, make_camera):
    return make_camera(bench)


@pytest.fixture
def steady(bench, camera, tracker):
    return Steady(bench, camera, tracker)


def hostile_image(rng, stamp):
    """Return an image message of which hardly anything is right."""
    sizes = [0, 1, 2, 3, 4, 5, 7, 320, 65535, 2**31, 2**32 - 1]
    bad_stamps = [Time(sec=-1), Time(sec=-2**31), Time(sec=5, nanosec=10**9),
                  Time(nanosec=2**32 - 1)]
    msg = Image(
        encoding=str(rng.choice(['bgr8', 'mono16', 'yuv422', 'nv12', 'bayer_rggb8', '32FC1',
                                 '', 'nonsense', 'ü' * 500])),
        width=int(rng.choice(sizes)), height=int(rng.choice(sizes)),
        step=int(rng.choice([0, 1, 3, 11, 12, 13, 960, 2**31, 2**32 - 1])),
        is_bigendian=int(rng.choice([0, 1, 255])))
    # Whatever is readable by chance is black, and belongs to the time of the last image.
    msg.header = Header(stamp=stamp if rng.random() < 0.8 else rng.choice(bad_stamps))
    msg.data.frombytes(bytes(int(rng.choice([0, 1, 11, 47, 48, 49, 300]))))
    return msg


@pytest.mark.slow
def test_ten_thousand_hostile_images(steady):
    bench, camera = steady.bench, steady.camera
    before = int(image_status(bench, '').values['bad_images'])
    rng = np.random.default_rng(0)

    def send():
        """Send some, not so fast that most are overtaken, and return whether all were judged."""
        for _ in range(500):
            camera.publisher.publish(hostile_image(rng, bench.header(0).stamp))
            bench.spin(0.001)
        steady.check_track()
        return int(bench.status()['/image'].values['bad_images']) - before > HOSTILE
    bench.wait(send, f'{HOSTILE} images found bad', 240)
    status = image_status(bench, 'bad images: ')
    assert status.level == DiagnosticStatus.WARN
    assert status.values['failed'] == '0'
    steady.check()


def test_damaged_compressed_images(own_bench):
    """JPEG and PNG with changed bytes, cut off or empty: bad ones are counted, none is fatal."""
    tracker = own_bench.start_tracker(image_transport='compressed', reliability='reliable')
    tracks = own_bench.subscribe(Detection2DArray, 'tracks')
    publisher = own_bench.node.create_publisher(CompressedImage, 'image/compressed', 10)
    own_bench.wait(publisher.get_subscription_count, 'subscription')
    image = np.zeros((240, 320, 3), np.uint8)
    image[20:60, 10:50] = 255
    whole = [cv2.imencode(suffix, image)[1] for suffix in ('.jpg', '.png')]
    rng = np.random.default_rng(0)

    def send():
        for number in range(50):
            data = whole[number % 2].copy()
            data[rng.integers(0, len(data), 5)] = rng.integers(0, 256, 5)
            msg = CompressedImage(header=own_bench.header(), format='jpeg')
            msg.data.frombytes(data[:rng.integers(0, 2 * len(data))].tobytes())
            publisher.publish(msg)
            own_bench.spin(0.002)
        return int(image_status(own_bench, '', '/image/compressed').values['bad_images']) > 100
    own_bench.wait(send, '100 images found bad')

    def send_whole():
        msg = CompressedImage(header=own_bench.header(), format='png')
        msg.data.frombytes(whole[1].tobytes())
        publisher.publish(msg)
        own_bench.spin(0.1)
        return tracks[-1].header == msg.header and tracks[-1].detections
    assert len(own_bench.wait(send_whole, 'tracks of a whole image')) == 1
    assert own_bench.status()['/image/compressed'].values['failed'] == '0'
    assert tracker.poll() is None


def test_camera_that_dies_and_comes_back(own_bench):
    """Its tracks are found again by appearance, and the diagnostics say that it was away."""
    tracker = own_bench.start_tracker(image_timeout=0.5)
    tracks = own_bench.subscribe(Detection2DArray, 'tracks')
    for _ in range(2):
        begin = len(tracks)
        camera = own_bench.start(SQUARE_CAMERA)
        own_bench.wait(lambda n=begin: any(m.detections for m in tracks[n:]), 'tracks')
        camera.kill()
        camera.wait()
        status = image_status(own_bench, 'no image')
        assert status.level == DiagnosticStatus.WARN
    assert len({d.id for m in tracks for d in m.detections}) == 1
    assert tracker.poll() is None


def test_flood_of_subscribers(steady):
    def flood():
        for _ in range(8):
            node = steady.bench.node
            many = [node.create_subscription(kind, topic, lambda _: None, 1)
                    for kind, topic in OUTPUTS for _ in range(5)]
            for _ in range(5):
                steady.check_track()
            for subscription in many:
                node.destroy_subscription(subscription)
    flood()
    steady.renew()
    flood()
    steady.check()


def test_subscriber_of_embeddings_that_dies(steady):
    bench = steady.bench
    listener = bench.start('-c', LISTENER)
    bench.wait(lambda: steady.check_track() or 'TrackEmbeddings(' in bench.log(listener),
               'embeddings')
    listener.kill()
    listener.wait()
    for _ in range(20):
        steady.check_track()
    steady.check()


def test_storm_of_parameters(steady):
    """Valid and refused changes come faster than frames."""
    bench = steady.bench
    client = bench.node.create_client(
        SetParametersAtomically, '/tracker/set_parameters_atomically')
    bench.wait(client.service_is_ready, 'service')
    for _ in range(50):
        futures = []
        # As many as the queue of a service holds.
        for number in range(9):
            values = {'score_threshold': [0.1, 0.2, 7.0][number % 3],
                      'tracker.lost_seconds': [1.5, 2.0][number % 2]}
            futures.append(client.call_async(SetParametersAtomically.Request(parameters=[
                Parameter(name, value=value).to_parameter_msg()
                for name, value in values.items()])))
        steady.check_track()
        bench.wait(lambda sent=futures: all(f.done() for f in sent), 'answers')
        assert [f.result().result.successful for f in futures] == [
            number % 3 < 2 for number in range(9)]
    bench.node.destroy_client(client)
    steady.check()


def test_storm_of_enabling(steady):
    bench, publisher = steady.bench, steady.camera.publisher
    for number in range(60):
        bench.call(SetBool, '/tracker/enable', SetBool.Request(data=number % 2 == 1))
    bench.wait(lambda: publisher.get_subscription_count() == 1, 'subscription')
    steady.check()


def test_fifty_activations(steady):
    bench, publisher = steady.bench, steady.camera.publisher
    for number in range(100):
        transition = (Transition.TRANSITION_ACTIVATE if number % 2
                      else Transition.TRANSITION_DEACTIVATE)
        request = ChangeState.Request(transition=Transition(id=transition))
        assert bench.call(ChangeState, '/tracker/change_state', request).success
        if number % 10 == 9:
            bench.wait(lambda: publisher.get_subscription_count() == 1, 'subscription')
            steady.check_track()
    steady.check()


def test_images_of_changing_size(steady):
    """The square stays where it is while the picture around it grows and shrinks."""
    tracks = steady.camera.tracks
    for height, width in [(480, 640), (61, 51), (720, 1280), (100, 2000), (240, 320)]:
        image = np.zeros((height, width, 3), np.uint8)
        image[20:60, 10:50] = 255
        msg = to_image_message(image, steady.bench.header())
        steady.camera.publisher.publish(msg)
        steady.bench.wait(lambda m=msg: tracks[-1].header == m.header, f'{width}x{height}')
        assert [d.id for d in tracks[-1].detections] == [steady.id]
    steady.check()


def test_model_replaced_on_disk(own_bench, make_camera, tmp_path):
    """The node goes on with what it has loaded; a broken file fails when it is loaded."""
    folder = tmp_path / 'mine'
    shutil.copytree(WEIGHTS / 'finetrack_nano', folder)
    detector = folder / 'detector.onnx'
    whole = detector.read_bytes()
    tracker = own_bench.start(
        *NODE_MODULE, model=folder, input_size=256, reliability='reliable')
    camera = make_camera(own_bench)

    def change(transition):
        request = ChangeState.Request(transition=Transition(id=transition))
        return own_bench.call(ChangeState, '/tracker/change_state', request).success

    detector.write_bytes(whole[:len(whole) // 2])
    assert camera.track(SQUARE).detections == []
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert change(Transition.TRANSITION_CLEANUP)
    assert not change(Transition.TRANSITION_CONFIGURE)
    status = own_bench.wait(
        lambda: (s := own_bench.status()['model']) and s.level == DiagnosticStatus.ERROR and s,
        'diagnostics of the broken model')
    assert str(detector) in status.message
    detector.write_bytes(whole)
    assert change(Transition.TRANSITION_CONFIGURE)
    assert change(Transition.TRANSITION_ACTIVATE)
    own_bench.wait(lambda: camera.publisher.get_subscription_count() == 1, 'subscription')
    assert camera.track(SQUARE).detections == []
    assert tracker.poll() is None
