# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The exported graphs compute what torch computes, at every size and count."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
onnx = pytest.importorskip('onnx', reason='needs the extra "train"')

from finetrack_ros.errors import ConfigError  # noqa: E402
from finetrack_ros.geometry import InputRule  # noqa: E402
from finetrack_ros.inference.loading import load_model  # noqa: E402
from finetrack_ros.inference.onnxruntime_engine import OnnxRuntimeEngine  # noqa: E402
from finetrack_ros.models import FineTrack, FineTrackConfig  # noqa: E402
from finetrack_ros.models.export import export_onnx  # noqa: E402

SIZES = [(1, 128, 160), (2, 64, 64), (1, 416, 416)]


def _images(batch: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (batch, height, width, 3), np.uint8)


@pytest.mark.parametrize('size', SIZES)
def test_detector_equals_torch(model: FineTrack, exported: tuple[str, Path],
                               size: tuple[int, int, int]) -> None:
    """Boxes agree within a hundredth of a pixel, scores and features within 1e-4."""
    images = _images(*size)
    output = OnnxRuntimeEngine(exported[1]).detect(images)
    with torch.no_grad():
        boxes, scores, features = model(torch.from_numpy(images).permute(0, 3, 1, 2).float())
    np.testing.assert_allclose(output.scores, scores.amax(2).numpy(), atol=1e-4)
    np.testing.assert_allclose(output.features.numpy(), features.numpy(), atol=1e-4)
    np.testing.assert_allclose(output.boxes, boxes.numpy(), atol=1e-2, rtol=1e-4)


@pytest.mark.parametrize('count', [0, 1, 5, 40, 200])
def test_embedder_equals_torch(model: FineTrack, exported: tuple[str, Path], count: int) -> None:
    """Embeddings agree within 1e-4 for any number of targets in two images."""
    rng = np.random.default_rng(count)
    engine = OnnxRuntimeEngine(exported[1])
    features = engine.detect(_images(2, 128, 160)).features
    corners = np.sort(rng.uniform(0, 120, (count, 2, 2)), axis=1).reshape(count, 4)
    rois = np.hstack([rng.integers(0, 2, (count, 1)), corners]).astype(np.float32)
    crops = rng.integers(0, 256, (count, 96, 32, 3), np.uint8)
    embeddings = engine.embed(features, rois, crops)
    with torch.no_grad():
        expected = model.embedder(torch.from_numpy(features.numpy()), torch.from_numpy(rois),
                                  torch.from_numpy(crops))
    assert embeddings.shape == (count, model.config.embedding_dim)
    np.testing.assert_allclose(embeddings, expected.numpy(), atol=1e-4)


def test_graphs_keep_to_opset_18(exported: tuple[str, Path]) -> None:
    """Opset 18, and every GridSample says bilinear as TensorRT reads it."""
    form, folder = exported
    grid_samples = []
    for name in ('detector.onnx', 'embedder.onnx'):
        graph = onnx.load(str(folder / name))
        assert [o.version for o in graph.opset_import if o.domain == ''] == [18]
        assert not any(node.op_type == 'Einsum' for node in graph.graph.node)
        grid_samples += [node for node in graph.graph.node if node.op_type == 'GridSample']
    modes = {onnx.helper.get_node_attr_value(node, 'mode') for node in grid_samples}
    assert modes == (set() if form == 'gather' else {b'bilinear'})


def test_graphs_hold_no_paths(exported: tuple[str, Path]) -> None:
    """The files say nothing of the machine that wrote them."""
    for name in ('detector.onnx', 'embedder.onnx'):
        assert str(Path(__file__).parents[2]).encode() not in (exported[1] / name).read_bytes()


def test_exported_folder_loads_as_a_model(model: FineTrack, exported: tuple[str, Path]) -> None:
    """The folder is a model: its name, classes and widths come from the files."""
    runner = load_model(exported[1], device='cpu')
    assert runner.model_name == 'untrained'
    assert runner.class_names == ['person']
    assert runner.embedding_dim == model.config.embedding_dim
    assert runner.info.crop_size == (96, 32)
    assert runner.info.embedding_classes == ('person',)
    assert runner.info.input_rule == InputRule()


def test_earlier_files_say_less(exported: tuple[str, Path], tmp_path: Path) -> None:
    """Files without the newer entries describe all of their classes, at the default rule."""
    for name in ('detector.onnx', 'embedder.onnx'):
        graph = onnx.load(str(exported[1] / name))
        entry = next(e for e in graph.metadata_props if e.key == 'finetrack')
        said = json.loads(entry.value)
        del said['embedding_classes'], said['upscale']
        entry.value = json.dumps({**said, 'class_names': ['cyclist'], 'input_size': 416})
        onnx.save(graph, str(tmp_path / name))
    info = load_model(tmp_path, device='cpu').info
    assert info.embedding_classes == ('cyclist',)
    assert info.input_rule == InputRule(most=416)


def test_half_precision_is_near_torch(model: FineTrack, half: Path) -> None:
    """Half-precision graphs pass half features on and give almost the same, in float32."""
    images, engine = _images(2, 128, 160), OnnxRuntimeEngine(half)
    output = engine.detect(images)
    features = output.features
    assert features.numpy().dtype == np.float16
    assert output.boxes.dtype == output.scores.dtype == np.float32
    rois = np.array([[0, 8, 8, 40, 100], [1, 20, 8, 60, 120]], np.float32)
    crops = _images(2, 96, 32)
    embeddings = engine.embed(features, rois, crops)
    with torch.no_grad():
        boxes, scores, expected = model(torch.from_numpy(images).permute(0, 3, 1, 2).float())
        vectors = model.embedder(expected, torch.from_numpy(rois), torch.from_numpy(crops))
    np.testing.assert_allclose(output.scores, scores.amax(2).numpy(), atol=1e-2)
    sizes = (boxes[..., 2:] - boxes[..., :2]).max(dim=2, keepdim=True).values
    assert np.quantile(np.abs(output.boxes - boxes.numpy()) / sizes.numpy(), 0.99) < 0.02
    np.testing.assert_allclose(np.sum(embeddings * vectors.numpy(), axis=1), 1, atol=1e-2)
    assert json.loads(str(engine.metadata[0]))['precision'] == 'fp16'


@pytest.mark.parametrize('shape', [(1, 64, 64), (2, 96, 160)])
def test_merged_stem_equals_focus(model: FineTrack, shape: tuple[int, int, int]) -> None:
    """One convolution of stride 2 gives what slicing and convolving gives, at the border too."""
    stem = model.detector.backbone.backbone.stem
    x = torch.from_numpy(_images(*shape)).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        torch.testing.assert_close(stem.merged().eval()(x), stem(x), atol=1e-3, rtol=1e-5)


def test_graphs_hold_nothing_that_tensorrt_refuses(exported: tuple[str, Path]) -> None:
    """No uint8 is transposed, and no GatherND is there, which is slow."""
    for name in ('detector.onnx', 'embedder.onnx'):
        graph = onnx.load(str(exported[1] / name)).graph
        pictures = {one.name for one in graph.input
                    if one.type.tensor_type.elem_type == onnx.TensorProto.UINT8}
        readers = {node.op_type for node in graph.node if pictures & set(node.input)}
        # Counting targets reads a shape.
        assert readers <= {'Cast', 'Shape'}
        assert 'GatherND' not in {node.op_type for node in graph.node}


def test_unknown_precision_is_refused(model: FineTrack, tmp_path: Path) -> None:
    """A precision that no engine has is refused."""
    with pytest.raises(ConfigError, match="precision 'fp8': unknown; use one of fp32"):
        export_onnx(model, tmp_path, precision='fp8')


def test_embedding_classes_must_be_classes(tmp_path: Path) -> None:
    """A model whose embedder is for what it never detects is refused."""
    model = FineTrack(FineTrackConfig(class_names=('car',)))
    with pytest.raises(ConfigError, match="'person', which is not among"):
        export_onnx(model, tmp_path)
