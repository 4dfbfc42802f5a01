# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Sequences of MOTChallenge (MOT15, MOT16, MOT17, MOT20) and DanceTrack."""

from __future__ import annotations

from pathlib import Path
import re

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.datasets.annotations import annotate, Clip, make_clip
from finetrack_ros.datasets.frame_ranges import frame_range
from finetrack_ros.datasets.registry import reader
from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.geometry import box_area
from finetrack_ros.io import MotRows, read_mot, read_seqinfo
from finetrack_ros.io.sources import IMAGE_SUFFIXES

PEDESTRIAN = 1
# Person on vehicle, static person, distractor, reflection: found or not, they do not count.
DISTRACTOR_CLASSES = (2, 7, 8, 12)
# MOT20 marks crowds that nobody told apart.
CROWD = 13
MIN_VISIBILITY = 0.25
# MOT17 has each video three times, once for each of its public detectors.
_WITH_DETECTOR = re.compile(r'MOT17-\d+-(\w+)')


@reader('mot')
def read_mot_sequences(path: Path, *, frames: str | None = None,
                       detector: str = 'FRCNN') -> list[Clip]:
    """
    Read a sequence folder (``gt/gt.txt``, ``img1/``, ``seqinfo.ini``) or all those in a folder.

    Nine columns (MOT16, MOT17, MOT20, DanceTrack): class 1 with a flag other than 0 are people;
    class 1 with flag 0, classes that look like people, crowds, and people less than a quarter
    visible are ignored; other classes are left out. Ten columns (MOT15): the flag alone says who
    counts, and people mostly behind another, whose box ends lower in the image, are ignored.

    Without ``seqinfo.ini``, as MOT15 was first published, the last image ends the sequence.

    :param path: a sequence folder, or a folder of such folders.
    :param frames: part of each sequence, as
        :func:`~finetrack_ros.datasets.frame_ranges.frame_range` reads it; None reads all.
    :param detector: in a folder of sequences, which of MOT17's three copies of each is read; the
        annotations are the same.
    :return: a video clip for each sequence, sorted by name.
    :raises SourceError: where a file is missing or malformed, or a range holds no frame.
    :raises ConfigError: where a folder has MOT17 sequences, but none of the detector.
    """
    return [_read_sequence(folder, frames) for folder in _find_sequences(path, detector)]


def _find_sequences(path: Path, detector: str) -> list[Path]:
    if _is_sequence(path):
        return [path]
    if not path.is_dir():
        raise SourceError(f"'{path}' does not exist. Give a MOTChallenge sequence folder, or a "
                          'folder of such folders.')
    found = sorted(folder for folder in path.glob('*') if _is_sequence(folder))
    if not found:
        raise SourceError(f"'{path}' is no sequence folder and holds none. Give a folder with "
                          'gt/gt.txt and img1/, or a folder of such folders.')
    detectors = {folder: match[1] for folder in found
                 if (match := _WITH_DETECTOR.fullmatch(folder.name))}
    chosen = [folder for folder in found if detectors.get(folder, detector) == detector]
    if detectors and detector not in detectors.values():
        raise ConfigError(f"'{path}' has no sequence of the detector '{detector}'. Choose one of "
                          f'{", ".join(sorted(set(detectors.values())))}.')
    return chosen


def _is_sequence(folder: Path) -> bool:
    return (folder / 'gt').is_dir() or (folder / 'seqinfo.ini').is_file()


def _read_sequence(folder: Path, frames: str | None) -> Clip:
    images, length = _find_images(folder)
    truth = folder / 'gt' / 'gt.txt'
    rows, ignore = _people(read_mot(truth), truth)
    if rows.frames.max(initial=0) > length:
        raise SourceError(f"'{truth}' has people in frame {rows.frames.max()}, but the sequence "
                          f'ends at frame {length}. Correct its seqinfo.ini or fetch it again.')
    first, last = frame_range(frames, length)
    absent = sorted(set(range(first, last + 1)) - set(images))
    if absent:
        raise SourceError(f"'{folder}' lacks {len(absent)} images of frames {first} to {last}, "
                          f'the first of frame {absent[0]}. Fetch the sequence again.')
    order = np.argsort(rows.frames, kind='stable')
    rows, ignore = rows[order], ignore[order]
    ends = np.searchsorted(rows.frames, np.arange(first, last + 2))
    annotated = []
    for frame, start, end in zip(range(first, last + 1), ends, ends[1:], strict=False):
        mine = slice(start, end)
        boxes, hidden = rows.boxes[mine], ignore[mine]
        if rows.extra.shape[1] == 3:
            hidden = hidden | (_covered_fraction(boxes) > 1 - MIN_VISIBILITY)
        annotated.append(annotate(images[frame], boxes, rows.ids[mine], hidden))
    return make_clip(folder.resolve().name, annotated, is_video=True)


def _find_images(folder: Path) -> tuple[dict[int, Path], int]:
    """Return the image of each frame, from 1, and the number of frames."""
    length, image_folder = None, folder / 'img1'
    if (folder / 'seqinfo.ini').is_file():
        info = read_seqinfo(folder)
        length, image_folder = info.length, info.images
    # 000001.jpg in MOTChallenge, 00000001.jpg in DanceTrack.
    images = {int(path.stem): path for path in image_folder.glob('*')
              if path.suffix.lower() in IMAGE_SUFFIXES and path.stem.isdecimal()}
    if not images:
        raise SourceError(f"'{image_folder}' has no image named like 000001.jpg. Put the images "
                          'of the sequence there.')
    return images, max(images) if length is None else length


def _people(rows: MotRows, path: Path) -> tuple[MotRows, NDArray[np.bool_]]:
    """Return the rows that are people or look like them, and which of these to ignore, [N]."""
    if not len(rows):
        raise SourceError(f"'{path}' has no rows. Give a sequence whose ground truth is "
                          'published, or leave it out.')
    columns = 7 + rows.extra.shape[1]
    if columns not in (9, 10):
        raise SourceError(f"'{path}' has {columns} columns. Give ground truth of MOT16 and later "
                          '(9 columns) or of MOT15 (10 columns).')
    ignore = rows.values == 0
    if columns == 9:
        is_person = rows.extra[:, 0] == PEDESTRIAN
        kept = is_person | np.isin(rows.extra[:, 0], (*DISTRACTOR_CLASSES, CROWD))
        ignore |= ~is_person | (rows.extra[:, 1] < MIN_VISIBILITY)
        rows, ignore = rows[kept], ignore[kept]
    if ignore.all():
        raise SourceError(f"'{path}' has no person that counts. Give people a 7th value other "
                          'than 0 and, with 9 columns, class 1 and their visibility in 0..1 '
                          'behind it.')
    return rows, ignore


def _covered_fraction(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each box [N, 4] the largest fraction that one box ending lower covers, [N]."""
    corner = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    end = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    overlap = np.clip(end - corner, 0, None).prod(axis=2)
    in_front = boxes[None, :, 3] > boxes[:, None, 3]
    covered = np.where(in_front, overlap, 0).max(axis=1, initial=0)
    return covered / np.maximum(box_area(boxes), 1e-6)
