# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a user learns from the terminal alone: warnings with remedies, and what was done."""

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger
from vision_msgs.msg import Detection2DArray

pytestmark = pytest.mark.ros

FAST = {'image_timeout': 0.5, 'error_factor': 1000.0}


def wait_for(bench, process, text):
    bench.wait(lambda: text in bench.log(process), f'"{text}" in the log')


def test_silence_is_told_with_its_remedy_and_not_every_second(own_bench):
    process = own_bench.start_tracker(**FAST)
    wait_for(own_bench, process, 'start the camera driver or correct image_topic')
    own_bench.spin(4.0)
    warnings = [line for line in own_bench.log(process).splitlines() if '[WARN]' in line]
    assert len(warnings) == 1
    assert "no image on '/image'" in warnings[0]


@pytest.mark.parametrize(('transport', 'kind', 'topic', 'remedy'), [
    ('raw', CompressedImage, 'image/compressed', 'image_transport:=compressed'),
    ('compressed', Image, 'image', 'image_transport:=raw')])
def test_other_form_of_the_images_is_named(own_bench, transport, kind, topic, remedy):
    own_bench.node.create_publisher(kind, topic, 1)
    process = own_bench.start_tracker(image_transport=transport, **FAST)
    wait_for(own_bench, process, f"only '/{topic}' is published")
    assert remedy in own_bench.log(process)


def test_log_names_compressed_topics_as_they_are_remapped(own_bench):
    process = own_bench.start_tracker(
        image_transport='compressed', **{'image_timeout': 0.5})
    remapped = own_bench.start(
        *process.args[1:2], '--ros-args', '-r', 'image/compressed:=/cam/jpeg', '-r',
        '__node:=other', '-p', 'image_transport:=compressed', '--')
    wait_for(own_bench, remapped, "subscribed to '/cam/jpeg'")
    wait_for(own_bench, process, "subscribed to '/image/compressed'")


def test_detections_without_an_image_of_their_stamp_are_told(own_bench):
    process = own_bench.start_tracker(detector='topic')
    images = own_bench.node.create_publisher(Image, 'image', 1)
    detections = own_bench.node.create_publisher(Detection2DArray, 'detections', 10)

    def told():
        images.publish(Image(header=own_bench.header()))
        detections.publish(Detection2DArray(header=own_bench.header()))
        own_bench.spin(0.02)
        return "let the detector copy its image's header" in own_bench.log(process)
    own_bench.wait(told, 'the warning')


def test_preset_that_a_parameter_file_overrules_is_told(own_bench):
    process = own_bench.start_tracker(tracker__preset='dance', tracker__high_score=0.4)
    wait_for(own_bench, process, "tracker.preset 'dance' does not set")
    assert 'tracker.high_score 0.4' in own_bench.log(process)


def test_two_cameras_on_one_topic_are_told(own_bench):
    process = own_bench.start_tracker()
    other = rclpy.create_node('rear', context=own_bench.context)
    cameras = [(node.create_publisher(Image, '/image', 1), name)
               for node, name in ((own_bench.node, 'front'), (other, 'rear'))]
    data = np.zeros(48, np.uint8).tobytes()

    def told():
        for publisher, name in cameras:
            header = Header(stamp=own_bench.header().stamp, frame_id=name)
            publisher.publish(Image(header=header, encoding='bgr8', height=4, width=4, step=12,
                                    data=data))
            own_bench.spin(0.1)
        return 'frame_id or size of what comes on' in own_bench.log(process)
    own_bench.wait(told, 'the warning')
    other.destroy_node()


def test_what_is_done_to_the_node_is_told(own_bench):
    process = own_bench.start_tracker()
    wait_for(own_bench, process, "subscribed to '/image'")
    own_bench.call(Trigger, '/tracker/reset', Trigger.Request())
    own_bench.call(SetBool, '/tracker/enable', SetBool.Request(data=False))
    own_bench.call(SetBool, '/tracker/enable', SetBool.Request(data=True))
    change = Parameter('score_threshold', value=0.25).to_parameter_msg()
    own_bench.call(SetParameters, '/tracker/set_parameters',
                   SetParameters.Request(parameters=[change]))
    for step in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP):
        own_bench.call(ChangeState, '/tracker/change_state',
                       ChangeState.Request(transition=Transition(id=step)))
    for text in ('reset: all tracks dropped', 'enable: tracking disabled',
                 'enable: tracking enabled', 'score_threshold from 0.1 to 0.25',
                 'deactivated: unsubscribed; the model is kept', 'cleaned up: '):
        wait_for(own_bench, process, text)
