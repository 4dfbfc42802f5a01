# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sequences to tune on: ground truth, and observations from images or texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.ground_truth import Sequence
from finetrack_ros.evaluation.mot import find_sequences
from finetrack_ros.evaluation.observation_cache import digest, folder_state, ObservationCache
from finetrack_ros.evaluation.observations import Observations, observe, observe_text
from finetrack_ros.evaluation.tuning import Subject
from finetrack_ros.inference.loading import GRAPHS, model_folder
from finetrack_ros.io import FrameSource, MotDetections, open_source, read_detections, read_seqinfo
from finetrack_ros.protocols import Detector


@dataclass(frozen=True)
class Observer:
    """
    How sequences are observed.

    :ivar cache: where what a model found is kept.
    :ivar model: name or folder of the model.
    :ivar input_size: the model's input as the user gave it; None takes the model's own.
    :ivar load: loads that model; called only where the cache does not suffice.
    :ivar detections: text of detections below each sequence's folder; None runs our detector.
    :ivar score_range: see :func:`~finetrack_ros.io.read_detections`.
    :ivar embeddings: whether boxes get embeddings; without images they get none.
    :ivar watch: called with each source and its number of frames before it is observed; what it
        returns is called after each frame.
    """

    cache: ObservationCache
    model: str
    input_size: str | None
    load: Callable[[], Detector]
    detections: str | None
    score_range: tuple[float, float] | None
    embeddings: bool
    watch: Callable[[FrameSource], Callable[[], None]]

    def read(self, path: Path) -> list[Subject]:
        """
        Return the sequence in a folder, or the sequences in its folders.

        :raises FinetrackError: where ground truth, images, detections or model are missing or
            malformed.
        """
        return [self._observe(sequence) for sequence in find_sequences(path)]

    def _observe(self, sequence: Sequence) -> Subject:
        info = read_seqinfo(sequence.folder)
        text = found = None
        if self.detections is not None:
            text = sequence.folder / self.detections
            found = read_detections(text, self.score_range)
            if found.last_frame > sequence.length:
                raise SourceError(
                    f"Detections '{text}' go up to frame {found.last_frame}, but the sequence has "
                    f'{sequence.length}. Give the detections of this very sequence.')
        if info.images.is_dir():
            return Subject(sequence, self._from_images(sequence, info.images, found, text))
        if found is None:
            raise SourceError(f"Sequence '{sequence.folder}' has no images in '{info.images}'. "
                              'Give the detections to tune on, such as --detections det/det.txt')
        return Subject(sequence, observe_text(found, sequence.length, info.frame_rate))

    def _from_images(self, sequence: Sequence, images: Path, found: MotDetections | None,
                     text: Path | None) -> Observations:
        """Return the observations of a sequence with images, from the cache where it can."""
        needs_model = found is None or self.embeddings

        def make() -> Observations:
            runner = self.load() if needs_model else None
            with open_source(str(sequence.folder)) as frames:
                return observe(frames, runner, found, self.watch(frames))

        model: tuple[object, ...] = ()
        if needs_model:
            folder = model_folder(self.model)
            model = (*(folder / name for name in GRAPHS), self.input_size)
        identity = digest(sequence.folder.resolve().as_posix(), self.detections, *model)
        state = digest(sequence.folder / 'seqinfo.ini', folder_state(images), text,
                       self.score_range)
        return self.cache.get(sequence.name, identity, state, make)
