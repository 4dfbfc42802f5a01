# Copyright 2026 The finetrack_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A camera in a process of its own, which sees one white square and may be killed."""

import time

import numpy as np
import rclpy
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from finetrack_ros.ros.messages.image_conversions import to_image_message


def main():
    """Publish ten images per second until the end of the process."""
    rclpy.init()
    node = rclpy.create_node('square_camera')
    publisher = node.create_publisher(Image, 'image', 10)
    image = np.zeros((240, 320, 3), np.uint8)
    image[20:60, 10:50] = 255
    while rclpy.ok():
        header = Header(stamp=node.get_clock().now().to_msg(), frame_id='square_camera')
        publisher.publish(to_image_message(image, header))
        time.sleep(0.1)


if __name__ == '__main__':
    main()
