# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Film strips of identity switches: a person before, at and after the change of its id."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError
from finetrack_ros.evaluation.identity_switches import IdentitySwitch
from finetrack_ros.evaluation.mot import Part
from finetrack_ros.geometry import resizable
from finetrack_ros.io import draw_tracks, read_seqinfo
from finetrack_ros.io.drawing import colour_of
from finetrack_ros.io.native_paths import read_image
from finetrack_ros.io.seqinfo import DEFAULT_FPS
from finetrack_ros.io.sources import IMAGE_SUFFIXES
from finetrack_ros.protocols import Image

Box = NDArray[np.float64]

_WIDTH, _HEIGHT = 172, 232
_TITLE = 24
_GAP = 6
# How much of the surroundings a cut-out shows, in heights (or widths) of the person.
_FIELD = 1.7
_STEP_SECONDS = 0.25
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_WHITE, _BLANK = 255, 236
_INK, _GREY, _RED = (40, 33, 27), (120, 120, 120), (47, 47, 211)


@dataclass(frozen=True)
class SequenceImages:
    """
    Where the images of a sequence are, and how fast they follow each other.

    :ivar folder: where they are looked for.
    :ivar paths: by frame number; empty where there are none.
    :ivar rate: frames per second.
    """

    folder: Path
    paths: dict[int, Path]
    rate: float

    def read(self, frame: int) -> Image | None:
        """
        Return the image of a frame, BGR uint8 [H, W, 3]; None where there is none.

        :raises SourceError: where it cannot be decoded.
        """
        if frame not in self.paths:
            return None
        image = read_image(self.paths[frame])
        if image is None:
            raise SourceError(f"Image '{self.paths[frame]}' cannot be decoded. Replace it with an "
                              'intact file, or remove it: its frame is then drawn blank.')
        return image


def find_images(folder: Path) -> SequenceImages:
    """
    Look for the images of a sequence folder, named by frame number as in MOTChallenge.

    They are where ``seqinfo.ini`` says, or in ``img1``.
    """
    images, rate = folder / 'img1', DEFAULT_FPS
    if (folder / 'seqinfo.ini').is_file():
        info = read_seqinfo(folder)
        images, rate = info.images, info.frame_rate
    paths = {int(path.stem): path for path in sorted(images.glob('*'))
             if path.suffix.lower() in IMAGE_SUFFIXES and path.stem.isdecimal()}
    return SequenceImages(images, paths, rate)


def choose_frames(switch: IdentitySwitch, present: NDArray[np.int64], step: int) -> list[int]:
    """
    Return the frames to show: up to three before the new id and three with it.

    They are ``step`` frames apart. Where the person was unmatched for longer than that, the middle
    of that time is shown in place of the earliest frame.

    :param present: int64 [N], frames in which the person has ground truth, rising; ``last_frame``
        and ``frame`` of the switch are among them.
    """
    before = [switch.last_frame - 2 * step, switch.last_frame - step, switch.last_frame]
    if switch.frame - switch.last_frame > step:
        before = [*before[1:], (switch.last_frame + switch.frame) // 2]
    wanted = [*before, *(switch.frame + count * step for count in range(3))]
    return sorted({int(present[np.abs(present - frame).argmin()]) for frame in wanted})


def draw_strip(part: Part, switch: IdentitySwitch, images: SequenceImages) -> Image:
    """
    Draw cut-outs around the person, one per frame, side by side.

    White corners mark the person's ground truth, thick lines the boxes of the old and the new id.
    A red line parts the frames before the new id from those with it.

    :param images: frames without one are drawn on blank.
    :return: BGR, uint8 [256, W, 3], up to six cut-outs of 172 pixels wide.
    """
    truth = part.sequence.truth
    mine = np.flatnonzero(truth.scored & (truth.ids == switch.truth_id)
                          & (truth.frames >= part.first) & (truth.frames <= part.last))
    boxes = dict(zip(truth.frames[mine].tolist(), truth.boxes[mine], strict=True))
    step = max(1, round(images.rate * _STEP_SECONDS))
    frames = choose_frames(switch, np.array(sorted(boxes)), step)
    scale = _scale([boxes[frame] for frame in frames])
    columns = []
    for frame in frames:
        if frame == switch.frame:
            columns.append(np.full((_TITLE + _HEIGHT, 3, 3), _RED, np.uint8))
            columns.append(_space())
        panel = _panel(part, frame, (switch.old_id, switch.new_id), boxes[frame], scale,
                       images.read(frame))
        columns += [_titled(panel, f'frame {frame}'), _space()]
    return np.hstack(columns[:-1])


def _scale(boxes: list[Box]) -> float:
    """Return the factor from pixels of the image to those of a cut-out; the same for all."""
    sides = np.stack(boxes)[:, 2:] - np.stack(boxes)[:, :2]
    field = np.maximum(sides * _FIELD, 1)
    return float(min(_WIDTH / field[:, 0].max(), _HEIGHT / field[:, 1].max()))


def _panel(part: Part, frame: int, marked: tuple[int, int], person: Box, scale: float,
           image: Image | None) -> Image:
    """Return one cut-out with the person's box in its middle and all results drawn."""
    corner = (person[:2] + person[2:]) / 2 - np.array([_WIDTH, _HEIGHT]) / (2 * scale)
    panel = _blank() if image is None else _cut(image, corner, scale)
    rows = part.results[part.results.frames == frame]
    boxes = (rows.boxes - np.tile(corner, 2)) * scale
    seen = np.flatnonzero((boxes[:, :2] < (_WIDTH, _HEIGHT)).all(axis=1)
                          & (boxes[:, 2:] > 0).all(axis=1))
    for track_id in marked:
        for box in boxes[rows.ids == track_id]:
            left, top, right, bottom = _pixels(box)
            cv2.rectangle(panel, (left, top), (right, bottom), colour_of(track_id), 3)
    _corners(panel, (person - np.tile(corner, 2)) * scale)
    # The ids are written last, those that switch after all others, so that nothing covers them.
    order = seen[np.argsort(np.isin(rows.ids[seen], marked), kind='stable')]
    return draw_tracks(panel, SimpleNamespace(ids=rows.ids[order], boxes=boxes[order]))


def _cut(image: Image, corner: Box, scale: float) -> Image:
    """Cut a panel out of an image; grey where the image ends."""
    image = resizable(image)
    if scale < 1:
        size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
        image = resizable(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    zoom = max(scale, 1.0)
    x, y = -corner * scale
    matrix = np.array([[zoom, 0, x], [0, zoom, y]])
    return cv2.warpAffine(image, matrix, (_WIDTH, _HEIGHT), flags=cv2.INTER_CUBIC,
                          borderMode=cv2.BORDER_CONSTANT, borderValue=(_BLANK,) * 3)


def _corners(panel: Image, box: Box) -> None:
    """Mark the corners of a box, white on black."""
    left, top, right, bottom = _pixels(box)
    length = max(3, min(right - left, bottom - top) // 5)
    for colour, thickness in (((0, 0, 0), 4), ((255, 255, 255), 2)):
        for x, inward in ((left, length), (right, -length)):
            for y, down in ((top, length), (bottom, -length)):
                cv2.line(panel, (x, y), (x + inward, y), colour, thickness)
                cv2.line(panel, (x, y), (x, y + down), colour, thickness)


def _pixels(box: Box) -> list[int]:
    """Return corners in whole pixels, not so far out that OpenCV's coordinates overflow."""
    return np.clip(np.rint(box), -10000, 10000).astype(int).tolist()


def _titled(panel: Image, title: str) -> Image:
    bar = np.full((_TITLE, _WIDTH, 3), _WHITE, np.uint8)
    cv2.putText(bar, title, (2, _TITLE - 8), _FONT, 0.45, _INK, 1, cv2.LINE_AA)
    return np.vstack([bar, panel])


def _blank() -> Image:
    panel = np.full((_HEIGHT, _WIDTH, 3), _BLANK, np.uint8)
    cv2.putText(panel, 'no image', (4, _HEIGHT - 7), _FONT, 0.4, _GREY, 1, cv2.LINE_AA)
    return panel


def _space() -> Image:
    return np.full((_TITLE + _HEIGHT, _GAP, 3), _WHITE, np.uint8)
