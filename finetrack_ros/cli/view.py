# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Show a run in the Rerun viewer while it goes on, or record it for the viewer."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from finetrack_ros.cli.application import require_view_libraries
from finetrack_ros.errors import ConfigError, SourceError
from finetrack_ros.io import colour_of, Trails

if TYPE_CHECKING:
    from finetrack_ros.io import Frame
    from finetrack_ros.pipeline import Step

LIVE, SUFFIX = 'rerun', '.rrd'
_JPEG_QUALITY = 85


def check_view(view: str | None, source: str | None) -> None:
    """Raise ConfigError where ``--view`` cannot be followed; None, not given, always can."""
    if view is None:
        return
    if view != LIVE and not view.endswith(SUFFIX):
        raise ConfigError(f"--view '{view}' is not understood: give {LIVE} to open the viewer, or "
                          f'the name of a recording that ends in {SUFFIX}')
    if source is None:
        raise ConfigError('--view needs images to show: give the SOURCE of the detections')
    require_view_libraries()


class RerunView:
    """
    Sends frames and tracks to Rerun: image, boxes, ids, trails, similarities and timings.

    ``similarity/ID`` is the cosine of a track's embedding with its first one: a fall tells that
    the track may have gone over to somebody else.
    """

    def __init__(self, view: str) -> None:
        """
        Open the viewer or a recording.

        :param view: ``rerun``, or the path of a recording (``.rrd``).
        :raises SourceError: where the recording cannot be written or the viewer not be started.
        """
        import rerun

        self._rerun: Any = rerun
        self._trails = Trails()
        self._first: dict[int, NDArray[np.float32]] = {}
        self._stream: Any = rerun.RecordingStream('finetrack_ros')
        try:
            if view == LIVE:
                self._stream.spawn()
            else:
                Path(view).parent.mkdir(parents=True, exist_ok=True)
                self._stream.save(view)
        # Rerun's own errors are RuntimeErrors.
        except (OSError, RuntimeError) as error:
            raise SourceError(f"--view '{view}' cannot be opened ({error}). Choose a file in a "
                              'folder where you may write, or a machine with a screen.') from error

    def write(self, frame: Frame, step: Step) -> None:
        """Send one frame and what came of it."""
        tracks = step.tracks
        rerun, log = self._rerun, self._stream.log
        self._stream.set_time('frame', sequence=frame.index)
        self._stream.set_time('time', duration=frame.stamp)
        _, jpeg = cv2.imencode('.jpg', frame.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        log('image', rerun.EncodedImage(contents=jpeg.tobytes(), media_type='image/jpeg'))
        ids, boxes = tracks.ids.tolist(), tracks.boxes
        colours = [colour_of(track_id)[::-1] for track_id in ids]
        log('image/tracks', rerun.Boxes2D(
            array=boxes, array_format=rerun.Box2DFormat.XYXY, labels=list(map(str, ids)),
            colors=colours))
        feet = np.stack([boxes[:, [0, 2]].mean(axis=1), boxes[:, 3]], axis=1)
        self._trails.update(tracks.ids, np.rint(feet).astype(np.int32))
        log('image/trails', rerun.LineStrips2D(
            [self._trails.points(track_id) for track_id in ids], colors=colours))
        if tracks.embeddings is not None:
            for track_id, vector in zip(ids, tracks.embeddings, strict=True):
                first = self._first.setdefault(track_id, vector.copy())
                log(f'similarity/{track_id}', rerun.Scalars(float(first @ vector)))
        log('count/tracks', rerun.Scalars(float(len(ids))))
        for stage, seconds in step.times.items():
            log(f'milliseconds/{stage}', rerun.Scalars(1e3 * seconds))

    def close(self) -> None:
        """Send what waits, and end the recording."""
        self._stream.flush()
        self._stream.disconnect()


def open_view(stack: ExitStack, view: str) -> RerunView:
    """
    Return an open view that the stack closes.

    :raises SourceError: as :class:`RerunView` does.
    """
    opened = RerunView(view)
    stack.callback(opened.close)
    return opened
