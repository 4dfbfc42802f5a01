# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Weights go in and out unchanged, and what does not fit is refused by name."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')

from finetrack_ros.errors import ModelError  # noqa: E402
from finetrack_ros.models import FineTrack, YOLOX  # noqa: E402
from finetrack_ros.models.checkpoint import (  # noqa: E402
    load_checkpoint,
    load_yolox_onnx,
    load_yolox_state,
    save_checkpoint,
    take_detector,
)
from finetrack_ros.models.yolox import anchor_points, decode  # noqa: E402


def test_published_yolox_gives_the_same_outputs(shared_data: Path) -> None:
    """YOLOX-nano's published graph, loaded into the module, gives outputs equal within 1e-3."""
    onnxruntime = pytest.importorskip('onnxruntime')
    path = shared_data / 'weights' / 'yolox_nano.onnx'
    yolox = YOLOX('nano').eval()
    load_yolox_onnx(yolox, path)
    images = torch.rand(1, 3, 416, 416, generator=torch.Generator().manual_seed(0)) * 255
    with torch.no_grad():
        raw = yolox(images)[0]
    raw[..., 4:] = raw[..., 4:].sigmoid()
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    expected = session.run(None, {'images': images.numpy()})[0]
    assert np.abs(raw.numpy() - expected).max() < 1e-3


def test_yolox_of_another_size_is_refused(shared_data: Path) -> None:
    """Weights of another size are refused with both shapes."""
    with pytest.raises(ModelError, match='same size'):
        load_yolox_onnx(YOLOX('s'), shared_data / 'weights' / 'yolox_nano.onnx')


def test_no_onnx_file_is_refused(tmp_path: Path) -> None:
    """A file that is no ONNX is refused by name."""
    path = tmp_path / 'notes.onnx'
    path.write_bytes(b'not a protobuf at all')
    with pytest.raises(ModelError, match=r'notes\.onnx'):
        load_yolox_onnx(YOLOX('nano'), path)


def test_official_state_dict_loads(tmp_path: Path) -> None:
    """A checkpoint laid out as Megvii's loads; one of another size is refused."""
    source = YOLOX('nano')
    path = tmp_path / 'yolox.pth'
    torch.save({'model': source.state_dict(), 'start_epoch': 300}, path)
    target = YOLOX('nano')
    load_yolox_state(target, path)
    assert all(torch.equal(a, b) for a, b in zip(source.state_dict().values(),
                                                 target.state_dict().values(), strict=True))
    with pytest.raises(ModelError, match='does not fit'):
        load_yolox_state(YOLOX('tiny'), path)


def test_one_class_is_taken_out_of_eighty() -> None:
    """The detector for people scores a cell as the 80-class one scores its person class."""
    coco, model = YOLOX('nano').eval(), FineTrack().eval()
    take_detector(model, coco, [0])
    images = torch.rand(1, 3, 64, 96) * 255
    with torch.no_grad():
        raw, maps = coco(images)
        _, eighty = decode(raw, *anchor_points(maps))
        _, one, _ = model(images)
    torch.testing.assert_close(one[..., 0], eighty[..., 0])


def test_checkpoint_round_trip(model: FineTrack, tmp_path: Path) -> None:
    """Configuration and weights come back as they were."""
    save_checkpoint(model, tmp_path / 'model.pt', steps=3)
    back = load_checkpoint(tmp_path / 'model.pt')
    assert back.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(),
                                                 back.state_dict().values(), strict=True))


def test_checkpoints_without_embedding_classes_are_for_all_classes(
        model: FineTrack, tmp_path: Path) -> None:
    """What was trained before the field existed described all that it detected."""
    save_checkpoint(model, tmp_path / 'model.pt')
    data = torch.load(tmp_path / 'model.pt', weights_only=True)
    del data['config']['embedding_classes']
    data['config']['class_names'] = ('cyclist',)
    torch.save(data, tmp_path / 'model.pt')
    assert load_checkpoint(tmp_path / 'model.pt').config.embedding_classes == ('cyclist',)


@pytest.mark.parametrize('content', [b'', b'garbage', None])
def test_bad_checkpoints_are_refused(tmp_path: Path, content: bytes | None) -> None:
    """Empty, damaged and missing files are refused by name."""
    path = tmp_path / 'weights.pt'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r'weights\.pt'):
        load_checkpoint(path)


def test_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    """A torch file of something else is refused with the remedy."""
    torch.save({'state_dict': {}}, tmp_path / 'other.pt')
    with pytest.raises(ModelError, match='finetrack train'):
        load_checkpoint(tmp_path / 'other.pt')
