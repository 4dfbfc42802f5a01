# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What the parts of the way of a frame ask of each other.

Whatever has these methods takes part: nothing needs to inherit from a class of this package. What
an inference library has to offer is :class:`finetrack_ros.inference.engine.Engine`.
"""

from __future__ import annotations

from collections.abc import Sequence
import dataclasses
from dataclasses import dataclass
from typing import Any, overload, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.errors import ConfigError
from finetrack_ros.tracking import TrackerConfig, Tracks

Image = NDArray[np.uint8]
"""BGR uint8 [H, W, 3]."""
Boxes = NDArray[np.float32]
"""xyxy float32 [N, 4] in pixels of the source image."""
Affine = NDArray[np.float64]
"""Float64 [2, 3], takes pixels of the image before to pixels of this one."""


@dataclass(frozen=True)
class DetectionOptions:
    """
    What is asked of a detector with a call.

    :ivar score_threshold: detections below this confidence are dropped, 0..1.
    :ivar nms_threshold: of two boxes of one class, the weaker goes above this IoU, 0..1.
    :ivar max_detections: the best so many of an image are kept.
    :ivar classes: names of the classes to find; none is ``person`` where the model knows it, else
        all; ``all`` is all.
    :ivar embeddings: whether detections get embeddings.
    :raises ConfigError: where a value is out of range.
    """

    score_threshold: float = 0.1
    nms_threshold: float = 0.7
    max_detections: int = 300
    classes: Sequence[str] = ()
    embeddings: bool = True

    def __post_init__(self) -> None:
        """Check the ranges; keep the classes as a tuple, which nobody can change."""
        for name in ('score_threshold', 'nms_threshold'):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ConfigError(f'{name} {value}: must be in 0..1')
        if self.max_detections < 1:
            raise ConfigError(f'max_detections {self.max_detections}: must be at least 1')
        object.__setattr__(self, 'classes', tuple(self.classes))


@dataclass(frozen=True)
class StageTimes:
    """Seconds that each stage of a frame, or of a batch of frames, took; None where it was not."""

    preprocess: float | None = None
    detect: float | None = None
    embed: float | None = None
    motion: float | None = None
    track: float | None = None

    def items(self) -> list[tuple[str, float]]:
        """Return names and seconds of the stages that ran, in their order."""
        return [(name, seconds) for name, seconds in vars(self).items() if seconds is not None]

    def joined(self, **stages: float) -> StageTimes:
        """Return these times and those of further stages."""
        return dataclasses.replace(self, **stages)


@dataclass(frozen=True)
class Perceived(Sequence[Detections]):
    """
    The detections of a batch of images, with what they took: a sequence, one entry an image.

    :ivar detections: of each image.
    :ivar times: of the whole batch.
    """

    detections: Sequence[Detections]
    times: StageTimes = StageTimes()

    @overload
    def __getitem__(self, index: int) -> Detections: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Detections]: ...

    def __getitem__(self, index: int | slice) -> Detections | Sequence[Detections]:
        """Return the detections of one image, or of some."""
        return self.detections[index]

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.detections)


class Detector(Protocol):
    """Finds objects in images; see :class:`finetrack_ros.inference.FineTrackRunner`."""

    @property
    def class_names(self) -> Sequence[str]:
        """Return the name of each class index of the detections."""
        ...

    def infer(self, images: Sequence[Image], options: DetectionOptions | None = None
              ) -> Sequence[Detections]:
        """
        Return the detections of each image, in its pixels.

        Embeddings may be among them where the options ask for some. What measures its own stages
        returns them as :class:`Perceived`.

        :param images: BGR uint8 [H, W, 3] of any sizes.
        :param options: None takes what the detector was made with.
        """
        ...


@runtime_checkable
class Embedder(Protocol):
    """Describes what boxes show; all rows have one width."""

    def embed(self, images: Sequence[Image], boxes: Sequence[Boxes],
              labels: Sequence[Sequence[str]] | None = None) -> Sequence[NDArray[np.float32]]:
        """
        Return float32 [N, D] for each image, rows of unit length, zero where there is none.

        :param boxes: for each image float32 [N, 4], xyxy in its pixels.
        :param labels: for each image the class names [N] of its boxes, where they are known.
        """
        ...


class Model(Detector, Embedder, Protocol):
    """
    A detector and embedder in one, as nodes and commands load it, with what they tell of it.

    :ivar input_size: of the network, as :class:`finetrack_ros.inference.FineTrackRunner` has it.
    """

    input_size: Any

    @property
    def model_name(self) -> str:
        """Return the model's name."""
        ...

    @property
    def embedding_dim(self) -> int:
        """Return the width of an embedding."""
        ...

    @property
    def engine_name(self) -> str:
        """Return the inference library's name."""
        ...

    @property
    def device_name(self) -> str:
        """Return the device that it runs on."""
        ...

    @property
    def engine_reason(self) -> str:
        """Return in words why this engine was chosen."""
        ...


class Tracker(Protocol):
    """
    Joins the detections of one stream into tracks; see :class:`finetrack_ros.tracking.Tracker`.

    :ivar config: parameters; replaced between updates.
    """

    config: TrackerConfig

    @property
    def jumps(self) -> int:
        """Return the frames so far whose stamp jumped back, as in a new recording."""
        ...

    def update(self, detections: Detections, stamp: float | None = None,
               camera_motion: Affine | None = None) -> Tracks:
        """Advance by one frame and return the confirmed tracks seen in it."""
        ...

    def reset(self) -> None:
        """Drop all tracks; ids go on."""
        ...
