# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small data folder with every kind of training source."""

import io
from pathlib import Path
import tarfile

import cv2
import numpy as np
import pytest

SEQUENCE_LENGTH = 12
MARKET_IDS = (2, 7, 10, 11, 12, 30)
CROPS_PER_ID = 5
SPLIT = """\
train:
  sequences: [{path: mot/street, first: 1, last: 8}]
  stills: [{path: det/stills}]
evaluate:
  sequences: [{path: mot/street, first: 9, last: 12}]
identities: {path: reid/crops.tar, evaluate_last: 2}
"""


@pytest.fixture(scope='session')
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder: sequence mot/street, det/stills, reid/crops.tar and split.yaml."""
    root = tmp_path_factory.mktemp('data')
    rng = np.random.default_rng(0)
    _write_sequence(root / 'mot' / 'street', rng)
    _write_stills(root / 'det' / 'stills', rng)
    _write_crops(root / 'reid' / 'crops.tar', rng)
    (root / 'split.yaml').write_text(SPLIT)
    return root


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
