# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
#
# The tracker on ROS 2 Jazzy:
#   docker build -t finetrack_ros .
#   docker run --rm --net host --ipc host finetrack_ros \
#     ros2 launch finetrack_ros tracker.launch.py image_topic:=/camera/image_raw
FROM ros:jazzy-ros-base

SHELL ["/bin/bash", "-e", "-o", "pipefail", "-c"]
# Ubuntu 24.04 keeps pip out of its own Python unless told that the machine is pip's alone.
ENV PIP_BREAK_SYSTEM_PACKAGES=1
WORKDIR /ws

# Dependencies stand in a layer of their own, which a change of the code leaves alone.
COPY package.xml requirements.txt src/finetrack_ros/
# hadolint ignore=DL3008,DL3013
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3-pip \
  && rosdep update --rosdistro "$ROS_DISTRO" \
  && rosdep install --from-paths src --ignore-src -y \
    -t buildtool -t buildtool_export -t build -t build_export -t exec \
  && pip install --no-cache-dir -r src/finetrack_ros/requirements.txt \
  && pip install --no-cache-dir --no-deps trackeval \
  && rm -rf /var/lib/apt/lists/*

COPY . src/finetrack_ros
RUN . "/opt/ros/$ROS_DISTRO/setup.bash" \
  && colcon build --packages-select finetrack_ros --cmake-args -DBUILD_TESTING=OFF

ENTRYPOINT ["/bin/bash", "-c", "source /ws/install/setup.bash && exec \"$@\"", "--"]
CMD ["ros2", "launch", "finetrack_ros", "tracker.launch.py"]
