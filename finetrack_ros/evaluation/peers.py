# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Public networks that models are compared with: YOLOX, OSNet, OpenVINO's re-identification."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.detections import Detections
from finetrack_ros.errors import ConfigError, ModelError, SourceError
from finetrack_ros.evaluation.reid_sets import CropEmbedder, Image
from finetrack_ros.geometry import clip_boxes, cxcywh_to_xyxy, nms, valid_boxes
from finetrack_ros.inference.preprocessing import InputSize, letterbox

if TYPE_CHECKING:
    import onnxruntime

OSNET = Path('weights/osnet_x0_25_msmt17.onnx')
OPENVINO = Path('weights/openvino')
CROP_SIZE = (256, 128)

_STRIDES = (8, 16, 32)


class YoloxDetector:
    """
    People found by a YOLOX that was exported without decoding (Ge et al., arXiv 2107.08430).

    Scores are objectness times the probability of the first class, COCO's person. Overlaps are
    suppressed as in ``FineTrackRunner``.

    :param path: ONNX file with output [1, A, 5 + classes]: boxes relative to their cells, then
        objectness and classes in 0..1.
    :param input_size: as the runner's, None for the one that the graph was exported with. Other
        sizes need the library onnx: only the graph's declared shapes stand in their way.
    :param score_threshold: detections below this confidence are dropped.
    :raises SourceError: where the file is missing.
    :raises ModelError: where it is damaged or gives something else.
    :raises ConfigError: where onnx is needed, but not installed.
    """

    _NMS_THRESHOLD = 0.7
    _MAX_DETECTIONS = 300

    def __init__(self, path: Path, input_size: InputSize | None = None,
                 score_threshold: float = 0.01) -> None:
        self._path = path
        self._session = _session(path, 'YOLOX')
        self._threshold = score_threshold
        outputs = self._session.get_outputs()
        if len(outputs) != 1 or len(outputs[0].shape) != 3:
            raise ModelError(f"'{path}' does not give one array [1, A, 5 + classes]. Export YOLOX "
                             'as Megvii does, without decoding in the graph.')
        height, width = self._session.get_inputs()[0].shape[2:]
        if input_size is None and not (isinstance(height, int) and isinstance(width, int)):
            raise ModelError(f"'{path}' has no input size of its own. Export it with a fixed one, "
                             'as Megvii does.')
        self._size: InputSize = (height, width) if input_size is None else input_size
        if input_size is not None:
            self._session = _start(_freed(path))

    @property
    def size_in_words(self) -> str:
        """Return the input size, height x width where it is fixed."""
        return 'x'.join(map(str, self._size)) if isinstance(self._size, tuple) else str(self._size)

    def __call__(self, image: Image) -> Detections:
        """Return the people in a BGR image, uint8 [H, W, 3], best score first."""
        batch, ratios = letterbox([image], self._size)
        pixels = np.ascontiguousarray(batch.transpose(0, 3, 1, 2), np.float32)
        raw = self._session.run(None, {self._session.get_inputs()[0].name: pixels})[0][0]
        if raw[:, 4:].min() < 0 or raw[:, 4:].max() > 1:
            raise ModelError(f"'{self._path}' gives scores outside 0..1. Export YOLOX as Megvii "
                             'does: with sigmoid in the graph, without decoding.')
        scores = raw[:, 4] * raw[:, 5]
        candidates = np.flatnonzero(scores >= self._threshold)
        boxes = _decode(raw[:, :4], batch.shape[1:3])[candidates] / ratios[0]
        boxes = clip_boxes(boxes, image.shape[0], image.shape[1])
        usable = valid_boxes(boxes)
        boxes, scores = boxes[usable], scores[candidates[usable]]
        kept = nms(boxes, scores, self._NMS_THRESHOLD)[:self._MAX_DETECTIONS]
        return Detections(boxes[kept], scores[kept], np.zeros(len(kept), np.int32))


def _decode(raw: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Turn raw boxes [A, 4] into xyxy in pixels of the input, of this height and width."""
    corners, strides = [], []
    for stride in _STRIDES:
        rows, columns = np.mgrid[:size[0] // stride, :size[1] // stride]
        corners.append(np.stack((columns.ravel(), rows.ravel()), axis=1))
        strides.append(np.full((rows.size, 1), stride))
    stride_of = np.concatenate(strides).astype(np.float32)
    centres = (raw[:, :2] + np.concatenate(corners)) * stride_of
    return cxcywh_to_xyxy(np.concatenate(
        (centres, np.exp(raw[:, 2:]) * stride_of), axis=1).astype(np.float32))


def _freed(path: Path) -> bytes:
    """Return a sound graph so that it takes any height and width; its operators do already."""
    try:
        import onnx
    except ImportError as error:
        raise ConfigError("YOLOX at another size than its own needs 'onnx', which is not "
                          'installed. Install it with: pip install onnx') from error
    model = onnx.load(str(path))
    for value, axes in ((model.graph.input[0], (2, 3)), (model.graph.output[0], (1,))):
        for axis in axes:
            # A name instead of a number; setting it clears the number.
            value.type.tensor_type.shape.dim[axis].dim_param = f'{value.name}_{axis}'
    del model.graph.value_info[:]
    return model.SerializeToString()


def _session(path: Path, name: str, threads: int = 0) -> onnxruntime.InferenceSession:
    from finetrack_ros.inference.onnxruntime_engine import ERRORS

    if not path.is_file():
        raise SourceError(f"{name} weights '{path}' do not exist. Put their ONNX file there to "
                          'compare with it.')
    try:
        return _start(str(path), threads)
    except ERRORS as error:
        raise ModelError(f"{name} weights '{path}' cannot be read ({error}). Fetch the ONNX file "
                         'again.') from error


def _start(graph: str | bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # As in our own engine: spinning threads slow down whatever else runs.
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    return onnxruntime.InferenceSession(graph, options, providers=['CPUExecutionProvider'])


class OsnetEmbedder:
    """OSNet x0.25 (Zhou et al., ICCV 2019) through ONNX Runtime: a separate-ReID baseline."""

    _MEAN = np.array([0.485, 0.456, 0.406], np.float32)
    _DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
    _BATCH = 16

    def __init__(self, path: Path, threads: int = 0) -> None:
        """
        Load the ONNX file; 0 threads: one per core.

        :raises SourceError: where it is missing.
        :raises ModelError: where it is damaged.
        """
        self._session = _session(path, 'OSNet', threads)

    def __call__(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32 [N, 512] for BGR crops, uint8 [H, W, 3]."""
        name = self._session.get_inputs()[0].name
        batches = [crops[i:i + self._BATCH] for i in range(0, len(crops), self._BATCH)]
        return np.concatenate([
            self._session.run(None, {name: self._prepare(batch)})[0] for batch in batches])

    def _prepare(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        rgb = np.stack([_resized(crop)[:, :, ::-1] for crop in crops])
        scaled = (rgb.astype(np.float32) / 255 - self._MEAN) / self._DEVIATION
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


class OpenVinoEmbedder:
    """
    A re-identification network of Intel's Open Model Zoo, such as retail-0277, through OpenVINO.

    It takes BGR 0-255 of 256 x 128.

    :param path: the IR's .xml, beside its .bin.
    :raises SourceError: where the files are missing or damaged.
    :raises ConfigError: where OpenVINO is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            from finetrack_ros.inference.openvino_library import ov
        except ImportError as error:
            raise ConfigError('Teachers need OpenVINO, which is not installed. Install it with: '
                              'pip install openvino') from error
        try:
            # One crop at a time: heads of these networks do not take other batches.
            self._model: Any = ov.Core().compile_model(path, 'CPU')
        except RuntimeError as error:
            raise SourceError(f"Network '{path}' cannot be read ({error}). Fetch its .xml and "
                              '.bin again.') from error

    def __call__(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return float32 [N, D] for BGR crops, uint8 [H, W, 3]."""
        return np.concatenate([self._model(np.ascontiguousarray(
            _resized(crop).transpose(2, 0, 1)[None], np.float32))[0].reshape(1, -1)
            for crop in crops])


def _resized(crop: Image) -> Image:
    return cv2.resize(crop, (CROP_SIZE[1], CROP_SIZE[0]))


def open_model_zoo(data: Path) -> dict[str, CropEmbedder]:
    """
    Load the re-identification networks in DATA/weights/openvino, by their short names.

    :raises SourceError: where there is none.
    :raises ConfigError: where OpenVINO is not installed.
    """
    prefix = 'person-reidentification-'
    found = sorted((data / OPENVINO).glob(f'{prefix}*.xml'))
    if not found:
        raise SourceError(f"'{data / OPENVINO}' holds no {prefix}*.xml. Fetch the networks of "
                          'Open Model Zoo to that folder, or leave the teachers out.')
    return {path.stem.removeprefix(prefix): OpenVinoEmbedder(path) for path in found}
