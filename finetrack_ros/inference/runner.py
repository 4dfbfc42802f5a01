# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images in, detections with embeddings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
import functools
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.geometry import clip_boxes, InputRule, nms, valid_boxes
from finetrack_ros.inference.classes import choose_classes
from finetrack_ros.inference.engine import DetectorOutput, Engine
from finetrack_ros.inference.preprocessing import (
    check_image,
    check_input_size,
    crop_targets,
    InputSize,
    letterbox,
)
from finetrack_ros.protocols import Boxes, DetectionOptions, Image, Perceived, StageTimes


@dataclass(frozen=True)
class ModelInfo:
    """
    What a model's files say of it.

    :ivar name: the model's name.
    :ivar class_names: name of each class index.
    :ivar embedding_dim: width of an embedding.
    :ivar crop_size: rows and columns of the pixels that the embedder takes per target.
    :ivar embedding_classes: names of the classes that the embedder was trained for.
    :ivar input_rule: how large the network's input is where the user asks for no size.
    """

    name: str
    class_names: tuple[str, ...]
    embedding_dim: int
    crop_size: tuple[int, int]
    embedding_classes: tuple[str, ...]
    input_rule: InputRule = InputRule()


class FineTrackRunner:
    """
    Run a FineTrack model on batches of images.

    It keeps nothing between calls, so that any cameras may share it.

    :param engine: what runs the graphs.
    :param info: what the model's files say of it.
    :param engine_reason: why this engine was chosen, in words.
    :param input_size: the network's input in pixels: the long side (the short one follows each
        image's shape), or height and width; multiples of 32. 0 lets it follow each image's size
        by the model's rule.
    :param settings: fields of :class:`~finetrack_ros.protocols.DetectionOptions`, which hold for
        calls that bring no options.
    :ivar input_size: what is in force.
    :ivar options: the options that the settings make.
    :raises ConfigError: where a setting is out of range, or a class unknown.
    """

    def __init__(self, engine: Engine, info: ModelInfo, engine_reason: str = '',
                 input_size: int | tuple[int, int] = 0, **settings: Any) -> None:
        self.engine = engine
        self.info = info
        self.engine_reason = engine_reason
        self.input_size: InputSize = (
            check_input_size(input_size) if input_size else info.input_rule)
        self.options = DetectionOptions(**settings)
        self.classes = choose_classes(self.options.classes, info.class_names)
        self._embeds = np.isin(info.class_names, info.embedding_classes)

    @property
    def model_name(self) -> str:
        """Return the model's name."""
        return self.info.name

    @property
    def class_names(self) -> list[str]:
        """Return the name of each class index."""
        return list(self.info.class_names)

    @property
    def embedding_dim(self) -> int:
        """Return the width of an embedding."""
        return self.info.embedding_dim

    @property
    def engine_name(self) -> str:
        """Return the inference library's name."""
        return self.engine.name

    @property
    def device_name(self) -> str:
        """Return the device that the model runs on."""
        return self.engine.device

    def warm_up(self, height: int = 720, width: int = 1280) -> None:
        """Run once on an empty image of a camera's size, so that the first frame is not slow."""
        image = np.zeros((height, width, 3), np.uint8)
        self.embed([image], [np.array([[0, 0, width / 4, height / 2]], np.float32)])

    def infer(self, images: Sequence[Image], options: DetectionOptions | None = None
              ) -> Perceived:
        """
        Detect, and embed what was detected.

        :param images: BGR uint8 [H, W, 3] of any sizes, run as one batch.
        :param options: of this call; None takes those of the constructor. Embeddings are of the
            classes that the embedder was trained for; the rows of others are zero.
        :return: detections of each image, best score first, in pixels of that image.
        :raises InputError: where an image is not as said.
        :raises ConfigError: where the options name a class that the model does not know.
        """
        options = self.options if options is None else options
        images = [check_image(image) for image in images]
        finds = _found_classes(tuple(options.classes), self.info.class_names)
        start = time.perf_counter()
        batch, ratios = letterbox(images, self.input_size)
        preprocessed = time.perf_counter()
        output = self.engine.detect(batch)
        found = [self._select(output, i, ratios[i], image, options, finds)
                 for i, image in enumerate(images)]
        detected = time.perf_counter()
        if options.embeddings:
            known = [self._embeds[d.classes] for d in found]
            vectors = self._embed(
                output.features, images,
                [d.boxes[rows] for d, rows in zip(found, known, strict=True)], ratios)
            found = [replace(d, embeddings=_spread(v, rows))
                     for d, v, rows in zip(found, vectors, known, strict=True)]
        return Perceived(found, StageTimes(
            preprocess=preprocessed - start, detect=detected - preprocessed,
            embed=time.perf_counter() - detected))

    def embed(self, images: Sequence[Image], boxes: Sequence[Boxes],
              labels: Sequence[Sequence[str]] | None = None) -> list[NDArray[np.float32]]:
        """
        Embed boxes that came from elsewhere.

        :param images: BGR uint8 [H, W, 3] of any sizes.
        :param boxes: for each image float32 [N, 4], xyxy in its pixels; NaN counts as 0.
        :param labels: for each image the class names [N] of its boxes; those of classes that the
            model knows and whose looks it has not learnt get no embedding. None embeds all.
        :return: for each image float32 [N, D], rows of unit length, zero where there is none.
        """
        images = [check_image(image) for image in images]
        batch, ratios = letterbox(images, self.input_size)
        output = self.engine.detect(batch)
        if labels is None:
            return self._embed(output.features, images, boxes, ratios)
        unlearnt = set(self.info.class_names) - set(self.info.embedding_classes)
        known = [np.array([label not in unlearnt for label in row], bool) for row in labels]
        vectors = self._embed(
            output.features, images,
            [b[rows] for b, rows in zip(boxes, known, strict=True)], ratios)
        return [_spread(v, rows) for v, rows in zip(vectors, known, strict=True)]

    @staticmethod
    def _select(output: DetectorOutput, index: int, ratio: np.float32, image: Image,
                options: DetectionOptions, finds: NDArray[np.bool_]) -> Detections:
        """Return what is found in one image, of the classes [C] that ``finds`` says."""
        scores = output.scores[index]
        candidates = np.flatnonzero(scores >= options.score_threshold)
        candidates = candidates[finds[output.classes[index, candidates]]]
        boxes = output.boxes[index, candidates] / ratio
        boxes = clip_boxes(boxes, image.shape[0], image.shape[1])
        usable = valid_boxes(boxes)
        candidates, boxes = candidates[usable], boxes[usable]
        scores, classes = scores[candidates], output.classes[index, candidates]
        # Classes are moved apart, so that one pass never lets a box suppress another class.
        apart = classes[:, None] * np.float32(2 * max(image.shape[:2]))
        kept = nms(boxes + apart, scores, options.nms_threshold)[:options.max_detections]
        return Detections(boxes[kept], scores[kept], classes[kept])

    def _embed(self, features: Any, images: Sequence[Image], boxes: Sequence[Boxes],
               ratios: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        counts = [len(b) for b in boxes]
        rois = np.empty((sum(counts), 5), np.float32)
        rois[:, 0] = np.repeat(np.arange(len(boxes)), counts)
        # One NaN of another detector must not fail the other boxes; the tracker rejects it.
        finite = [np.nan_to_num(np.asarray(b, np.float32).reshape(-1, 4)) for b in boxes]
        inside = [clip_boxes(b, *image.shape[:2])
                  for b, image in zip(finite, images, strict=True)]
        rois[:, 1:] = np.concatenate([b * r for b, r in zip(inside, ratios, strict=True)])
        crops = np.concatenate([crop_targets(image, b, self.info.crop_size)
                                for image, b in zip(images, inside, strict=True)])
        # ONNX Runtime before 1.24 refuses an empty batch.
        vectors = (self.engine.embed(features, rois, crops) if len(rois)
                   else np.empty((0, self.embedding_dim), np.float32))
        return np.split(vectors, np.cumsum(counts)[:-1])


# A node asks for the same classes with every frame.
@functools.lru_cache(maxsize=16)
def _found_classes(wanted: tuple[str, ...], class_names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which of the model's classes [C] a choice means."""
    return np.isin(class_names, choose_classes(wanted, class_names))


def _spread(vectors: NDArray[np.float32], rows: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return float32 [N, D] with the vectors at ``rows`` [N], and zeros elsewhere."""
    if rows.all():
        return vectors
    spread = np.zeros((len(rows), vectors.shape[1]), np.float32)
    spread[rows] = vectors
    return spread
