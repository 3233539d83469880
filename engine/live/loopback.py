"""Lets v4l2loopback 0.12 (Debian 12) be fed again: it overlooks the leaving of a program that only wrote to it.

Loaded as browsers need it (exclusive_caps=1), a device that is fed says "camera" and otherwise "output". The driver
counts as fed what was written to, and as leaving only who has called VIDIOC_STREAMON, which pyvirtualcam does not
(letmaik/pyvirtualcam#61, v4l2loopback#470): the device then never says "output" again and nothing can feed it until
the module is loaded anew. Whoever calls VIDIOC_STREAMON and leaves repairs that. Does nothing on other systems.
"""

import contextlib
import os
import struct

from engine.live import devices

_STREAM_ON = 0x40045612  # VIDIOC_STREAMON of <linux/videodev2.h>: _IOW('V', 18, int)
_OUTPUT = struct.pack("i", 2)  # V4L2_BUF_TYPE_VIDEO_OUTPUT


def free(path):
    """For the program that has just stopped feeding a device. path: its file."""
    for device in devices.virtual_cameras():
        if str(device.path) == str(path) and not device.outputs:
            _leave(device.path)


def free_abandoned():
    """Free what a killed feeder has left: a device that is neither camera nor output is open in no program at all."""
    for device in devices.virtual_cameras():
        if device.driver and not device.captures and not device.outputs:
            _leave(device.path)


def _leave(path):
    import fcntl

    with contextlib.suppress(OSError):  # then it stays as it is, and opening it says why
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(handle, _STREAM_ON, _OUTPUT)
        finally:
            os.close(handle)
