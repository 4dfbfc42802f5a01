# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the tracker node as one table.

Declaration, range checks, run-time changes, ``config/tracker.yaml`` and the documentation all
follow from :data:`PARAMETERS`. The ``tracker.*`` rows come from the fields of
:class:`finetrack_ros.tracking.TrackerConfig`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.parameter import Parameter

from finetrack_ros.tracking import TrackerConfig
from finetrack_ros.tracking.presets import preset_names

Value = bool | int | float | str | list[str]

TRACKER_PREFIX = 'tracker.'
PRESET = TRACKER_PREFIX + 'preset'

_TYPES = {bool: Parameter.Type.BOOL, int: Parameter.Type.INTEGER,
          float: Parameter.Type.DOUBLE, str: Parameter.Type.STRING,
          list: Parameter.Type.STRING_ARRAY}


@dataclass(frozen=True)
class ParameterSpec:
    """One row of the table; the type is that of the default."""

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    step: int = 0
    choices: tuple[str, ...] = ()
    runtime: bool = False
    """Whether it may change while the node is configured."""

    @property
    def type(self) -> Parameter.Type:
        """Return the ROS type."""
        return _TYPES[type(self.default)]

    def descriptor(self) -> ParameterDescriptor:
        """Return the descriptor that ``ros2 param describe`` shows."""
        constraints = [f'one of {", ".join(self.choices)}'] if self.choices else []
        if not self.runtime:
            constraints.append('changes only while the node is unconfigured')
        descriptor = ParameterDescriptor(
            name=self.name, type=self.type.value, description=self.description,
            additional_constraints='; '.join(constraints))
        if self.minimum is not None and self.maximum is not None:
            if self.type == Parameter.Type.INTEGER:
                descriptor.integer_range = [IntegerRange(
                    from_value=int(self.minimum), to_value=int(self.maximum), step=self.step)]
            else:
                descriptor.floating_point_range = [FloatingPointRange(
                    from_value=float(self.minimum), to_value=float(self.maximum))]
        return descriptor


def _tracker_specs() -> list[ParameterSpec]:
    """Return one row for each field of the tracker's configuration."""
    specs = []
    defaults = TrackerConfig()
    for field in dataclasses.fields(TrackerConfig):
        meta = field.metadata
        specs.append(ParameterSpec(
            TRACKER_PREFIX + field.name, getattr(defaults, field.name), meta['description'],
            meta['minimum'], meta['maximum'], choices=tuple(meta.get('choices', ())),
            runtime=True))
    return specs


#: All parameters of the tracker node, in the order in which they are documented.
PARAMETERS: tuple[ParameterSpec, ...] = (
    ParameterSpec(
        'model', 'finetrack_nano',
        'Name of a shipped model, or path of a folder with detector.onnx and embedder.onnx'),
    ParameterSpec(
        'engine', 'auto', 'Inference engine; auto takes the fastest that works here'),
    ParameterSpec(
        'device', 'auto', 'Device of the engine, such as cpu, cuda or cuda:1'),
    ParameterSpec(
        'input_size', 0,
        "Long side of the network's input in pixels, a multiple of 32; 0 lets it follow the "
        "image's own size, as is best for the model",
        0, 4096, step=32),
    ParameterSpec(
        'classes', [''],
        "Names of the classes that are tracked, such as [person, dog], or [all]; [''] is person "
        'where the model knows it, else all. With detector topic: class ids of its messages; '
        "[''] takes all",
        runtime=True),
    ParameterSpec(
        'score_threshold', 0.1, 'Detections with a lower score are not given to the tracker',
        0.0, 1.0, runtime=True),
    ParameterSpec(
        'nms_threshold', 0.7, 'Overlap (IoU) above which the weaker of two detections is dropped',
        0.0, 1.0, runtime=True),
    ParameterSpec(
        'max_detections', 300, 'Most detections of one image; the strongest are kept', 1, 10000,
        runtime=True),
    ParameterSpec(
        'max_batch', 0,
        "Most cameras' images that are inferred at once; 0 takes one at a time on a CPU, where "
        'batches gain nothing, and all that wait on other devices', 0, 64),
    ParameterSpec(
        'detector', 'own',
        'own finds the objects by the model; topic tracks the detections of another detector, '
        "from the topic 'detections', each with the image of exactly the same stamp",
        choices=('own', 'topic')),
    ParameterSpec(
        'embeddings', True,
        'Describe detections by appearance; false tracks by motion and overlap alone, which with '
        'detector topic needs neither model nor images'),
    ParameterSpec(
        'pairing_queue', 10,
        "With detector topic: images and detections that wait for each other; the detector's "
        'delay in frames must fit', 1, 1000),
    ParameterSpec(
        'cameras', [''],
        "Names of the cameras: [front, rear] subscribes to 'front/image' and publishes "
        "'front/tracks', and so on; [''] is one camera with the plain topics"),
    ParameterSpec(
        'autostart', True,
        'Configure and activate the node by itself; false leaves it to a lifecycle manager'),
    ParameterSpec(
        'image_transport', 'raw',
        "raw subscribes to the image topic itself, compressed to '<image topic>/compressed'",
        choices=('raw', 'compressed')),
    ParameterSpec(
        'reliability', 'auto',
        'Reliability asked of the publishers of images, detections and depth; auto asks what they '
        'offer',
        choices=('auto', 'best_effort', 'reliable')),
    ParameterSpec(
        'class_id', 'name', 'What results[0].hypothesis.class_id holds: the name or the index',
        choices=('name', 'index'), runtime=True),
    ParameterSpec(
        'keep_tracks', False,
        'Keep the tracks when the node is deactivated and activated again', runtime=True),
    ParameterSpec(
        'keep_model', True,
        'Keep the model loaded when the node is deactivated; false frees its memory, and loads it '
        'again when the node is activated', runtime=True),
    ParameterSpec(
        'marker_scale', 0.0,
        'Metres per pixel of ~/markers in the frame of the image; 0 makes the image 7.68 m wide '
        'whatever its size, as config/finetrack.rviz shows it',
        0.0, 1000.0, runtime=True),
    ParameterSpec(
        'depth', False,
        "Publish where the tracks are in space, from the topics 'depth' (aligned to the image) "
        "and 'camera_info'"),
    ParameterSpec(
        'depth_tolerance', 0.02,
        'Most seconds between the stamps of an image and of its depth image', 0.0, 10.0,
        runtime=True),
    ParameterSpec(
        'target_frame', '',
        "Frame of ~/tracks_3d, such as base_link or map, by TF; empty leaves them in the image's "
        'frame'),
    ParameterSpec(
        'image_rectified', False,
        'The images are rectified: rays follow from P of camera_info instead of K and D',
        runtime=True),
    ParameterSpec(
        'max_age', 0.5,
        'Diagnostics warn where half of the frames are older (seconds, stamp to publication)',
        0.0, 3600.0, runtime=True),
    ParameterSpec(
        'max_drop_ratio', 0.5,
        'Diagnostics warn where a larger share of the images was replaced by newer ones',
        0.0, 1.0, runtime=True),
    ParameterSpec(
        'image_timeout', 3.0, 'Diagnostics warn where no image came for so many seconds',
        0.1, 3600.0, runtime=True),
    ParameterSpec(
        'min_rate', 0.0, 'Diagnostics warn where fewer frames per second are tracked; 0: never',
        0.0, 1000.0, runtime=True),
    ParameterSpec(
        'error_factor', 10.0,
        'Diagnostics turn from a warning into an error where max_age or image_timeout is '
        'exceeded so many times', 1.0, 1e6, runtime=True),
    ParameterSpec(
        PRESET, 'default',
        'Set of values for the parameters below. Those that you give yourself, at the start or '
        'later, win over the preset; the others follow it, also when it changes',
        choices=tuple(preset_names()), runtime=True),
    *_tracker_specs(),
)

#: The same by their names.
BY_NAME: dict[str, ParameterSpec] = {spec.name: spec for spec in PARAMETERS}
