# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the demo shows while it runs: a progress bar, or plain lines where nobody looks."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from finetrack_ros.ros.demo.recorder import Tally

#: Seconds between two lines where the output is not a terminal.
LINE_PERIOD = 2.0


class LiveView:
    """Shows the tally; a context manager."""

    def __init__(self, console: Console, length: int | None) -> None:
        """Show on ``console``; ``length`` is the number of frames, where it is known."""
        self._console = console
        self._length = length
        self._last_line = 0.0
        self._progress = Progress(
            SpinnerColumn(), MofNCompleteColumn(), BarColumn(bar_width=20),
            TextColumn('{task.description}'), console=console, transient=True)
        self._task = self._progress.add_task('starting', total=length)

    def update(self, tally: Tally) -> None:
        """Show the present figures."""
        if not tally.tracked:
            return
        if self._console.is_terminal:
            self._progress.update(self._task, completed=tally.images, description=live(tally))
        elif time.monotonic() - self._last_line >= LINE_PERIOD:
            self._last_line = time.monotonic()
            total = '' if self._length is None else f'/{self._length}'
            self._console.print(f'frame {tally.images}{total}: {live(tally)}')

    def __enter__(self) -> LiveView:
        """Begin to show."""
        if self._console.is_terminal:
            self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """Clear the bar."""
        self._progress.stop()


def live(tally: Tally) -> str:
    """Return the live line."""
    latency = f'{1e3 * tally.latency(0.5, newest=20):.0f} ms' if tally.latencies else 'unknown'
    return (f'{tally.fps:.1f} fps, latency {latency}, {tally.on_screen} tracks, '
            f'{tally.dropped} dropped')


def summary(tally: Tally) -> str:
    """Return the lines that the demo ends with."""
    return '\n'.join([
        f'frames      {tally.images} played, {tally.tracked} tracked at {tally.mean_fps:.1f} per '
        f'second, {tally.dropped} dropped',
        f'latency     {1e3 * tally.latency(0.5):.0f} ms median, {1e3 * tally.latency(0.95):.0f} '
        'ms 95th percentile (image stamp to tracks published)',
        f'ids         {len(tally.ids)}',
        f'embeddings  {tally.embeddings} messages of {tally.embedding_dim} values per track',
    ])
