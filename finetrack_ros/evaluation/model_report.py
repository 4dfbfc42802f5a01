# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What a model's card reports: AP50, and re-identification beside two baselines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.datasets.market1501 import Market1501
from finetrack_ros.errors import ModelError, SourceError
from finetrack_ros.evaluation.detection import average_precision, truth_boxes
from finetrack_ros.evaluation.ground_truth import read_sequence
from finetrack_ros.evaluation.reid import colour_histogram, rank_k_and_map
from finetrack_ros.inference import FineTrackRunner
from finetrack_ros.io import open_source

DETECTION_SETS: dict[str, str | None] = {
    'MOT16-09': 'second-half', 'TUD-Campus': None, 'KITTI-17': None}
MARKET_TAR = Path('reid/market1501_train.tar')
OSNET = Path('weights/osnet_x0_25_msmt17.onnx')
REID_IDENTITIES = 100
# Average precision needs the low end of the precision-recall curve, too.
AP_SCORE_THRESHOLD = 0.01

Image = NDArray[np.uint8]
Embedder = Callable[[Sequence[Image]], NDArray[np.float32]]

_CANVAS = 640
_MARGIN = 48
_GREY = 114


def report_on(runner: FineTrackRunner, data: Path,
              progress: Callable[[str], None] = lambda step: None) -> dict[str, Any]:
    """
    Measure a model on data that shipped models are not trained on.

    :param runner: loaded with a score threshold of ``AP_SCORE_THRESHOLD`` or less.
    :param data: folder with ``mot/<sequence>``, ``reid/market1501_train.tar`` and
        ``weights/osnet_x0_25_msmt17.onnx``.
    :param progress: called with the name of each step as it begins.
    :return: ``detection`` (AP50 in percent by sequence) and ``reid`` (``rank1``, ``rank5``,
        ``rank10``, ``map`` in percent by embedding), and what was measured.
    :raises SourceError: where a part of the data is missing.
    """
    detection = {}
    for name, frames in DETECTION_SETS.items():
        label = name if frames is None else f'{name} ({frames})'
        progress(label)
        detection[label] = 100 * detection_ap50(runner, data / 'mot' / name, frames)
    embedders: dict[str, Embedder] = {
        runner.model_name: lambda crops: embed_crops(runner, crops),
        'OSNet x0.25': OsnetEmbedder(data / OSNET),
        'colour histogram': colour_histogram}
    market = Market1501(data / MARKET_TAR)
    reid = {}
    for name, embedder in embedders.items():
        progress(f'embeddings of {name}')
        reid[name] = reid_scores(embedder, market)
    return {'model': runner.model_name, 'engine': runner.engine_name,
            'device': runner.device_name, 'input_size': str(runner.input_size),
            'detection': detection, 'reid': reid}


def detection_ap50(runner: FineTrackRunner, folder: Path, frames: str | None = None) -> float:
    """
    Return AP50 of pedestrians (visibility above 0.25) on a MOTChallenge sequence, 0..1.

    Detections of other classes than the model's ``person`` are left out.

    :param frames: part of the sequence, as ``frame_range`` reads it; None takes all.
    :raises SourceError: where images or ground truth are missing.
    :raises ModelError: where the model knows no person.
    """
    person_class = _person_class(runner)
    sequence = read_sequence(folder)
    first, last = frame_range(frames, sequence.length)
    detections, truths = [], []
    with open_source(str(folder)) as source:
        for frame in source:
            if first <= frame.index <= last:
                found = runner.infer([frame.image], embed=False)[0]
                detections.append(found[found.classes == person_class])
                truths.append(truth_boxes(sequence.truth, frame.index))
    return average_precision(detections, truths)


def _person_class(runner: FineTrackRunner) -> int:
    if 'person' not in runner.class_names:
        raise ModelError(f"Model '{runner.model_name}' has no class 'person' (only "
                         f'{", ".join(runner.class_names)}). Measure a model that detects people.')
    return runner.class_names.index('person')


def reid_scores(embedder: Embedder, market: Market1501,
                identities: int = REID_IDENTITIES) -> dict[str, float]:
    """
    Return retrieval scores in percent on the last identities of Market-1501.

    Every crop is a query once, and all others are its gallery; images of the query's identity
    from its own camera, itself included, are removed.
    """
    chosen = market.split(identities)[1]
    ids = np.array([market.samples[i].identity for i in chosen])
    cameras = np.array([market.samples[i].camera for i in chosen])
    vectors = embedder([market.image(i) for i in chosen])
    scores = rank_k_and_map(vectors, ids, cameras, vectors, ids, cameras)
    return {'rank1': 100 * scores.rank1, 'rank5': 100 * scores.rank5,
            'rank10': 100 * scores.rank10, 'map': 100 * scores.mean_average_precision,
            'queries': scores.queries}


def embed_crops(runner: FineTrackRunner, crops: Sequence[Image]) -> NDArray[np.float32]:
    """
    Embed crops of people as the model sees them in a frame: small, with others around.

    Crops of one size are set side by side on grey canvases of 640 x 640, at their own
    resolution, in an order shuffled with a fixed seed: side by side in the data set's order, an
    identity's neighbours would be itself, which the detector's receptive field would see.

    :param crops: BGR uint8 [H, W, 3], all of one size up to 592 pixels a side.
    :return: float32 [N, D], unit rows.
    """
    height, width = crops[0].shape[:2]
    lefts = np.arange(_MARGIN // 2, _CANVAS - width, width + _MARGIN)
    tops = np.arange(_MARGIN // 2, _CANVAS - height, height + _MARGIN)
    corners = [(left, top) for top in tops for left in lefts]
    order = np.random.default_rng(0).permutation(len(crops))
    vectors = np.empty((len(crops), runner.embedding_dim), np.float32)
    for start in range(0, len(order), len(corners)):
        chosen = order[start:start + len(corners)]
        canvas = np.full((_CANVAS, _CANVAS, 3), _GREY, np.uint8)
        boxes = np.array([(left, top, left + width, top + height)
                          for left, top in corners[:len(chosen)]], np.float32)
        for index, (left, top) in zip(chosen, corners, strict=False):
            canvas[top:top + height, left:left + width] = crops[index]
        vectors[chosen] = runner.embed([canvas], [boxes])[0]
    return vectors


class OsnetEmbedder:
    """OSNet x0.25 (Zhou et al., ICCV 2019) through ONNX Runtime: a separate-ReID baseline."""

    _MEAN = np.array([0.485, 0.456, 0.406], np.float32)
    _DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
    _BATCH = 16

    def __init__(self, path: Path, threads: int = 0) -> None:
        """Load the ONNX file; 0 threads: one per core. Raises SourceError where it is missing."""
        import onnxruntime

        if not path.is_file():
            raise SourceError(f"OSNet weights '{path}' do not exist. Put the ONNX file of OSNet "
                              'x0.25 (input 256x128) there to compare with it.')
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=['CPUExecutionProvider'])

    def __call__(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32 [N, 512] for BGR crops, uint8 [H, W, 3]."""
        name = self._session.get_inputs()[0].name
        batches = [crops[i:i + self._BATCH] for i in range(0, len(crops), self._BATCH)]
        return np.concatenate([
            self._session.run(None, {name: self._prepare(batch)})[0] for batch in batches])

    def _prepare(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        rgb = np.stack([cv2.resize(crop, (128, 256))[:, :, ::-1] for crop in crops])
        scaled = (rgb.astype(np.float32) / 255 - self._MEAN) / self._DEVIATION
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
