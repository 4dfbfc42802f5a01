# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
.PHONY: help setup demo test test-oldest docs clean
.DEFAULT_GOAL := help
export PYTHON VIDEO MAX_FRAMES

help:
	@echo 'make demo    set up, then track people in a clip through ROS 2; results in demo_out/'
	@echo '             VIDEO=file, folder, or camera number; MAX_FRAMES=n'
	@echo 'make test    set up, then lint, check types, and run every test'
	@echo 'make test-oldest'
	@echo '             run the tests without ROS on Python 3.10 and the oldest libraries'
	@echo 'make docs    set up, then build the documentation as a site in build/site'
	@echo 'make setup   build the environment in .venv only (PYTHON=interpreter)'
	@echo 'make clean   remove what the above made in this folder'

setup:
	@tools/setup.sh

demo:
	@tools/setup.sh
	@tools/demo.sh

test:
	@tools/setup.sh test
	@tools/test.sh

test-oldest:
	@tools/test_oldest.sh

docs:
	@tools/setup.sh docs
	@tools/docs.sh

clean:
	rm -rf .venv .venv-oldest build dist install log demo_out finetrack_ros.egg-info
