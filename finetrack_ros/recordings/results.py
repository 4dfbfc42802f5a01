# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is kept of each recording: MOTChallenge text, rows of a Parquet data set, a record."""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Any

from finetrack_ros.errors import SourceError
from finetrack_ros.recordings.listing import file_system
from finetrack_ros.tracking import Tracks

# Rows that are written at once; a part of a few megabytes.
_GROUP = 50_000


@dataclass(frozen=True)
class Record:
    """
    What became of a recording.

    :ivar name, source: of the recording.
    :ivar fingerprint: of its files when it was tracked.
    :ivar settings: digest of all settings that the tracks depend on.
    :ivar frames, skipped: number of images tracked, and of those that could not be decoded.
    :ivar ids: number of tracks.
    :ivar seconds: time that it took.
    :ivar error: what ended it, '' where nothing did.
    """

    name: str
    source: str
    fingerprint: str
    settings: str
    frames: int = 0
    skipped: int = 0
    ids: int = 0
    seconds: float = 0.0
    error: str = ''


class Store:
    """
    The results' folder, on a disk or in an object store.

    ``tracks/recording=NAME/part-0.parquet``, ``embeddings/recording=NAME/part-0.parquet``,
    ``text/NAME.txt``, ``records/NAME.json``. A record is written last: what has none is done
    again.
    """

    def __init__(self, root: str) -> None:
        """Open the folder; SourceError where it cannot be reached."""
        self.root = root
        self._system, self._path = file_system(root)

    def records(self) -> dict[str, Record]:
        """
        Return the records of earlier runs, by name.

        :raises SourceError: where the folder cannot be read.
        """
        try:
            paths = self._system.glob(f'{self._path}/records/*.json')
            found = self._system.cat(paths) if paths else {}
        # Each kind of storage has errors of its own.
        except Exception as error:
            raise SourceError(f"'{self.root}' cannot be read ({error}). Choose a folder where you "
                              'may read and write.') from error
        records = {}
        for content in found.values():
            # A killed run may leave half a file, and another version one of other fields.
            with contextlib.suppress(ValueError, TypeError):
                record = Record(**json.loads(content))
                records[record.name] = record
        return records

    def write(self, record: Record, files: dict[str, Path]) -> None:
        """
        Put a recording's files and then its record in place of those of an earlier run.

        :param files: local files by their names in the folder.
        :raises SourceError: where that is not allowed or the disk is full.
        """
        target = ''
        try:
            for target, path in files.items():
                self._put(target, path.read_bytes())
            target = f'records/{record.name}.json'
            self._put(target, json.dumps(asdict(record), indent=2).encode())
        # Each kind of storage has errors of its own.
        except Exception as error:
            raise SourceError(f"'{self.root}/{target}' cannot be written ({error}). Choose a "
                              'folder where you may write, with room.') from error

    def _put(self, name: str, content: bytes) -> None:
        path = f'{self._path}/{name}'
        self._system.makedirs(path.rpartition('/')[0], exist_ok=True)
        self._system.pipe_file(path, content)


class TrackTable:
    """Rows of the Parquet data set of one recording; a context manager."""

    def __init__(self, folder: Path, class_names: tuple[str, ...]) -> None:
        """Write into a local folder, which exists."""
        import pyarrow as pa

        self._names = class_names
        self._schema = pa.schema([
            ('frame', pa.int32()), ('stamp', pa.float64()), ('id', pa.int64()),
            *((name, pa.float32()) for name in ('left', 'top', 'width', 'height', 'score',
                                                'velocity_x', 'velocity_y')),
            ('class', pa.dictionary(pa.int32(), pa.string()))])
        self.path = folder / 'tracks.parquet'
        self._embeddings_path = folder / 'embeddings.parquet'
        self._columns: dict[str, list[Any]] = {name: [] for name in self._schema.names}
        self._last: dict[int, tuple[int, Any]] = {}
        self._writer: Any = None

    def add(self, frame: int, stamp: float, tracks: Tracks) -> None:
        """Append the tracks of a frame; ``stamp`` in seconds from the recording's first."""
        count = len(tracks)
        boxes = tracks.boxes
        rows = {
            'frame': [frame] * count, 'stamp': [stamp] * count, 'id': tracks.ids.tolist(),
            'left': boxes[:, 0].tolist(), 'top': boxes[:, 1].tolist(),
            'width': (boxes[:, 2] - boxes[:, 0]).tolist(),
            'height': (boxes[:, 3] - boxes[:, 1]).tolist(), 'score': tracks.scores.tolist(),
            'velocity_x': tracks.velocities[:, 0].tolist(),
            'velocity_y': tracks.velocities[:, 1].tolist(),
            'class': [self._names[index] for index in tracks.classes.tolist()]}
        for name, values in rows.items():
            self._columns[name] += values
        if tracks.embeddings is not None:
            self._last.update(zip(tracks.ids.tolist(), (
                (frame, row) for row in tracks.embeddings), strict=True))
        if len(self._columns['id']) >= _GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self.path, self._schema, compression='zstd')
        self._writer.write_table(pa.table(self._columns, schema=self._schema))
        for values in self._columns.values():
            values.clear()

    def close(self) -> None:
        """Finish the file; a recording without tracks has one without rows."""
        self._flush()
        self._writer.close()

    def embeddings(self) -> Path | None:
        """
        Write the last embedding of each track; return the file.

        :return: a table of id, last frame and float32 vector of unit length; None where no track
            had any.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._last:
            return None
        width = len(next(iter(self._last.values()))[1])
        vectors = pa.array([row for _, row in self._last.values()],
                           pa.list_(pa.float32(), width))
        pq.write_table(pa.table({
            'id': pa.array(list(self._last), pa.int64()),
            'last_frame': pa.array([frame for frame, _ in self._last.values()], pa.int32()),
            'embedding': vectors}), self._embeddings_path, compression='zstd')
        return self._embeddings_path
