# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Images in, detections with embeddings out, whoever detects and whoever embeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
import time

from finetrack_ros.detections import Detections
from finetrack_ros.inference.preprocessing import check_image
from finetrack_ros.protocols import (
    DetectionOptions,
    Detector,
    Embedder,
    Image,
    Perceived,
    StageTimes,
)


class Perception:
    """
    The part of the way of a frame that knows no frame before it: one serves any streams.

    :param detector: finds the objects; None where detections are given with every call.
    :param embedder: describes detections that have no embeddings; None takes the detector where
        it can, and else describes nothing.
    """

    def __init__(self, detector: Detector | None = None, embedder: Embedder | None = None) -> None:
        self._detector = detector
        if embedder is None and isinstance(detector, Embedder):
            embedder = detector
        self._embedder = embedder

    def detect(self, images: Sequence[Image], options: DetectionOptions | None = None,
               given: Sequence[Detections] | None = None,
               labels: Sequence[Sequence[str]] | None = None) -> list[Detections]:
        """
        Return the detections of a batch of images, with embeddings where they are wanted.

        :param images: BGR uint8 [H, W, 3] of any sizes.
        :param options: of this call; None takes what the detector was made with.
        :param given: of each image, another detector's detections; None runs ours. Those that
            bring embeddings are returned as they are.
        :param labels: of each image, the class names [N] of the given detections.
        :raises InputError: where an image is not as said.
        :raises ValueError: where there is neither a detector nor detections.
        """
        return list(self.perceive(images, options, given, labels))

    def perceive(self, images: Sequence[Image], options: DetectionOptions | None = None,
                 given: Sequence[Detections] | None = None,
                 labels: Sequence[Sequence[str]] | None = None) -> Perceived:
        """Return what :meth:`detect` does, with the seconds that each stage took."""
        if given is None and self._detector is None:
            raise ValueError('a pipeline without a model needs detections')
        images = [check_image(image) for image in images]
        perceived = Perceived(given) if given is not None else self._infer(images, options)
        bare = [i for i, found in enumerate(perceived) if found.embeddings is None]
        if not bare or self._embedder is None or not (options is None or options.embeddings):
            return perceived
        start = time.perf_counter()
        vectors = self._embedder.embed(
            [images[i] for i in bare], [perceived[i].boxes for i in bare],
            None if labels is None else [labels[i] for i in bare])
        described = list(perceived)
        for i, rows in zip(bare, vectors, strict=True):
            described[i] = replace(perceived[i], embeddings=rows)
        return Perceived(
            described, perceived.times.joined(embed=time.perf_counter() - start))

    def _infer(self, images: Sequence[Image], options: DetectionOptions | None) -> Perceived:
        assert self._detector is not None
        start = time.perf_counter()
        found = self._detector.infer(images, options)
        if isinstance(found, Perceived):
            return found
        return Perceived(found, StageTimes(detect=time.perf_counter() - start))
