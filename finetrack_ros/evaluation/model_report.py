# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a model is worth, beside public networks: detection, and telling people apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetrack_ros.datasets import Market1501
from finetrack_ros.errors import ConfigError, ModelError
from finetrack_ros.evaluation.detection import PrecisionRecall
from finetrack_ros.evaluation.detection_sets import (
    DETECTION_SETS,
    Detector,
    precision_on,
    read_detection_set,
)
from finetrack_ros.evaluation.peers import open_model_zoo, OSNET, OsnetEmbedder, YoloxDetector
from finetrack_ros.evaluation.reid import colour_histogram, Retrieval
from finetrack_ros.evaluation.reid_sets import (
    BoxEmbedder,
    cosines,
    CropEmbedder,
    find_across_cameras,
    find_again,
    MARKET,
    MARKET_TAR,
    on_boxes,
    on_canvases,
    read_crops,
    REID_SETS,
    scene_cosines,
)
from finetrack_ros.inference import FineTrackRunner

# Average precision needs the low end of the precision-recall curve, too.
AP_SCORE_THRESHOLD = 0.01

Progress = Callable[[str], None]


@dataclass(frozen=True)
class ModelReport:
    """
    What was measured.

    :ivar model: name of the model; ``engine`` and ``device`` are what ran it.
    :ivar detection: by set and detector, precision over recall at IoU 0.5 and at 0.75.
    :ivar reid: by set and embedding, how well people are found again.
    """

    model: str
    engine: str
    device: str
    detection: dict[str, dict[str, list[PrecisionRecall]]]
    reid: dict[str, dict[str, Retrieval]]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures in percent, without curves."""
        return {
            'model': self.model, 'engine': self.engine, 'device': self.device,
            'detection': {name: {
                detector: {'ap50': 100 * at_50.average_precision,
                           'ap75': 100 * at_75.average_precision}
                for detector, (at_50, at_75) in row.items()}
                for name, row in self.detection.items()},
            'reid': {name: {embedding: _percent(retrieval)
                            for embedding, retrieval in row.items()}
                     for name, row in self.reid.items()}}


def _percent(retrieval: Retrieval) -> dict[str, float]:
    scores = retrieval.scores
    return {'rank1': 100 * scores.rank1, 'rank5': 100 * scores.rank5,
            'rank10': 100 * scores.rank10, 'map': 100 * scores.mean_average_precision,
            'queries': scores.queries}


def report_on(runners: Mapping[str, FineTrackRunner], data: Path, yolox: Path | None = None,
              teachers: bool = False, only: str | None = None, sets: Sequence[str] = (),
              progress: Progress = lambda step: None) -> ModelReport:
    """
    Measure a model on data that shipped models are not trained on.

    :param runners: one model by its input sizes in words, loaded with a score threshold of
        ``AP_SCORE_THRESHOLD`` or less.
    :param data: folder with the sets and weights, each at the path that is given for it in
        ``DETECTION_SETS``, ``REID_SETS``, ``MARKET_TAR`` and ``OSNET``.
    :param yolox: ONNX file of a YOLOX to compare detection with, at its own input size and at
        the model's.
    :param teachers: whether to compare with the networks in ``weights/openvino``, too.
    :param only: ``detection`` or ``reid``; None measures both.
    :param sets: names of sets, or how these begin; none for all.
    :param progress: called with the name of each step as it begins.
    :raises SourceError: where a part of the data is missing.
    :raises ModelError: where the model knows no person.
    :raises ConfigError: where an option is wrong or a library is missing.
    """
    detection_sets, reid_sets = choose_sets(only, sets)
    first = next(iter(runners.values()))
    detection, reid = {}, {}
    if detection_sets:
        detectors = _detectors(runners, yolox)
        detection = {name: _detect(name, detectors, data, progress) for name in detection_sets}
    if reid_sets:
        embedders = _embedders(runners, data, teachers)
        reid = {name: _find_market(embedders, data, progress) if name == MARKET else
                _find(name, embedders, data, progress) for name in reid_sets}
    return ModelReport(first.model_name, first.engine_name, first.device_name, detection, reid)


def choose_sets(only: str | None, wanted: Sequence[str]) -> tuple[list[str], list[str]]:
    """
    Return the names of the sets for detection and for re-identification.

    :param only: ``detection`` or ``reid``; None chooses both.
    :param wanted: names of sets, or how these begin; none for all.
    :raises ConfigError: where ``only`` is something else, or no set begins so.
    """
    if only not in (None, 'detection', 'reid'):
        raise ConfigError(f"'{only}' cannot be measured alone. Choose detection or reid.")
    sets = {'detection': list(DETECTION_SETS), 'reid': [*REID_SETS, MARKET]}
    names = {name for part, found in sets.items() if only in (None, part) for name in found}
    for start in wanted:
        if not _beginning(names, [start]):
            raise ConfigError(f"No set is called '{start}'. Choose among "
                              f'{", ".join(sorted(names))}.')
    chosen = _beginning(names, wanted) if wanted else names
    return ([name for name in sets['detection'] if name in chosen and only != 'reid'],
            [name for name in sets['reid'] if name in chosen and only != 'detection'])


def _beginning(names: Iterable[str], starts: Iterable[str]) -> set[str]:
    return {name for name in names
            if any(name.lower().startswith(start.lower()) for start in starts)}


def person_detector(runner: FineTrackRunner) -> Detector:
    """
    Return what finds people alone.

    :raises ModelError: where the model knows no person.
    """
    if 'person' not in runner.class_names:
        raise ModelError(f"Model '{runner.model_name}' has no class 'person' (only "
                         f'{", ".join(runner.class_names)}). Measure a model that detects people.')
    person = runner.class_names.index('person')
    options = replace(runner.options, embeddings=False)

    def detect(image: Any) -> Any:
        found = runner.infer([image], options)[0]
        return found[found.classes == person]
    return detect


def _detectors(runners: Mapping[str, FineTrackRunner], yolox: Path | None) -> dict[str, Detector]:
    detectors = {f'{runner.model_name}, {size}': person_detector(runner)
                 for size, runner in runners.items()}
    if yolox is not None:
        own = YoloxDetector(yolox)
        detectors[f'{yolox.stem}, {own.size_in_words}'] = own
        detectors |= {f'{yolox.stem}, {size}': YoloxDetector(yolox, runner.input_size)
                      for size, runner in runners.items()}
    return detectors


def _detect(name: str, detectors: Mapping[str, Detector], data: Path, progress: Progress
            ) -> dict[str, list[PrecisionRecall]]:
    frames = read_detection_set(name, data)
    found = {}
    for label, detect in detectors.items():
        def show(count: str, step: str = f'{label} on {name}') -> None:
            progress(f'{step}: {count}')

        found[label] = precision_on(detect, frames, progress=show)
    return found


@dataclass(frozen=True)
class _Embedder:
    """
    One embedding, in the form for each kind of set.

    :ivar has_scene: whether it is compared from the scene's mean, too.
    """

    of_boxes: BoxEmbedder
    of_crops: CropEmbedder
    has_scene: bool = False


def box_embedder(runner: FineTrackRunner) -> BoxEmbedder:
    """Return what embeds boxes of one image."""
    return lambda image, boxes: runner.embed([image], [boxes])[0]


def _embedders(runners: Mapping[str, FineTrackRunner], data: Path, teachers: bool
               ) -> dict[str, _Embedder]:
    ours = {f'{runner.model_name}, {size}': box_embedder(runner)
            for size, runner in runners.items()}
    peers: dict[str, CropEmbedder] = {'OSNet x0.25': OsnetEmbedder(data / OSNET)}
    if teachers:
        peers |= open_model_zoo(data)
    peers['colour histogram'] = colour_histogram
    return {name: _Embedder(embed, on_canvases(embed), True) for name, embed in ours.items()} | {
        name: _Embedder(on_boxes(embed), embed) for name, embed in peers.items()}


def _find(name: str, embedders: Mapping[str, _Embedder], data: Path, progress: Progress
          ) -> dict[str, Retrieval]:
    where = REID_SETS[name]
    crops = read_crops(data / where.path, where.frames, where.step)
    found = {}
    for label, embedder in embedders.items():
        progress(f'{label} on {name}')
        vectors = crops.embed(embedder.of_boxes)
        found[label] = find_again(cosines(vectors), crops)
        if embedder.has_scene:
            found[f'{label}, from the scene'] = find_again(scene_cosines(vectors), crops)
    return found


def _find_market(embedders: Mapping[str, _Embedder], data: Path, progress: Progress
                 ) -> dict[str, Retrieval]:
    market = Market1501(data / MARKET_TAR)
    found = {}
    for label, embedder in embedders.items():
        progress(f'{label} on {MARKET}')
        found[label] = find_across_cameras(embedder.of_crops, market)
    return found
