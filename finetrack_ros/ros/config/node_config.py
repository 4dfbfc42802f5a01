# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The parameters of the tracker node, each as a field with its meaning and range.

The table of parameters, ``config/tracker.yaml`` and ``docs/parameters.md`` follow from the fields.
"""

from __future__ import annotations

from collections.abc import Mapping
import dataclasses
from dataclasses import dataclass
import functools
from typing import Any

from finetrack_ros.inference.classes import ALL
from finetrack_ros.protocols import DetectionOptions
from finetrack_ros.tracking import TrackerConfig
from finetrack_ros.tracking.presets import preset_names

TRACKER_PREFIX = 'tracker.'
PRESET = TRACKER_PREFIX + 'preset'


def option(default: Any, description: str, minimum: float | None = None,
           maximum: float | None = None, *, step: int = 0, choices: tuple[str, ...] = (),
           runtime: bool = False) -> Any:
    """
    Declare a parameter.

    :param step: of whole numbers, from the minimum on.
    :param choices: the words that it may be.
    :param runtime: whether it may change while the node is configured.
    """
    return dataclasses.field(default=default, metadata={
        'description': description, 'minimum': minimum, 'maximum': maximum, 'step': step,
        'choices': choices, 'runtime': runtime})


@dataclass(frozen=True)
class ModelConfig:
    """What finds and describes objects, and how."""

    model: str = option(
        'finetrack_nano',
        'Name of a shipped model, or path of a folder with detector.onnx and embedder.onnx')
    engine: str = option(
        'auto',
        'Inference engine; auto takes the fastest that works here')
    device: str = option(
        'auto',
        'Device of the engine, such as cpu, cuda or cuda:1')
    input_size: int = option(
        0,
        "Long side of the network's input in pixels, a multiple of 32; 0 lets it follow the "
        "image's own size, as is best for the model",
        0, 4096, step=32)
    classes: tuple[str, ...] = option(
        ('',),
        "Names of the classes that are tracked, such as [person, dog], or [all]; [''] is person "
        'where the model knows it, else all. With detector topic: class ids of its messages; '
        "[''] takes all",
        runtime=True)
    score_threshold: float = option(
        0.1,
        'Detections with a lower score are not given to the tracker',
        0.0, 1.0, runtime=True)
    nms_threshold: float = option(
        0.7,
        'Overlap (IoU) above which the weaker of two detections is dropped',
        0.0, 1.0, runtime=True)
    max_detections: int = option(
        300,
        'Most detections of one image; the strongest are kept', 1, 10000,
        runtime=True)
    max_batch: int = option(
        0,
        "Most cameras' images that are inferred at once; 0 takes one at a time on a CPU, where "
        'batches gain nothing, and all that wait on other devices', 0, 64)


@dataclass(frozen=True)
class NodeSection:
    """What goes in and out, and when."""

    detector: str = option(
        'own',
        'own finds the objects by the model; topic tracks the detections of another detector, '
        "from the topic 'detections', each with the image of exactly the same stamp",
        choices=('own', 'topic'))
    embeddings: bool = option(
        True,
        'Describe detections by appearance; false tracks by motion and overlap alone, which with '
        'detector topic needs neither model nor images')
    pairing_queue: int = option(
        10,
        "With detector topic: images and detections that wait for each other; the detector's "
        'delay in frames must fit', 1, 1000)
    cameras: tuple[str, ...] = option(
        ('',),
        "Names of the cameras: [front, rear] subscribes to 'front/image' and publishes "
        "'front/tracks', and so on; [''] is one camera with the plain topics")
    autostart: bool = option(
        True,
        'Configure and activate the node by itself; false leaves it to a lifecycle manager')
    image_transport: str = option(
        'raw',
        "raw subscribes to the image topic itself, compressed to '<image topic>/compressed'",
        choices=('raw', 'compressed'))
    reliability: str = option(
        'auto',
        'Reliability asked of the publishers of images, detections and depth; auto asks what they '
        'offer',
        choices=('auto', 'best_effort', 'reliable'))
    class_id: str = option(
        'name',
        'What results[0].hypothesis.class_id holds: the name or the index',
        choices=('name', 'index'), runtime=True)
    keep_tracks: bool = option(
        False,
        'Keep the tracks when the node is deactivated and activated again', runtime=True)
    keep_model: bool = option(
        True,
        'Keep the model loaded when the node is deactivated; false frees its memory, and loads it '
        'again when the node is activated', runtime=True)
    marker_scale: float = option(
        0.0,
        'Metres per pixel of ~/markers in the frame of the image; 0 makes the image 7.68 m wide '
        'whatever its size, as config/finetrack.rviz shows it',
        0.0, 1000.0, runtime=True)


@dataclass(frozen=True)
class PositionsConfig:
    """Where tracks are in space."""

    depth: bool = option(
        False,
        "Publish where the tracks are in space, from the topics 'depth' (aligned to the image) "
        "and 'camera_info'")
    depth_tolerance: float = option(
        0.02,
        'Most seconds between the stamps of an image and of its depth image', 0.0, 10.0,
        runtime=True)
    target_frame: str = option(
        '',
        "Frame of ~/tracks_3d, such as base_link or map, by TF; empty leaves them in the image's "
        'frame')
    image_rectified: bool = option(
        False,
        'The images are rectified: rays follow from P of camera_info instead of K and D',
        runtime=True)


@dataclass(frozen=True)
class DiagnosticsConfig:
    """From where on something is told."""

    max_age: float = option(
        0.5,
        'Diagnostics warn where half of the frames are older (seconds, stamp to publication)',
        0.0, 3600.0, runtime=True)
    max_drop_ratio: float = option(
        0.5,
        'Diagnostics warn where a larger share of the images was replaced by newer ones',
        0.0, 1.0, runtime=True)
    image_timeout: float = option(
        3.0,
        'Diagnostics warn where no image came for so many seconds',
        0.1, 3600.0, runtime=True)
    min_rate: float = option(
        0.0,
        'Diagnostics warn where fewer frames per second are tracked; 0: never',
        0.0, 1000.0, runtime=True)
    error_factor: float = option(
        10.0,
        'Diagnostics turn from a warning into an error where max_age or image_timeout is '
        'exceeded so many times', 1.0, 1e6, runtime=True)


@dataclass(frozen=True)
class NodeConfig:
    """
    The parameters in force at one time; replaced as a whole, so that no reader sees a mixture.

    :ivar tracker: what the ``tracker.*`` parameters make.
    """

    model: ModelConfig = ModelConfig()
    node: NodeSection = NodeSection()
    positions: PositionsConfig = PositionsConfig()
    diagnostics: DiagnosticsConfig = DiagnosticsConfig()
    tracker: TrackerConfig = TrackerConfig()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> NodeConfig:
        """
        Return the configuration that parameters make; those left out have their defaults.

        :param values: by the parameters' full names.
        :raises ConfigError: where a value of the tracker is out of range.
        """
        sections = {
            attribute: section(**{
                field.name: _frozen(values[field.name]) for field in dataclasses.fields(section)
                if field.name in values})
            for attribute, section in SECTIONS.values()}
        return cls(**sections, tracker=tracker_config(values))

    @functools.cached_property
    def detection(self) -> DetectionOptions:
        """Return what is asked of the detector."""
        model = self.model
        return DetectionOptions(model.score_threshold, model.nms_threshold, model.max_detections,
                                model.classes, self.node.embeddings)

    @property
    def foreign_detections(self) -> bool:
        """Return whether another detector's detections are tracked."""
        return self.node.detector == 'topic'

    @property
    def needs_images(self) -> bool:
        """Return whether images and a model are needed at all."""
        return not self.foreign_detections or self.node.embeddings

    @property
    def foreign_classes(self) -> frozenset[str]:
        """Return the class ids that are tracked of another detector's; none where all are."""
        names = frozenset(self.model.classes) - {''}
        return frozenset() if ALL in names else names

    @property
    def cameras(self) -> list[str]:
        """Return the names of the cameras, '' for one with the plain topics."""
        return list(self.node.cameras) or ['']


#: The sections by the headings under which they are documented: attribute and class.
SECTIONS: dict[str, tuple[str, Any]] = {
    'Model': ('model', ModelConfig), 'Node': ('node', NodeSection),
    'Positions in space': ('positions', PositionsConfig),
    'Diagnostics': ('diagnostics', DiagnosticsConfig)}

#: The choice of a preset, which is no setting of its own but gives those of the tracker.
PRESET_FIELD = option(
    'default',
    'Set of values for the parameters below. Those that you give yourself, at the start '
    'or later, win over the preset; the others follow it, also when it changes',
    choices=tuple(preset_names()), runtime=True)


def tracker_config(values: Mapping[str, Any]) -> TrackerConfig:
    """Return the tracker's configuration that the ``tracker.*`` parameters make."""
    return TrackerConfig.from_mapping({
        name[len(TRACKER_PREFIX):]: value for name, value in values.items()
        if name.startswith(TRACKER_PREFIX) and name != PRESET})


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
