# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from finetrack_ros.errors import SourceError
from finetrack_ros.recordings.results import Record, Store, TrackTable
from finetrack_ros.tracking import Tracks

pytest.importorskip('fsspec', reason='needs the extra batch')
parquet = pytest.importorskip('pyarrow.parquet', reason='needs the extra batch')

RECORD = Record('clip', '/videos/clip.mp4', 'abc', 'def', 7, 1, 2, 0.5)


def make_tracks(ids, embeddings=None):
    count = len(ids)
    boxes = np.array([[number, 2, number + 10, 32] for number in ids], np.float32)
    return Tracks(np.array(ids, np.int64), boxes.reshape(-1, 4),
                  np.full((count, 4), 3, np.float32), np.full(count, 0.5, np.float32),
                  np.zeros(count, np.int32), np.zeros(count, np.float32),
                  np.ones(count, np.int32), np.zeros(count, np.float32),
                  np.ones(count, np.uint8), np.arange(count, dtype=np.int32), embeddings)


def test_records_come_back_by_name(tmp_path):
    store = Store(str(tmp_path / 'out'))
    assert store.records() == {}
    (tmp_path / 'tracks').write_text('text')
    store.write(RECORD, {'text/clip.txt': tmp_path / 'tracks'})
    store.write(replace(RECORD, name='other', error='damaged'), {})
    assert store.records() == {'clip': RECORD,
                               'other': replace(RECORD, name='other', error='damaged')}
    assert (tmp_path / 'out/text/clip.txt').read_text() == 'text'


@pytest.mark.parametrize('content', ['', '{"name": "cl', '[]', '{"name": "clip", "colour": 1}'])
def test_half_a_record_is_none(tmp_path, content):
    store = Store(str(tmp_path))
    store.write(RECORD, {})
    (tmp_path / 'records/clip.json').write_text(content)
    assert store.records() == {}


def test_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / 'out').write_text('a file')
    with pytest.raises(SourceError, match=r'out/records/clip\.json. cannot be written'):
        Store(str(tmp_path / 'out')).write(RECORD, {})


def test_rows_are_those_of_the_tracks(tmp_path):
    table = TrackTable(tmp_path, ('person',))
    table.add(1, 0.0, make_tracks([4, 5]))
    table.add(3, 0.2, make_tracks([]))
    table.add(4, 0.3, make_tracks([5]))
    table.close()
    rows = parquet.read_table(table.path).to_pylist()
    assert [(row['frame'], row['id'], row['class']) for row in rows] == [
        (1, 4, 'person'), (1, 5, 'person'), (4, 5, 'person')]
    assert {key: rows[2][key] for key in ('stamp', 'left', 'top', 'width', 'height')} == {
        'stamp': 0.3, 'left': 5.0, 'top': 2.0, 'width': 10.0, 'height': 30.0}
    assert rows[0]['velocity_x'] == 3.0
    assert table.embeddings() is None


def test_recording_without_tracks_has_a_table_without_rows(tmp_path):
    table = TrackTable(tmp_path, ('person',))
    table.close()
    assert parquet.read_table(table.path).num_rows == 0


def test_last_embedding_of_each_track_is_kept(tmp_path):
    first, second = np.eye(2, 3, dtype=np.float32), np.eye(1, 3, k=2, dtype=np.float32)
    table = TrackTable(tmp_path, ('person',))
    table.add(1, 0.0, make_tracks([4, 5], first))
    table.add(2, 0.1, make_tracks([5], second))
    table.close()
    assert parquet.read_table(table.embeddings()).to_pylist() == [
        {'id': 4, 'last_frame': 1, 'embedding': [1.0, 0.0, 0.0]},
        {'id': 5, 'last_frame': 2, 'embedding': [0.0, 0.0, 1.0]}]
