#!/bin/bash
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Tries every inference engine of this machine: the same numbers as ONNX Runtime on the CPU, how
# long, how many images a second at batches of 1 to 8. Under eight minutes, building included; the
# results go to gpu_check.json in the present folder. Half precision is tried where torch is there.
# usage: tools/gpu_check.sh    (PYTHON=... chooses the interpreter, CHECKPOINT=... the model.pt)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
weights=$root/finetrack_ros/weights/finetrack_nano
checkpoint=${CHECKPOINT:-$weights/model.pt}
export PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
export FINETRACK_CACHE
FINETRACK_CACHE=$(mktemp -d)
trap 'rm -rf "$FINETRACK_CACHE"' EXIT

nvidia-smi --query-gpu=name,driver_version,memory.total,power.draw --format=csv 2>/dev/null ||
  { [ -r /etc/nv_tegra_release ] && head -1 /etc/nv_tegra_release; } ||
  echo 'No NVIDIA GPU found; CPU engines only.'
"$python" -m finetrack_ros.cli engines

models=("$weights")
if [ -r "$checkpoint" ] &&
   "$python" -c 'import lightning, onnx, onnxscript, torch, torchvision' 2>/dev/null; then
  models=()
  for precision in fp32 fp16; do
    folder=$FINETRACK_CACHE/$precision
    "$python" -m finetrack_ros.cli export "$checkpoint" --output "$folder" \
      --engine tensorrt --precision "$precision" >/dev/null 2>&1
    models+=("$folder")
  done
fi
timeout 420 "$python" "$root/benchmarks/engines.py" --seconds "${SECONDS_EACH:-1}" \
  --json gpu_check.json --model "${models[@]}"
echo "Written gpu_check.json."
