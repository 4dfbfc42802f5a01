# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A short training runs as a user starts it, resumes, and leaves a model that loads."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='needs the extra "train"')
pytest.importorskip('lightning', reason='needs the extra "train"')

from finetrack_ros.errors import ConfigError, ModelError  # noqa: E402
from finetrack_ros.inference import load_model  # noqa: E402
from finetrack_ros.models import YOLOX  # noqa: E402
from finetrack_ros.models.checkpoint import load_checkpoint  # noqa: E402
from finetrack_ros.training.compose import ComposeConfig  # noqa: E402
from finetrack_ros.training.dataset import DataConfig  # noqa: E402
from finetrack_ros.training.fit import fit, initial_model  # noqa: E402
from finetrack_ros.training.module import FineTrackModule, TrainConfig  # noqa: E402


def _data(root: Path) -> DataConfig:
    return DataConfig(
        root=root, splits=root / 'split.yaml', input_size=(160, 160), steps_per_epoch=2,
        num_workers=0, compose=ComposeConfig(people=(2, 3), height=(30, 80)))


@pytest.fixture(scope='module')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint of an 80-class YOLOX-nano as Megvii saves it."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'yolox.pth'
    torch.save({'model': YOLOX('nano').state_dict()}, path)
    return path


@pytest.mark.slow
def test_training_runs_resumes_and_exports(data_root: Path, weights: Path,
                                           tmp_path: Path) -> None:
    """Two steps, then two more from the checkpoint; the result tracks an image."""
    config = TrainConfig(steps=2, warmup=1, detector_sizes=(96, 128))
    arguments = (weights, tmp_path / 'run', _data(data_root))
    fit(*arguments, config, accelerator='cpu')
    folder = fit(*arguments, TrainConfig(steps=4, warmup=1, detector_sizes=(96, 128)),
                 accelerator='cpu', resume=True, name='tiny')
    assert torch.load(folder / 'model.pt', weights_only=True)['steps'] == 4
    before = initial_model(weights, 'nano').detector.state_dict()
    after = load_checkpoint(folder / 'model.pt').detector.state_dict()
    statistics = [name for name in before if name.endswith(('running_mean', 'running_var'))]
    assert all(torch.equal(before[name], after[name]) for name in statistics)
    assert not torch.equal(before['head.obj_preds.0.bias'], after['head.obj_preds.0.bias'])
    runner = load_model(folder, device='cpu', input_size=128)
    image = np.zeros((90, 120, 3), np.uint8)
    vectors = runner.embed([image], [np.array([[10, 10, 40, 80]], np.float32)])[0]
    assert runner.model_name == 'tiny'
    assert vectors.shape == (1, runner.embedding_dim)
    assert np.linalg.norm(vectors) == pytest.approx(1.0, abs=1e-4)


def test_frozen_stages_and_statistics_stay(weights: Path) -> None:
    """Frozen stages take no gradient, and the detector's batch norms keep their statistics."""
    module = FineTrackModule(initial_model(weights, 'nano'), 5, TrainConfig(frozen=('stem',)))
    backbone = module.model.detector.backbone.backbone
    assert not any(p.requires_grad for p in backbone.stem.parameters())
    assert all(p.requires_grad for p in backbone.dark2.parameters())
    norms = [m for m in module.model.detector.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert module.model.embedder.neck.training


def test_nothing_to_resume_is_said(data_root: Path, weights: Path, tmp_path: Path) -> None:
    """Resuming a run that was never started is refused with the remedy."""
    with pytest.raises(ConfigError, match='without --resume'):
        fit(weights, tmp_path, _data(data_root), TrainConfig(), resume=True)


def test_missing_weights_are_named(tmp_path: Path) -> None:
    """Weights that do not exist are refused by path."""
    with pytest.raises(ModelError, match=r'none\.onnx'):
        initial_model(tmp_path / 'none.onnx', 'nano')
