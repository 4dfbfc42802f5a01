# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Many recordings at once: which they are, tracking each by a pool of workers, what comes out."""
