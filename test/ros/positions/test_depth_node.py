# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Positions of tracks by depth, over DDS from a node in a process of its own."""

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

pytestmark = pytest.mark.ros

HEIGHT, WIDTH = 240, 320
FOCAL = 200.0


class DepthCamera:
    """Adds depth and calibration to a camera whose white squares are tracked."""

    def __init__(self, camera):
        self.camera, self.bench = camera, camera.bench
        node = self.bench.node
        self.depths = node.create_publisher(Image, 'depth', 10)
        self.infos = node.create_publisher(CameraInfo, 'camera_info', 10)
        self.subscription = None
        self.positions = []

    def subscribe(self):
        """Ask for positions, and return once the tracker asks for depth and calibration."""
        self.subscription = self.bench.node.create_subscription(
            Detection3DArray, '/tracker/tracks_3d', self.positions.append, 10)
        self.bench.wait(lambda: self.camera.track() and self.depths.get_subscription_count()
                        and self.infos.get_subscription_count(), 'subscription to depth')
        self.bench.wait(lambda: self.locate(self.plane(5)) and self.positions, 'positions')

    def plane(self, metres):
        return np.full((HEIGHT, WIDTH), metres, np.float32)

    def send_depth(self, depth, header):
        """Publish a depth image, float32 in metres or uint16 in millimetres."""
        encoding = '32FC1' if depth.dtype == np.float32 else '16UC1'
        msg = Image(header=header, height=depth.shape[0], width=depth.shape[1], encoding=encoding,
                    step=depth.strides[0])
        msg.data.frombytes(depth.tobytes())
        self.depths.publish(msg)

    def send_info(self, header, focal=FOCAL):
        info = CameraInfo(header=header, width=WIDTH, height=HEIGHT, distortion_model='plumb_bob')
        info.k = [focal, 0.0, WIDTH / 2, 0.0, focal, HEIGHT / 2, 0.0, 0.0, 1.0]
        self.infos.publish(info)

    def status(self):
        """Return the newest diagnostics of the positions."""
        return self.bench.wait(lambda: self.bench.status().get('/depth'), 'status of the depth')

    def locate(self, depth, *corners, focal=FOCAL):
        """Send an image, then its depth, and return its tracks: what a driver that aligns does."""
        header = self.bench.header()
        self.send_info(header, focal)
        tracks = self.camera.track(*corners, header=header)
        self.send_depth(depth, header)
        return tracks

    def located(self, depth, *corners):
        """Return the positions of the squares in one image, and its tracks."""
        tracks = self.locate(depth, *corners)
        return self.bench.wait(lambda: next((
            m for m in self.positions if m.header.stamp == tracks.header.stamp), None),
            'positions of the image'), tracks


@pytest.fixture(scope='module')
def camera(bench, make_camera):
    bench.start_tracker(reliability='reliable', depth=True)
    depth_camera = DepthCamera(make_camera(bench))
    depth_camera.subscribe()
    return depth_camera


def scene():
    """Return a wall at 9 m and an object at 4 m in the middle half of a square at (100, 100)."""
    depth = np.full((HEIGHT, WIDTH), 9, np.float32)
    depth[100:140, 108:132] = 4
    return depth


@pytest.mark.parametrize('millimetres', [False, True])
def test_object_comes_out_where_it_is(camera, millimetres):
    depth = (scene() * 1000).astype(np.uint16) if millimetres else scene()
    msg, tracks = camera.located(depth, (100, 100))
    detection, = msg.detections
    position, size = detection.bbox.center.position, detection.bbox.size
    assert (position.x, position.y, position.z) == pytest.approx((-0.8, 0.0, 4.0))
    assert (size.x, size.y, size.z) == pytest.approx((0.8, 0.8, 0.8))
    assert detection.results[0].pose.pose == detection.bbox.center
    assert detection.results[0].hypothesis.class_id == 'square'
    assert detection.id == tracks.detections[0].id
    assert msg.header == detection.header == tracks.header


def test_smaller_depth_image_will_do(camera):
    msg, _ = camera.located(np.ascontiguousarray(scene()[::2, ::2]), (100, 100))
    assert msg.detections[0].bbox.center.position.z == 4


def test_empty_frame_gives_empty_array(camera):
    msg, _ = camera.located(scene())
    assert msg.detections == []


def test_track_in_a_hole_is_left_out_and_counted(camera):
    depth = scene()
    depth[:, 200:] = np.nan
    msg, tracks = camera.located(depth, (100, 100), (250, 100))
    assert [d.id for d in msg.detections] == [
        d.id for d in tracks.detections if d.bbox.center.position.x < 200]
    camera.bench.wait(lambda: int(camera.status().values['tracks_without_depth']),
                      'count of tracks without depth')


def test_markers_show_box_and_label(camera):
    messages = []
    subscription = camera.bench.node.create_subscription(
        MarkerArray, '/tracker/markers_3d', messages.append, 10)
    camera.bench.wait(lambda: camera.locate(scene(), (100, 100)) and messages, 'markers')
    camera.bench.node.destroy_subscription(subscription)
    assert [m.action for m in messages[-1].markers] == [Marker.DELETEALL, Marker.ADD, Marker.ADD]
    assert messages[-1].markers[1].pose.position.z == 4
    assert messages[-1].markers[1].header.frame_id == 'front_camera'


@pytest.mark.parametrize(('depth', 'focal', 'problem'), [
    (scene(), 0.0, 'focal length of 0, 0 in K: calibrate'),
    (np.ones((180, 320), np.float32), FOCAL, 'let the driver align depth'),
    (np.ones((240, 320), np.uint8), FOCAL, 'set step to the length of a row'),
])
def test_fault_is_reported_and_tracks_go_on(camera, depth, focal, problem):
    def warning():
        camera.locate(depth, (100, 100), focal=focal)
        return camera.status()

    camera.bench.wait(lambda: warning().level == b'\x01' and problem in warning().message, problem)
    msg, _ = camera.located(scene(), (100, 100))
    assert len(msg.detections) == 1


def test_depth_of_another_time_is_not_used(camera):
    before = int(camera.status().values['frames_unpaired'])
    camera.camera.track((100, 100))
    late = camera.bench.header()
    camera.send_depth(scene(), late)
    camera.bench.wait(
        lambda: int(camera.status().values['frames_unpaired']) > before,
        'count of unpaired frames')
    assert len(camera.located(scene(), (100, 100))[0].detections) == 1


def test_other_frame_is_warned_of_once(camera):
    for _ in range(3):
        header = camera.bench.header()
        camera.camera.track((100, 100), header=header)
        camera.send_depth(scene(), Header(stamp=header.stamp, frame_id='depth_camera'))
    camera.located(scene(), (100, 100))
    assert camera.bench.report().count("in the frame 'depth_camera'") == 1


def test_nobody_subscribed_means_no_depth_received(camera):
    bench = camera.bench
    bench.node.destroy_subscription(camera.subscription)
    bench.wait(lambda: camera.camera.track() and not camera.depths.get_subscription_count(),
               'end of the subscription to depth')
    bench.wait(lambda: camera.status().message.startswith('idle until'), 'idle status')
    camera.subscribe()
    assert len(camera.located(scene(), (100, 100))[0].detections) == 1


def test_positions_go_on_after_a_pause(camera):
    camera.bench.call(SetBool, '/tracker/enable', SetBool.Request(data=False))
    camera.bench.wait(lambda: not camera.depths.get_subscription_count(), 'end of subscription')
    camera.bench.call(SetBool, '/tracker/enable', SetBool.Request(data=True))
    camera.bench.wait(lambda: camera.camera.send() and camera.bench.spin(0.2)
                      or camera.depths.get_subscription_count(), 'subscription to depth')
    camera.bench.wait(lambda: camera.send_info(camera.bench.header())
                      or camera.infos.get_subscription_count(), 'subscription to camera_info')
    assert len(camera.located(scene(), (100, 100))[0].detections) == 1


def test_each_camera_has_its_own_positions(own_bench):
    own_bench.start_tracker(reliability='reliable', depth=True, cameras='[front, rear]')
    for name in ('front', 'rear'):
        own_bench.subscribe(Detection3DArray, f'/tracker/{name}/tracks_3d')
        publisher = own_bench.node.create_publisher(Image, f'{name}/image', 10)
        own_bench.wait(lambda p=publisher, n=name: p.publish(Image()) or own_bench.spin(0.1)
                       or own_bench.node.count_subscribers(f'{n}/depth'), 'subscription to depth')
    assert {f'/{name}/{topic}' for name in ('front', 'rear') for topic in ('depth', 'image')} <= {
        *own_bench.wait(lambda: len(own_bench.status()) == 5 and own_bench.status(), 'statuses')}


def test_depth_is_off_by_default(own_bench, make_camera):
    own_bench.start_tracker(reliability='reliable')
    make_camera(own_bench)
    assert own_bench.node.count_publishers('/tracker/tracks_3d') == 0
    assert own_bench.node.count_subscribers('depth') == 0
