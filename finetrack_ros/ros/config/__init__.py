# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Parameters, their files, launch arguments, and the package's own files."""
