# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Somebody's own YOLOX becomes a model with exactly its detector; other files are refused."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
onnx = pytest.importorskip('onnx', reason='needs the extra "train"')

from finetrack_ros.errors import ConfigError, ModelError  # noqa: E402
from finetrack_ros.models import YOLOX  # noqa: E402
from finetrack_ros.models.coco import COCO_NAMES  # noqa: E402
from finetrack_ros.models.yolox_import import import_yolox  # noqa: E402

NAMES = ('car', 'person', 'dog')
IMAGES = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 255


def random_yolox(size: str = 'nano', classes: int = 3) -> YOLOX:
    """Return a YOLOX with batch norms that do something."""
    torch.manual_seed(5)
    yolox = YOLOX(size, classes).eval()
    for module in yolox.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    return yolox


class MegviiExport(torch.nn.Module):
    """What Megvii's export puts around the network: sigmoids, and not more."""

    def __init__(self, yolox: YOLOX) -> None:
        super().__init__()
        self.yolox = yolox

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return [B, A, 5 + classes] before decoding."""
        raw = self.yolox(images)[0]
        return torch.cat((raw[..., :4], raw[..., 4:].sigmoid()), dim=-1)


def export(yolox: YOLOX, path: Path) -> Path:
    """Write a graph as Megvii's code does, batch norms folded."""
    torch.onnx.export(MegviiExport(yolox).eval(), (IMAGES,), str(path), input_names=['images'],
                      output_names=['output'], opset_version=18, dynamo=True, verbose=False,
                      external_data=False)
    return path


def save(yolox: YOLOX, path: Path) -> Path:
    """Write a checkpoint as YOLOX' trainer does: its best score is a NumPy number."""
    torch.save({'start_epoch': 300, 'model': yolox.state_dict(), 'best_ap': np.float64(0.4)}, path)
    return path


def same_outputs(detector: YOLOX, source: YOLOX) -> bool:
    """Return whether two networks give the same within 1e-3."""
    with torch.no_grad():
        return torch.allclose(detector(IMAGES)[0], source(IMAGES)[0], atol=1e-3, rtol=0)


@pytest.mark.parametrize('size', ['nano', 'tiny', 's'])
def test_checkpoints_of_every_size_are_told(size: str, tmp_path: Path) -> None:
    """The size follows from the weights; classes keep their order, and outputs are the same."""
    source = random_yolox(size)
    model = import_yolox(save(source, tmp_path / 'best.pth'), NAMES)
    assert model.config.size == size
    assert model.config.class_names == NAMES
    assert model.config.embedding_classes == ('person',)
    assert same_outputs(model.detector, source)


def test_exported_graph_gives_the_same_outputs(tmp_path: Path) -> None:
    """A graph of Megvii's export comes back as the network that it was."""
    source = random_yolox()
    model = import_yolox(export(source, tmp_path / 'mine.onnx'), NAMES)
    assert same_outputs(model.detector, source)


def test_published_graph_has_cocos_names(shared_data: Path) -> None:
    """YOLOX-nano as published: 80 classes by name, and its outputs within 1e-3."""
    path = shared_data / 'weights' / 'yolox_nano.onnx'
    model = import_yolox(path)
    assert model.config.class_names == COCO_NAMES
    onnxruntime = pytest.importorskip('onnxruntime')
    images = torch.rand(1, 3, 416, 416, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        raw = model.detector(images)[0]
    raw[..., 4:] = raw[..., 4:].sigmoid()
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    assert np.abs(raw.numpy() - session.run(None, {'images': images.numpy()})[0]).max() < 1e-3


def test_detector_without_people_embeds_nothing(tmp_path: Path) -> None:
    """The embedder is for people until it is trained: other classes are not described."""
    path = save(random_yolox(classes=2), tmp_path / 'best.pth')
    assert import_yolox(path, ('car', 'dog')).config.embedding_classes == ()


def test_graph_with_other_activations_is_refused(tmp_path: Path) -> None:
    """The same convolutions around another activation are another network."""
    path = export(random_yolox(), tmp_path / 'mine.onnx')
    graph = onnx.load(str(path))
    for node in graph.graph.node:
        if node.op_type == 'Mul':
            node.op_type = 'Add'
    onnx.save(graph, str(path))
    with pytest.raises(ModelError, match='other outputs'):
        import_yolox(path, NAMES)


@pytest.mark.parametrize(('names', 'size', 'message'), [
    (None, None, 'has 3 classes, whose names'), (('car', 'dog'), None, '2 class names'),
    (('car', 'car', 'dog'), None, "'car' is given more than once"),
    (('car', '', 'dog'), None, 'empty'), (NAMES, 's', "those of a YOLOX 'nano'")])
def test_what_does_not_fit_is_said(
        names: tuple[str, ...] | None, size: str | None, message: str, tmp_path: Path) -> None:
    """Names and size that do not fit the weights are refused with what is in them."""
    path = save(random_yolox(), tmp_path / 'best.pth')
    with pytest.raises(ConfigError, match=message):
        import_yolox(path, names, size)


@pytest.mark.parametrize('name', ['missing.pth', 'notes.pth', 'notes.onnx', 'other.pth',
                                  'other.onnx', 'numbers.pth', 'wide.pth'])
def test_wrong_files_are_refused(name: str, tmp_path: Path, shared_data: Path) -> None:
    """Whatever is no YOLOX is refused by its path."""
    for notes in ('notes.pth', 'notes.onnx'):
        (tmp_path / notes).write_bytes(b'not weights at all')
    torch.save({'layer.weight': torch.zeros(3)}, tmp_path / 'other.pth')
    torch.save({'model': {'step': 3}}, tmp_path / 'numbers.pth')
    (tmp_path / 'other.onnx').write_bytes(
        (shared_data / 'weights' / 'osnet_x0_25_msmt17.onnx').read_bytes())
    state = random_yolox().state_dict()
    state['backbone.backbone.stem.conv.conv.weight'] = torch.zeros(20, 12, 3, 3)
    torch.save({'model': state}, tmp_path / 'wide.pth')
    with pytest.raises(ModelError, match=name.replace('.', r'\.')):
        import_yolox(tmp_path / name, NAMES)
