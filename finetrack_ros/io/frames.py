# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What all frame sources share: the frame, and the one policy for images that are damaged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
import logging
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from finetrack_ros.errors import SourceError

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame:
    """
    One image of a source.

    :ivar image: uint8 [H, W, 3], channels in order blue, green, red.
    :ivar stamp: seconds from the source's first frame; rises strictly from frame to frame, but
        for bags, which may hold anything.
    :ivar index: number of the frame in its source, from 1.
    """

    image: NDArray[np.uint8]
    stamp: float
    index: int


class FrameSource(ABC, Iterator[Frame]):
    """
    Iterator over the frames of a source, read one at a time; also a context manager.

    An image that cannot be decoded is left out and counted, the first one with a warning; those
    after it keep their numbers and stamps.

    :ivar name: short name for titles and files, such as ``MOT16-09``.
    :ivar fps: nominal frames per second.
    :ivar length: number of frames, or None where it is unknown (camera, stream).
    :ivar last_index: number of the last frame where it is certain, else None: what a video states
        of its length is often an estimate.
    :ivar skipped: number of images so far that could not be decoded and were left out.
    :ivar strict: whether such an image raises SourceError instead.
    """

    name: str
    fps: float
    length: int | None
    last_index: int | None = None
    skipped: int = 0
    strict: bool = False

    @abstractmethod
    def __next__(self) -> Frame:
        """
        Return the next frame.

        :raises StopIteration: at the end of the source.
        :raises SourceError: where nothing can be read, or, of a strict source, a frame cannot.
        """

    def _leave_out(self, problem: str, count: int = 1) -> None:
        """Count images that cannot be decoded; SourceError where the source is strict."""
        if self.strict:
            raise SourceError(f"{problem}. Replace it by an intact one; without 'strict' it is "
                              'left out.')
        if not self.skipped:
            _logger.warning('%s; it is left out, and so is any like it.', problem)
        self.skipped += count

    def close(self) -> None:
        """Release the file or device; the base class holds none."""

    def __enter__(self) -> FrameSource:
        """Return the source itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Release the file or device."""
        self.close()
