# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Enter the environment that `make setup` built:  . tools/env.sh
# (bash and zsh from any folder; plain sh from the repository's root)
#
# Variables are set by name (SC2154), and colcon's file is there after the set-up only (SC1091).
# shellcheck shell=bash disable=SC2154,SC1091

if [ -n "${BASH_VERSION:-}" ]; then
  _finetrack_file=${BASH_SOURCE[0]}
elif [ -n "${ZSH_VERSION:-}" ]; then
  _finetrack_file=$(eval 'echo "${(%):-%x}"')
else
  _finetrack_file=tools/env.sh
fi
_finetrack_root=$(cd "$(dirname "$_finetrack_file")/.." && pwd)
_finetrack_venv=$_finetrack_root/.venv

# Puts $2 in front of the path variable $1, once.
_finetrack_prepend() {
  eval "_finetrack_old=\${$1:-}"
  case ":$_finetrack_old:" in
    *":$2:"*) ;;
    *) export "$1=$2${_finetrack_old:+:$_finetrack_old}" ;;
  esac
}

if [ ! -e "$_finetrack_venv/stamps/build" ]; then
  echo "tools/env.sh: no finished environment in $_finetrack_venv; run 'make setup' first." >&2
  return 1
fi
VIRTUAL_ENV=$_finetrack_venv
export VIRTUAL_ENV
_finetrack_prepend PATH "$_finetrack_venv/bin"

if [ "$(cat "$_finetrack_venv/ros")" = wheels ]; then
  _finetrack_prepend AMENT_PREFIX_PATH "$_finetrack_venv"
  _finetrack_prepend CMAKE_PREFIX_PATH "$_finetrack_venv"
  _finetrack_prepend LD_LIBRARY_PATH "$_finetrack_venv/lib"
  # Wheels keep the libraries that they bring along in a folder each.
  for _finetrack_libs in "$_finetrack_venv"/lib/python3*/site-packages/ros_*.libs; do
    _finetrack_prepend LD_LIBRARY_PATH "$_finetrack_libs"
  done
  # The wheels start Python a second time to set the library path unless told that it is set.
  export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1
  export ROS_DISTRO=kilted ROS_VERSION=2 ROS_PYTHON_VERSION=3
  export ROS_LOG_DIR="${ROS_LOG_DIR:-$_finetrack_venv/log/ros}"
  # Fast DDS loses large images with its default settings.
  if [ -z "${FASTDDS_DEFAULT_PROFILES_FILE:-}" ]; then
    export FASTDDS_DEFAULT_PROFILES_FILE="$_finetrack_root/config/fastdds_large_images.xml"
  fi
elif [ -z "${AMENT_PREFIX_PATH:-}" ]; then
  echo "tools/env.sh: built for ROS 2 $(cat "$_finetrack_venv/ros"); source its setup file first." >&2
  return 1
fi

COLCON_CURRENT_PREFIX=$_finetrack_venv/colcon/install
. "$COLCON_CURRENT_PREFIX/local_setup.sh"
unset COLCON_CURRENT_PREFIX

unset -f _finetrack_prepend
unset _finetrack_libs _finetrack_file _finetrack_root _finetrack_venv _finetrack_old
