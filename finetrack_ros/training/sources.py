# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Readers of annotated images: MOTChallenge sequences and folders with YOLO labels.

Images stay where they are and are read frame by frame; annotations are read at once.
"""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from finetrack_ros.errors import ConfigError, SourceError

PERSON_CLASS = 1
# MOT16: person on vehicle, static person, distractor, reflection. They look like people but are
# not scored, so that a detector is neither rewarded nor punished for them.
PERSON_LIKE_CLASSES = (2, 7, 8, 12)
MIN_VISIBILITY = 0.25
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')


@dataclass(frozen=True)
class AnnotatedFrame:
    """
    One image and the people in it.

    ``boxes`` float32 [N, 4] xyxy in pixels of the image; ``ids`` int64 [N] as in the source, -1
    where unknown; ``ignore`` bool [N], true for people that count neither as found nor as missed.
    """

    path: Path
    boxes: np.ndarray
    ids: np.ndarray
    ignore: np.ndarray

    def read(self, half: bool = False) -> np.ndarray:
        """
        Decode the image.

        :param half: decode at half width and height, which is faster for JPEG
        :return: BGR image, uint8 [H, W, 3]
        :raises SourceError: when the file is missing or no image
        """
        mode = cv2.IMREAD_REDUCED_COLOR_2 if half else cv2.IMREAD_COLOR
        image = cv2.imread(str(self.path), mode)
        if image is None:
            raise SourceError(
                f'{self.path}: missing or no readable image; check the data folder')
        return image


@dataclass(frozen=True)
class Clip:
    """Annotated frames that belong together: a video in order, or independent still images."""

    name: str
    frames: tuple[AnnotatedFrame, ...]
    is_video: bool


def read_mot_sequence(folder: str | Path, first: int = 1, last: int | None = None) -> Clip:
    """
    Read a MOTChallenge sequence folder (``seqinfo.ini``, ``img1/``, ``gt/gt.txt``).

    Nine-column ground truth (MOT16, MOT17): class 1 with flag 1 are people; class 1 without flag,
    classes that look like people, and people less than a quarter visible are ignored; the other
    classes are left out. Ten-column ground truth (MOT15): the flag alone says who counts, and
    people mostly behind another, whose box ends lower in the image, are ignored.

    :param folder: the sequence folder
    :param first: first frame, 1-based
    :param last: last frame, inclusive; None means the end of the sequence
    :return: a video clip named like the folder
    :raises SourceError: when a file is missing or malformed
    :raises ConfigError: when the frame range leaves the sequence
    """
    folder = Path(folder)
    info = _read_seqinfo(folder)
    length = int(info['seqLength'])
    last = length if last is None else last
    if not 1 <= first <= last <= length:
        raise ConfigError(
            f'{folder}: frames {first} to {last} asked for; it has frames 1 to {length}')
    rows = _read_rows(folder / 'gt' / 'gt.txt', columns=(9, 10))
    boxes, ids, ignore, frames = _mot_people(rows)
    annotated = []
    for frame in range(first, last + 1):
        mine = frames == frame
        hidden = ignore[mine]
        if rows.shape[1] == 10:
            hidden = hidden | (_covered_fraction(boxes[mine]) > 1 - MIN_VISIBILITY)
        path = folder / info['imDir'] / f'{frame:06d}{info["imExt"]}'
        annotated.append(AnnotatedFrame(path, boxes[mine], ids[mine], hidden))
    return Clip(folder.name, tuple(annotated), is_video=True)


def read_yolo_folder(folder: str | Path) -> Clip:
    """
    Read a folder of ``images/`` and ``labels/`` with lines ``class cx cy width height``.

    The numbers are fractions of the image size; only class 0, person, is kept. An empty label file
    means that nobody is in the image.

    :param folder: the folder that holds both
    :return: a clip of still images, named like the folder, without identities
    :raises SourceError: when there is no image, or a label file is missing or malformed
    """
    folder = Path(folder)
    paths = sorted(path for path in (folder / 'images').glob('*')
                   if path.suffix.lower() in IMAGE_SUFFIXES)
    if not paths:
        raise SourceError(f'{folder}: no image in images/; check the data folder')
    return Clip(folder.name, tuple(_read_still(path, folder) for path in paths), is_video=False)


def _read_still(path: Path, folder: Path) -> AnnotatedFrame:
    nobody = np.zeros((0, 4), np.float32)
    frame = AnnotatedFrame(path, nobody, np.zeros(0, np.int64), np.zeros(0, bool))
    rows = _read_rows(folder / 'labels' / f'{path.stem}.txt', columns=(5,), delimiter=None)
    rows = rows[rows[:, 0] == 0]
    height, width = frame.read().shape[:2]
    centre, size = rows[:, 1:3], rows[:, 3:5]
    boxes = np.hstack([centre - size / 2, centre + size / 2]) * [width, height, width, height]
    return AnnotatedFrame(path, boxes.astype(np.float32), np.full(len(rows), -1, np.int64),
                          np.zeros(len(rows), bool))


def _mot_people(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return boxes [N, 4], ids [N], ignore [N] and frames [N] of the people in the rows."""
    if rows.shape[1] == 9:
        person = rows[:, 7] == PERSON_CLASS
        rows = rows[person | np.isin(rows[:, 7], PERSON_LIKE_CLASSES)]
        ignore = ((rows[:, 7] != PERSON_CLASS) | (rows[:, 6] == 0)
                  | (rows[:, 8] < MIN_VISIBILITY))
    else:
        ignore = rows[:, 6] == 0
    left_top = rows[:, 2:4]
    boxes = np.hstack([left_top, left_top + rows[:, 4:6]]).astype(np.float32)
    return boxes, rows[:, 1].astype(np.int64), ignore, rows[:, 0].astype(np.int64)


def _covered_fraction(boxes: np.ndarray) -> np.ndarray:
    """Return for each box [N, 4] the largest fraction that one box ending lower covers, [N]."""
    corner = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    end = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = np.clip(end - corner, 0, None).prod(axis=2)
    in_front = boxes[None, :, 3] > boxes[:, None, 3]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.where(in_front, overlap, 0).max(axis=1, initial=0) / np.maximum(area, 1e-6)


def _read_seqinfo(folder: Path) -> configparser.SectionProxy:
    path = folder / 'seqinfo.ini'
    parser = configparser.ConfigParser()
    if not parser.read(path) or not parser.has_section('Sequence'):
        raise SourceError(
            f'{path}: missing or without [Sequence]; give a MOTChallenge sequence folder')
    section = parser['Sequence']
    for key in ('imDir', 'imExt', 'seqLength'):
        if key not in section:
            raise SourceError(f'{path}: has no {key}; complete it as MOTChallenge defines it')
    return section


def _read_rows(path: Path, columns: tuple[int, ...], delimiter: str | None = ',') -> np.ndarray:
    """Read a text table of numbers with one of the column counts, float64 [N, columns]."""
    expected = ' or '.join(map(str, columns))
    try:
        text = path.read_text()
        rows = np.array([[float(value) for value in line.split(delimiter)]
                         for line in text.splitlines() if line.strip()])
    except OSError as error:
        raise SourceError(f'{path}: cannot be read ({error.strerror}); '
                          'check the data folder') from error
    except ValueError as error:
        raise SourceError(f'{path}: is no table of {expected} numbers a line ({error}); '
                          'fetch it again') from error
    if not len(rows):
        return np.zeros((0, columns[0]))
    if rows.shape[1] not in columns:
        raise SourceError(f'{path}: has {rows.shape[1]} columns, not {expected}; fetch it again')
    return rows
