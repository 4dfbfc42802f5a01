# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What can go wrong: the messages that users see, with cause and remedy.

The page docs/troubleshooting.md is made from this table. A test holds it to the code: each message
is one that the code can say, and each warning and error of the diagnostics is here.
"""

from __future__ import annotations

from typing import NamedTuple

_CAMERA = 'Diagnostics of a camera'
_DEPTH = 'Diagnostics of positions'
_START = 'Starting the node'
_FRAMES = 'Single images'
_COMMANDS = 'Command line'
_SETUP = 'Setting up'


class Fault(NamedTuple):
    """
    One message.

    :ivar place: where it is seen; the heading that it stands under.
    :ivar message: the message or how it begins, with … for what differs from time to time.
    :ivar cause: why it is said.
    :ivar remedy: what to do.
    """

    place: str
    message: str
    cause: str
    remedy: str


FAULTS: tuple[Fault, ...] = (
    Fault(_CAMERA, "no … on '…' for … s from … publishers",
          'Nothing arrives. With 0 publishers nobody sends on this topic; with more, they are '
          'silent or the messages are lost on the way.',
          'Compare the name with `ros2 topic list`. If `ros2 topic hz` shows a rate elsewhere, '
          'let the camera driver load the profile for large images, too (ROS guide).'),
    Fault(_CAMERA, '… as …, but subscribed as …',
          'Something else than images (or detections) is published under this name.',
          'Name the right topic; for compressed images give image_transport:=compressed.'),
    Fault(_CAMERA, '… as best effort, but subscribed as reliable',
          'The parameter reliability insists on more than the publisher offers.',
          'Set reliability to auto.'),
    Fault(_CAMERA, 'no model is loaded, node is …',
          'The node is not configured yet, or was deactivated with keep_model: false.',
          'Configure and activate it: `ros2 lifecycle set /tracker configure`, then `activate`.'),
    Fault(_CAMERA, '… frames failed: …',
          'Inference or tracking raised an error, which stands behind the colon.',
          'Read the error. Where memory is full, lower input_size or max_detections.'),
    Fault(_CAMERA, 'all of … images are bad: …',
          'No image can be decoded; the reason for the last one stands behind the colon.',
          'Correct what the camera driver sends, or convert it with image_proc.'),
    Fault(_CAMERA, '… bad images: …',
          'Some images cannot be decoded: truncated, of an unknown encoding, or too large.',
          'Read the reason; look at the cable and at the driver.'),
    Fault(_CAMERA, "… messages on '…' and none has the stamp of an image on '…'",
          'The other detector does not copy the stamp of its image, or is later than the queue '
          'is long.',
          "Let it copy the image's header; raise pairing_queue."),
    Fault(_CAMERA, "frame_id or size of what comes on '…'… changed … times",
          'Two cameras publish on one topic, and their tracks would be mixed.',
          'Give each camera a topic of its own, and name them with cameras:=front,rear.'),
    Fault(_CAMERA, "… nodes publish on '…'",
          'The same, seen from the number of nodes.',
          'As above; end a driver or a bag player that was left running.'),
    Fault(_CAMERA, 'stamps jumped back … times',
          'Messages of several publishers interleave, or a short bag plays in a loop.',
          'Let one publisher alone send. tracker.on_jump_back: continue keeps the tracks.'),
    Fault(_CAMERA, 'the stamps are … s behind this clock',
          "A bag is played without its clock, or the camera's machine has another time.",
          'Set use_sim_time and play with --clock, or synchronise the clocks (chrony, PTP).'),
    Fault(_CAMERA, 'the stamps are … s ahead of this clock',
          "The camera's machine has another time, or use_sim_time is set and nobody publishes "
          '/clock.',
          'Synchronise the clocks, or play with --clock.'),
    Fault(_CAMERA, 'half of the frames are older than … s when their tracks come out',
          'The machine is too slow for this rate and size, or images wait before the node.',
          'Lower input_size or the camera rate, use a GPU, load the profile for large images.'),
    Fault(_CAMERA, '… of … images were overtaken by newer ones',
          'Images come faster than they are tracked. The newest is taken and the others dropped.',
          'Lower the rate or input_size. Where dropping is wanted, raise max_drop_ratio.'),
    Fault(_CAMERA, '… frames per second are tracked, of … received',
          'The rate is below min_rate.',
          'Look at the rate of the camera; take a faster engine or a smaller input_size.'),
    Fault(_DEPTH, "no depth image on '…' for … s from … publishers",
          'Depth does not arrive.',
          'Correct depth_topic, or turn on aligned depth in the camera driver.'),
    Fault(_DEPTH, '… of … frames have no depth image within … s',
          'Depth and colour are stamped at different times.',
          'Synchronise them in the driver, or raise depth_tolerance.'),
    Fault(_DEPTH, '… frames without positions: …',
          'Depth or calibration cannot be used; the reason stands behind the colon.',
          'Correct camera_info_topic, or what the driver publishes there.'),
    Fault(_DEPTH, 'none of … tracks has enough depth in its box',
          'The depth image is empty where the people are: out of range, in the sun, not aligned.',
          'Look at the depth image; publish depth that is aligned to colour.'),
    Fault(_START, "parameter '…' cannot change while the node is configured",
          'The parameter belongs to the model or to the subscriptions.',
          'Deactivate and clean up first, or set it in the parameter file.'),
    Fault(_START, "parameter '…' is '…': give one of …",
          'The value is none of those that are allowed.', 'Take one of the list.'),
    Fault(_START, "model '…': no such model or folder",
          'The parameter model names neither a shipped model nor a folder.',
          'Correct the name; a path must be that of a folder with both graphs.'),
    Fault(_START, "device '…': the installed ONNX Runtime has only …",
          'The installed ONNX Runtime is made for CPUs.',
          'Install onnxruntime-gpu in its place, or use device cpu.'),
    Fault(_START, "device '…': ONNX Runtime could not start its CUDA provider",
          'Driver, CUDA or cuDNN are missing or of another version.',
          'Compare them with what this ONNX Runtime asks for, or use device cpu.'),
    Fault(_START, 'a parameter is given as an empty list or without a value',
          'ROS cannot tell the type of an empty list.', "Leave it out, or write ['']."),
    Fault(_START, "params_file '…' cannot be read",
          'The file is not there or may not be read.', 'Correct the path.'),
    Fault(_START, "params_file '…' does not have its parameters under a node's name",
          'The file holds bare parameters.',
          'Begin it with /**: and ros__parameters:, as config/tracker.yaml does.'),
    Fault(_START, "… is '…' for the cameras …: put",
          'Several cameras are named and the topic has no place for their names.',
          'Write {camera} where the name stands: /{camera}/image_raw.'),
    Fault(_START, "parameter 'target_frame' is '…', and tf2_ros is not installed",
          'Positions in another frame need TF.', 'Install tf2_ros, or leave target_frame empty.'),
    Fault(_START, 'rviz2 is not installed, so that nothing is shown',
          'rviz:=true was given on a machine without rviz.',
          'Install rviz2, or look at ~/debug_image on another machine.'),
    Fault(_FRAMES, '…: unknown encoding, and cv_bridge is not available',
          'The encoding is none of those that the node decodes itself.',
          'Publish one of them (Topics), or install cv_bridge.'),
    Fault(_FRAMES, 'stamp of … s and … ns is no time',
          'The header of the image is not filled in.', 'Correct the camera driver.'),
    Fault(_COMMANDS, '… not installed: … the extra',
          'Training, tuning and the viewer need libraries that tracking does not.',
          "Install them: pip install '.[train]', '.[tune]' or '.[view]'."),
    Fault(_COMMANDS, "Output '…' is an input itself",
          'The command would overwrite what it reads.', 'Choose another name.'),
    Fault(_COMMANDS, 'no track was started: the best score is …',
          "The other detector's scores are on another scale, or low.",
          'Give --score-range, or a lower birth_score in --tracker-config.'),
    Fault(_COMMANDS, "The … image(s) in '…' cannot be decoded",
          'None of the files is an intact image.', 'Replace them.'),
    Fault(_SETUP, 'no Python 3.10 to 3.13 found',
          'ROS 2 wheels exist for these versions only.',
          'Install one and name it: make setup PYTHON=/path/to/python3.'),
    Fault(_SETUP, 'ROS 2 wheels exist for x86-64 only',
          'The machine is of another kind, such as a Jetson.',
          'Install ROS 2 from its packages, source it, and call make again.'),
    Fault(_SETUP, 'cannot get the default clip',
          'The clip of the demo comes from a Debian package, and there is no network or no apt.',
          'Take a video of your own: make demo VIDEO=clip.mp4.'),
)
