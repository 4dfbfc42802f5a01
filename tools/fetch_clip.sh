#!/bin/sh
# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# Prints the path of the demo clip: vtest.avi (pedestrians on a square, 768x576, 10 frames per
# second, 795 frames) of the Debian and Ubuntu package opencv-doc. Downloads the package without
# root on the first call and keeps the clip in the user's cache folder.
set -eu

clip=vtest.avi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/finetrack_ros
installed=/usr/share/doc/opencv-doc/examples/data/$clip

for path in "$cache/$clip" "$installed"; do
  if [ -s "$path" ]; then
    echo "$path"
    exit 0
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "demo: cannot get the default clip ($1); give one of your own: make demo VIDEO=clip.mp4" >&2
  if [ -s "$work/log" ]; then sed 's/^/  /' "$work/log" | tail -n 5 >&2; fi
  exit 1
}

apt() {
  apt-get -qq -o APT::Sandbox::User="" -o Acquire::http::Timeout=30 "$@" >>"$work/log" 2>&1
}

# Downloads the package into $work; further arguments go to apt-get.
download() {
  (cd "$work" && apt "$@" download opencv-doc)
}

# The same with package lists of our own, for a machine whose lists are missing or too old.
download_with_lists() {
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  set -- -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache"
  apt "$@" update && download "$@"
}

for tool in apt-get dpkg-deb; do
  command -v $tool >/dev/null || fail "it comes from a Debian package and there is no $tool here"
done
echo "Fetching the demo clip from the package opencv-doc (about 100 MB, once) ..." >&2
download || download_with_lists || fail 'the package opencv-doc could not be downloaded'

dpkg-deb --fsys-tarfile "$work"/opencv-doc_*.deb |
  tar -x -C "$work" --wildcards "*/examples/data/$clip*" 2>>"$work/log" ||
  fail "the package has no $clip"
found=$(find "$work/usr" -name "$clip*" | head -n 1)
case $found in *.gz) gunzip "$found" && found=${found%.gz} ;; esac
mkdir -p "$cache"
mv "$found" "$cache/$clip.part"
mv "$cache/$clip.part" "$cache/$clip"
echo "$cache/$clip"
