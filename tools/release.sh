#!/bin/bash
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Builds wheel and source archive, checks them, installs the wheel in a bare environment, and tracks
# a clip with it there.
# usage: tools/release.sh [FOLDER]    writes both to FOLDER (dist); PYTHON=... chooses the interpreter
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath --canonicalize-missing "${1:-dist}")
python=${PYTHON:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "release: $*" >&2
  exit 1
}

if [ -d "$folder" ] && [ -n "$(ls -A "$folder")" ]; then
  fail "$folder is not empty; remove what an earlier release left there"
fi

"$python" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --disable-pip-version-check build twine
"$work/tools/bin/python" -m build --outdir "$folder" .
"$work/tools/bin/twine" check --strict "$folder"/*

wheel=$(echo "$folder"/*.whl)
for graph in detector embedder; do
  name=finetrack_ros/weights/finetrack_nano/$graph.onnx
  "$python" -m zipfile --list "$wheel" | grep -q "$name" || fail "the wheel lacks $name"
  tar --list --file "$(echo "$folder"/*.tar.gz)" | grep "$name" >/dev/null ||
    fail "the source archive lacks $name"
done

"$python" -m venv "$work/bare"
"$work/bare/bin/pip" install --quiet --disable-pip-version-check "$wheel"
# From elsewhere: here the source tree would be imported.
cd "$work"
bare/bin/python - <<'PYTHON'
import cv2
import numpy as np

writer = cv2.VideoWriter('clip.avi', cv2.VideoWriter_fourcc(*'MJPG'), 10, (320, 240))
for step in range(10):
    writer.write(np.full((240, 320, 3), 20 * step, np.uint8))
writer.release()
PYTHON
bare/bin/finetrack --version
bare/bin/finetrack track clip.avi --output tracks.txt --no-progress
[ -e tracks.txt ] || fail 'the installed command wrote no tracks'
echo "release: built, checked and run: $(basename -a "$folder"/* | tr '\n' ' ')"
