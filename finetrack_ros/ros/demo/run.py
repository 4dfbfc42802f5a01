# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Play a video to the tracker over ROS 2 and record what comes out.

``python -m finetrack_ros.ros.demo --video SOURCE --output demo_out`` starts the player and the
tracker as processes of their own and subscribes to both. ``ros2 topic echo /tracks`` works beside
it, in the same ROS domain.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from types import TracebackType
from typing import Annotated

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rich.console import Console
import typer

from finetrack_ros.errors import FinetrackError
from finetrack_ros.io import open_source
from finetrack_ros.ros.config.environment import large_images_environment
from finetrack_ros.ros.demo.recorder import Recorder
from finetrack_ros.ros.demo.view import LiveView, summary
from finetrack_ros.ros.execution import ignore_interrupts

#: Seconds that the nodes get, once the model is loaded, to find each other and start to track.
START_LIMIT = 120.0
#: Seconds without anything new, after the last frame, until its tracks are given up.
DRAIN_LIMIT = 5.0
#: The same where no image waits for its tracks.
QUIET = 0.5
_STOP_LIMIT = 5.0
_PR_SET_PDEATHSIG = 1


class Child:
    """A node in a process of its own, with its output in a log file; a context manager."""

    def __init__(self, module: str, log: Path, parameters: dict[str, object]) -> None:
        """Start ``python -m module`` with ROS parameters."""
        self.name = module.rpartition('.')[2]
        self._log = log
        command = [sys.executable, '-m', module, '--ros-args']
        for key, value in parameters.items():
            command += ['-p', f'{key}:={value}']
        with log.open('w') as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env={**os.environ, **large_images_environment()}, preexec_fn=die_with_parent)

    def check(self) -> bool:
        """Return whether it still runs; raise FinetrackError with its message if it failed."""
        code = self.process.poll()
        if code:
            raise FinetrackError(f'{self.name} failed: {self._message(code)}')
        return code is None

    def _message(self, code: int) -> str:
        """Return the last error of the log, without the decoration of the logger."""
        lines = self._log.read_text(errors='replace').splitlines()
        errors = [line for line in lines if line.startswith(('[ERROR]', '[FATAL]'))]
        if errors:
            return errors[-1].partition(']: ')[2]
        return f'{lines[-1] if lines else "no output"} (exit code {code}; log: {self._log})'

    def __enter__(self) -> Child:
        """Return the child itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        """End the process."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(_STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def die_with_parent() -> None:
    """Ask Linux to end this process when the one that started it dies, however it dies."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _quoted(text: str) -> str:
    """Return a text quoted for YAML: a camera's index and a folder's name must stay text."""
    return "'" + text.replace("'", "''") + "'"


def _source_facts(source: str, max_frames: int) -> tuple[float, int | None]:
    """Return the frame rate and the number of frames to play; None where it is unknown."""
    with open_source(source) as frames:
        limits = [n for n in (frames.length, max_frames) if n]
        return frames.fps, min(limits) if limits else None


def _record(executor: SingleThreadedExecutor, recorder: Recorder, player: Child, tracker: Child,
            view: LiveView) -> None:
    """Follow the nodes until the player has ended and its last frames are tracked."""
    begin = time.monotonic()
    while player.check():
        executor.spin_once(0.1)
        tracker.check()
        view.update(recorder.tally)
        waiting_since = max(begin, recorder.loading)
        if not recorder.tally.tracked and time.monotonic() - waiting_since > START_LIMIT:
            raise FinetrackError(
                f'no tracks came within {START_LIMIT:.0f} s: the nodes do not find each other; '
                'check ROS_DOMAIN_ID, ROS_LOCALHOST_ONLY and the firewall')
    seen, changed = recorder.progress, time.monotonic()
    while time.monotonic() - changed < (DRAIN_LIMIT if recorder.waiting else QUIET):
        executor.spin_once(0.1)
        tracker.check()
        if recorder.progress > seen:
            seen, changed = recorder.progress, time.monotonic()


def demo(source: str, output: Path, max_frames: int = 0, model: str = 'finetrack_nano',
         console: Console | None = None) -> int:
    """
    Run the demo; return the number of ids that came out.

    :param source: video, image folder, MOTChallenge sequence folder or camera index.
    :param output: folder that gets ``tracks.mp4``, ``tracks.txt`` and the nodes' logs.
    :param max_frames: end after so many frames; 0 plays the whole source.
    :raises FinetrackError: where the source cannot be read or a node fails.
    """
    console = console or Console()
    fps, length = _source_facts(source, max_frames)
    output.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(output / 'tracks.mp4', output / 'tracks.txt', fps)
    executor = SingleThreadedExecutor()
    executor.add_node(recorder)
    player = Child('finetrack_ros.ros.player.video_player_node', output / 'player.log', {
        'source': _quoted(str(Path(source).absolute()) if Path(source).exists() else source),
        'max_frames': max_frames, 'wait_for_subscribers': 2})
    tracker = Child('finetrack_ros.ros.node.tracker_node', output / 'tracker.log', {
        'model': _quoted(model), 'reliability': 'reliable'})
    try:
        with tracker, player, LiveView(console, length) as view:
            _record(executor, recorder, player, tracker, view)
    finally:
        ignore_interrupts()
        recorder.finish()
        recorder.destroy_node()
    lines = f"{summary(recorder.tally)}\nwritten     {output / 'tracks.mp4'}, "
    console.print(f"{lines}{output / 'tracks.txt'}", highlight=False, soft_wrap=True)
    return len(recorder.tally.ids)


def main(
    video: Annotated[str, typer.Option(help='Video, image folder, MOTChallenge sequence folder '
                                            'or camera index')],
    output: Annotated[Path, typer.Option(help='Folder for tracks.mp4 and tracks.txt')] = Path(
        'demo_out'),
    max_frames: Annotated[int, typer.Option(min=0, help='End after so many frames; 0: all')] = 0,
    model: Annotated[str, typer.Option(help='Name or folder of the model')] = 'finetrack_nano',
) -> None:
    """Play a video to the tracker over ROS 2; write tracks.mp4 and tracks.txt."""
    os.environ.update(large_images_environment())
    rclpy.init()
    try:
        if not demo(video, output, max_frames, model):
            raise FinetrackError(f"no ids came out of '{video}': nobody was seen in it")
    except FinetrackError as error:
        print(f'demo: {error}', file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception:
        # Interrupted too: whatever is begun after the shutdown of ROS fails in its own way.
        if rclpy.ok():
            raise
        raise typer.Exit(130) from None
    finally:
        rclpy.try_shutdown()
