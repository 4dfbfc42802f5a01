#!/bin/bash
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests that need neither ROS nor torch on Python 3.10 and the oldest libraries that are
# supported, in .venv-oldest, and measures how much of the code they run: less than the floor in
# pyproject.toml fails. Arguments are for pytest, which then measures nothing.
# Where there is no Python 3.10 it takes the present one, and says so.
# PYTHON_OLDEST=... chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv-oldest
requirements=tools/oldest_requirements.txt

is_310() {
  "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null
}

# Prints a Python 3.10: of the system, or one that pyenv or uv has installed.
find_310() {
  local python
  for python in python3.10 "$(pyenv prefix 3.10 2>/dev/null)/bin/python" \
      "$(uv python find --no-python-downloads 3.10 2>/dev/null)"; do
    if is_310 "$python"; then
      echo "$python"
      return
    fi
  done
  return 1
}

if python=${PYTHON_OLDEST:-$(find_310)}; then
  note=
else
  python=python3
  note=' (no Python 3.10 found on this machine)'
fi

# Installs anew when the interpreter or what is asked for has changed.
key=$("$python" -VV; cat "$requirements" pyproject.toml | sha256sum)
if [ "$(cat "$venv/stamp" 2>/dev/null)" != "$key" ]; then
  echo "Installing the oldest libraries in $venv (about 1 minute) ..."
  rm -rf "$venv"
  "$python" -m venv "$venv"
  pip=("$venv/bin/python" -m pip install --quiet --disable-pip-version-check)
  "${pip[@]}" --requirement "$requirements"
  "${pip[@]}" --no-deps trackeval
  "${pip[@]}" --no-deps --editable .
  echo "$key" > "$venv/stamp"
fi

# A sourced ROS would put its own NumPy and OpenCV in front.
unset PYTHONPATH
"$venv/bin/python" -c 'import platform, cv2, numpy, onnxruntime
print(f"Oldest libraries: Python {platform.python_version()}, NumPy {numpy.__version__}, OpenCV "
      f"{cv2.__version__}, ONNX Runtime {onnxruntime.__version__}", end="")'
echo "$note"
[ $# -gt 0 ] || set -- --cov --cov-report term:skip-covered
exec "$venv/bin/python" -m pytest --timeout 600 -m 'not slow' --ignore test/ros "$@"
