# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Say that something that takes long is still going on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import contextlib
import threading
import time

PERIOD = 5.0


@contextlib.contextmanager
def heartbeat(say: Callable[[str], object], what: str, period: float = PERIOD) -> Iterator[None]:
    """Call ``say`` from a thread every ``period`` seconds until the block ends."""
    start = time.monotonic()
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(period):
            say(f'still {what} after {time.monotonic() - start:.0f} s')

    thread = threading.Thread(target=beat, name='heartbeat', daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
