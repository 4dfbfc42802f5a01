# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Detections of another detector: paired with images by exact stamp, or tracked by themselves."""

from diagnostic_msgs.msg import DiagnosticStatus
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D, Detection2DArray, LabelInfo, ObjectHypothesisWithPose

from finetrack_ros.msg import TrackEmbeddings

pytestmark = pytest.mark.ros

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def detection(x, y, size=40.0, score=0.9, name='cat', theta=0.0, results=1):
    msg = Detection2D()
    msg.bbox.center.position.x, msg.bbox.center.position.y = float(x), float(y)
    msg.bbox.center.theta = theta
    msg.bbox.size_x = msg.bbox.size_y = size
    for _ in range(results):
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id, result.hypothesis.score = name, score
        msg.results.append(result)
    return msg


class Detector:
    """Publishes images and detections apart from each other, and waits for tracks."""

    def __init__(self, bench, images=True):
        self.bench = bench
        self.tracks = bench.subscribe(Detection2DArray, 'tracks')
        self._detections = bench.node.create_publisher(Detection2DArray, 'detections', 10)
        self._images = bench.node.create_publisher(Image, 'image', 10)
        for publisher in [self._detections] + [self._images] * images:
            bench.wait(publisher.get_subscription_count, 'subscription of the tracker')
        bench.wait(lambda: bench.node.count_publishers('tracks'), 'publisher of the tracks')
        # Until both sides know of each other, messages get lost.
        while not self.tracks:
            header = bench.header()
            if images:
                self.send_image(header)
            self.send_detections(header)
            bench.spin(0.2)

    def send_image(self, header):
        msg = Image(header=header, encoding='bgr8', height=240, width=320, step=960)
        msg.data.frombytes(bytes(960 * 240))
        self._images.publish(msg)

    def send_detections(self, header, *detections):
        self._detections.publish(Detection2DArray(header=header, detections=detections))

    def find(self, header):
        return next((msg for msg in self.tracks if msg.header == header), None)

    def result(self, header):
        return self.bench.wait(lambda: self.find(header), f'tracks at {header.stamp}')

    def status(self, condition, topic='/image'):
        def newest():
            status = self.bench.status().get(topic)
            return status if status and condition(status) else None
        return self.bench.wait(newest, f'diagnostics of {topic}')


@pytest.fixture(scope='module')
def detector(bench):
    bench.start_tracker(detector='topic', pairing_queue=3, reliability='reliable')
    return Detector(bench)


@pytest.mark.parametrize('image_first', [True, False])
def test_partners_are_paired_whichever_comes_first(detector, image_first):
    header = detector.bench.header(10_000_000_000)
    parts = [lambda: detector.send_image(header),
             lambda: detector.send_detections(header, detection(100, 100))]
    for part in parts if image_first else parts[::-1]:
        part()
        detector.bench.spin(0.1)
    found = detector.result(header).detections[0]
    assert (found.bbox.center.position.x, found.bbox.size_x) == (100.0, 40.0)
    assert (found.results[0].hypothesis.class_id, found.header) == ('cat', header)


def test_image_waits_for_detections_that_are_frames_late(detector):
    headers = [detector.bench.header() for _ in range(3)]
    for header in headers:
        detector.send_image(header)
    for header in headers:
        detector.send_detections(header, detection(100, 100))
        detector.result(header)
    assert [msg.header for msg in detector.tracks[-3:]] == headers


def test_track_follows_foreign_boxes_with_our_embeddings(detector):
    embeddings = detector.bench.subscribe(TrackEmbeddings, 'track_embeddings')

    def step():
        header = detector.bench.header()
        detector.send_image(header)
        detector.send_detections(header, detection(200, 200))
        track = detector.result(header).detections[0]
        return track.id if embeddings and list(embeddings[-1].ids) == [track.id] else None
    first = detector.bench.wait(step, 'embeddings of the track')
    assert step() == first
    assert embeddings[-1].dim == 8


def test_empty_detections_give_an_empty_array(detector):
    header = detector.bench.header()
    detector.send_image(header)
    detector.send_detections(header)
    assert detector.result(header).detections == []


def test_newest_pair_wins_and_older_ones_are_given_up(detector):
    before = int(detector.status(lambda s: True).values['unpaired_images'])
    old, new = detector.bench.header(), detector.bench.header()
    for header in (old, new):
        detector.send_image(header)
    detector.send_detections(new, detection(100, 100))
    detector.result(new)
    detector.send_detections(old, detection(100, 100))
    detector.status(lambda s: int(s.values['unpaired_images']) > before)
    assert detector.find(old) is None


def test_other_stamps_never_pair_and_the_remedy_is_named(detector):
    count = len(detector.tracks)

    def send():
        detector.send_image(detector.bench.header())
        detector.send_detections(detector.bench.header(1_000), detection(100, 100))
        detector.bench.spin(0.05)
        status = detector.bench.status()['/image']
        return status if 'none has the stamp' in status.message else None
    status = detector.bench.wait(send, 'the warning')
    assert status.level == DiagnosticStatus.WARN
    assert "let the detector copy its image's header" in status.message
    assert "'pairing_queue' above 3" in status.message
    assert int(status.values['unpaired_detections']) > 0
    assert len(detector.tracks) == count


def test_unstamped_messages_never_pair(detector):
    before = int(detector.status(lambda s: True).values['unpaired_detections'])
    detector.send_image(Header())
    detector.send_detections(Header(), detection(100, 100))
    detector.status(lambda s: int(s.values['unpaired_detections']) > before)
    assert detector.find(Header()) is None


HOSTILE = [
    detection(float('nan'), 100), detection(100, 100, size=-40.0), detection(100, 100, size=0.0),
    detection(1e300, 100, size=1e300), detection(100, 100, theta=float('inf')),
    detection(100, 100, score=float('nan')), detection(100, 100, score=87.0),
    detection(100, 100, results=0)]


def test_hostile_detections_are_counted_and_the_others_tracked(detector):
    before = int(detector.status(lambda s: True).values['bad_detections'])
    header = detector.bench.header()
    detector.send_image(header)
    detector.send_detections(header, *HOSTILE, detection(100, 100))
    assert len(detector.result(header).detections) == 1
    status = detector.status(
        lambda s: int(s.values['bad_detections']) == before + len(HOSTILE))
    assert 'detections dropped, with ' in status.values['last_error']


def test_labels_grow_with_the_classes_that_come(detector):
    labels = detector.bench.subscribe(LabelInfo, '/tracker/labels', LATCHED)
    header = detector.bench.header()
    detector.send_image(header)
    detector.send_detections(header, detection(50, 50, name='cat'),
                             detection(250, 50, name='dog'))
    names = {d.results[0].hypothesis.class_id for d in detector.result(header).detections}
    detector.bench.wait(lambda: labels and len(labels[-1].class_map) == 2, 'both labels')
    assert names == {'cat', 'dog'}
    assert [(c.class_id, c.class_name) for c in labels[-1].class_map] == [(0, 'cat'), (1, 'dog')]


@pytest.fixture
def alone(own_bench):
    """Return a detector whose tracker has neither model nor images."""
    own_bench.start_tracker(detector='topic', embeddings='false', model='missing')
    return Detector(own_bench, images=False)


def test_without_embeddings_no_model_and_no_image_is_needed(alone):
    header = alone.bench.header(10_000_000_000)
    alone.send_detections(header, detection(100, 100), detection(200, 50))
    assert len(alone.result(header).detections) == 2
    assert alone.bench.node.count_subscribers('/image') == 0
    status = alone.status(lambda s: s.level == DiagnosticStatus.OK, 'model')
    assert 'no model needed' in status.message


def test_without_embeddings_ids_follow_boxes(alone):
    seen = []
    for step in range(5):
        header = alone.bench.header()
        alone.send_detections(header, detection(100 + 8 * step, 100))
        seen.append([d.id for d in alone.result(header).detections])
    assert seen == [seen[0]] * 5


def test_each_camera_has_its_detections(own_bench):
    own_bench.start_tracker(detector='topic', embeddings='false', cameras='[front, rear]')
    own_bench.wait(lambda: all(own_bench.node.count_subscribers(f'/{name}/detections')
                               for name in ('front', 'rear')), 'both subscriptions')
    assert own_bench.node.count_subscribers('/detections') == 0


def test_own_detector_without_embeddings_publishes_none(own_bench, make_camera):
    own_bench.start_tracker(embeddings='false')
    embeddings = own_bench.subscribe(TrackEmbeddings, 'track_embeddings')
    camera = make_camera(own_bench)
    own_bench.wait(lambda: camera.track((10, 20)) and embeddings, 'the message')
    assert list(embeddings[-1].ids) == []
    assert len(camera.track((10, 20)).detections) == 1
