#!/bin/sh
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Finds what the set-up cannot bring itself (Python, compiler, CMake), then runs setup_env.py.
# usage: tools/setup.sh [test] [docs]    PYTHON=... chooses the interpreter
set -eu
tools=$(cd "$(dirname "$0")" && pwd)

fail() {
  echo "setup: $*" >&2
  exit 1
}

# Says whether interpreter $1 is there and of a version that the ROS wheels exist for.
suits() {
  "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
  suits "$PYTHON" || fail "PYTHON=$PYTHON is not a Python 3.10 to 3.13; name another interpreter."
else
  for PYTHON in python3 python3.10 python3.11 python3.12 python3.13 none; do
    if suits "$PYTHON"; then break; fi
  done
  [ "$PYTHON" != none ] ||
    fail "no Python 3.10 to 3.13 found; install one (sudo apt install python3 python3-venv" \
         "python3-dev) or name it: make setup PYTHON=/path/to/python3"
fi
"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
  fail "$PYTHON lacks the venv module; remedy: sudo apt install python3-venv"
"$PYTHON" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
  fail "$PYTHON lacks its C headers (Python.h); remedy: sudo apt install python3-dev"
command -v "${CXX:-c++}" >/dev/null || fail "no C++ compiler found; remedy: sudo apt install g++"
command -v cmake >/dev/null || fail "no CMake found; remedy: sudo apt install cmake"

exec "$PYTHON" "$tools/setup_env.py" "$@"
