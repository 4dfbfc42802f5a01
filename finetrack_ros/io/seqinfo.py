# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What ``seqinfo.ini`` says of a MOTChallenge sequence."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path

from finetrack_ros.errors import SourceError

DEFAULT_FPS = 30.0
MAX_FPS = 1000.0


@dataclass(frozen=True)
class SequenceInfo:
    """
    Content of a sequence's ``seqinfo.ini``.

    :ivar name: the sequence's name; its folder's where the file states none.
    :ivar frame_rate: frames per second; 30 where the file states none.
    :ivar length: number of frames; None where the file states none.
    :ivar images: the folder of its images, which need not exist.
    """

    name: str
    frame_rate: float
    length: int | None
    images: Path


def read_seqinfo(folder: str | Path) -> SequenceInfo:
    """
    Read the ``seqinfo.ini`` of a sequence folder.

    :raises SourceError: where the file is missing or malformed, or its frame rate is not in
        0..1000.
    """
    folder = Path(folder)
    ini = folder / 'seqinfo.ini'
    if not ini.is_file():
        raise SourceError(f"'{ini}' does not exist. Write it as MOTChallenge does, with frameRate "
                          'and seqLength in its [Sequence] section.')
    # Names may hold a %, and Windows puts a mark before UTF-8.
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(ini, encoding='utf-8-sig')
        section = parser['Sequence']
        fps = section.getfloat('frameRate', fallback=DEFAULT_FPS)
        length = section.getint('seqLength', fallback=None)
    except (configparser.Error, KeyError, ValueError, OSError) as error:
        raise SourceError(f"'{ini}' is not a MOTChallenge seqinfo.ini ({error}). It needs a "
                          '[Sequence] section with frameRate in frames per second.') from error
    if not 0 < fps <= MAX_FPS:
        raise SourceError(f"'{ini}' has frameRate={fps:g}. Set it between 0 and "
                          f'{MAX_FPS:g} frames per second.')
    return SequenceInfo(section.get('name', fallback=folder.resolve().name), fps, length,
                        folder / section.get('imDir', fallback='img1'))
