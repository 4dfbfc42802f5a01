# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small data folder with every kind of training source, recipes and weights to go with it."""

from collections.abc import Callable
import importlib.util
import io
from pathlib import Path
import tarfile
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest

RUNNER = Path(__file__).with_name('run_train.py')
SEQUENCE_LENGTH = 12
MARKET_IDS = (2, 7, 10, 11, 12, 30)
CROPS_PER_ID = 5
RECIPE = {
    'name': 'tiny',
    'frames': [{'format': 'mot', 'path': 'mot/street', 'frames': '1:8'},
               {'format': 'yolo', 'path': 'det/stills'}],
    'crops': [{'path': 'reid/crops.tar', 'leave_out': 2}],
    'data': {'input_size': 96, 'real_frames': 2, 'composed_frames': 2, 'group_size': 2,
             'frame_stride': 2, 'num_workers': 0},
    'compose': {'people': [2, 3], 'height': [16, 40]},
    'train': {'steps': 2, 'warmup': 1, 'detector_sizes': [64, 96], 'checkpoint_steps': 1},
}


@pytest.fixture(scope='session')
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder: sequence mot/street, det/stills and reid/crops.tar."""
    root = tmp_path_factory.mktemp('data')
    rng = np.random.default_rng(0)
    _write_sequence(root / 'mot' / 'street', rng)
    _write_stills(root / 'det' / 'stills', rng)
    _write_crops(root / 'reid' / 'crops.tar', rng)
    return root


@pytest.fixture(scope='session')
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint of an 80-class YOLOX-nano as Megvii saves it."""
    torch = pytest.importorskip('torch', reason='needs the extra "train"')
    from finetrack_ros.models import YOLOX

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('weights') / 'yolox.pth'
    torch.save({'model': YOLOX('nano').state_dict()}, path)
    return path


@pytest.fixture
def make_recipe() -> Callable[..., Any]:
    """Return what makes a recipe of the small data folder, with sections changed or replaced."""
    from finetrack_ros.training.recipe import build, Recipe

    def make(weights: Path | str = 'none.pth', **changes: Any) -> Recipe:
        content: dict[str, Any] = {**RECIPE, 'weights': str(weights)}
        for key, value in changes.items():
            content[key] = {**content[key], **value} if isinstance(value, dict) and isinstance(
                content.get(key), dict) else value
        return build(Recipe, content, 'test')

    return make


@pytest.fixture
def runner() -> ModuleType:
    """Return run_train.py, which is a script too, as a module."""
    spec = importlib.util.spec_from_file_location('run_train', RUNNER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write_sequence(folder: Path, rng: np.random.Generator) -> None:
    (folder / 'gt').mkdir(parents=True)
    (folder / 'img1').mkdir()
    (folder / 'seqinfo.ini').write_text(
        f'[Sequence]\nname=street\nimDir=img1\nframeRate=30\nseqLength={SEQUENCE_LENGTH}\n'
        'imWidth=160\nimHeight=96\nimExt=.jpg\n')
    lines = []
    for frame in range(1, SEQUENCE_LENGTH + 1):
        image = rng.integers(0, 256, (96, 160, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / 'img1' / f'{frame:06d}.jpg'), image)
        lines += [
            f'{frame},5,{10 + frame},20,20,50,1,1,1.0',
            f'{frame},9,80,20,20,50,1,1,0.1',
            f'{frame},4,120,20,20,50,0,8,1.0',
            f'{frame},3,40,20,20,50,0,3,1.0',
        ]
    (folder / 'gt' / 'gt.txt').write_text('\n'.join(lines) + '\n')


def _write_stills(folder: Path, rng: np.random.Generator) -> None:
    (folder / 'images').mkdir(parents=True)
    (folder / 'labels').mkdir()
    for number in range(5):
        image = rng.integers(0, 256, (100, 200, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / 'images' / f'{number}.jpg'), image)
        label = '' if number == 0 else '0 0.5 0.5 0.2 0.6\n3 0.1 0.1 0.1 0.1\n'
        (folder / 'labels' / f'{number}.txt').write_text(label)


def _write_crops(path: Path, rng: np.random.Generator) -> None:
    path.parent.mkdir()
    with tarfile.open(path, 'w') as archive:
        for identity in MARKET_IDS:
            for number in range(CROPS_PER_ID):
                crop = rng.integers(0, 256, (128, 64, 3), dtype=np.uint8)
                content = cv2.imencode('.jpg', crop)[1].tobytes()
                name = f'{identity:04d}_c{number % 3 + 1}s1_{number:06d}_01.jpg'
                info = tarfile.TarInfo(f'crops/{name}')
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
