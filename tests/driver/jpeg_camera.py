"""Runs inside the virtual machine: /dev/video0 plays a camera that sends JPEGs, and the project's Camera reads it."""

import fcntl
import os
import struct
import threading
import time

import cv2

from engine.live.camera import Camera
from engine.live.frames import YuvFrame
from tests.driver.machine import report
from tests.driver.pictures import index_of, picture

HEIGHT, WIDTH, FPS, COUNT = 360, 640, 30.0, 12

_SET_FORMAT = 0xC0D05605  # VIDIOC_S_FMT of <linux/videodev2.h>: _IOWR('V', 5, 208 bytes)
_OUTPUT, _NO_FIELDS, _JPEG_COLOURS = 2, 1, 7  # v4l2_buf_type, v4l2_field, v4l2_colorspace
_LARGEST = 1 << 20  # bytes of a JPEG


class JpegSender(threading.Thread):
    """Sends JPEGs in turn at a rate, as the end of the device that programs see as a camera, until stop()."""

    def __init__(self, path, jpegs, height, width, fps):
        super().__init__(daemon=True)
        self._jpegs, self._fps, self._stopped = jpegs, fps, threading.Event()
        self._device = os.open(path, os.O_RDWR)
        mjpg = struct.unpack("<I", b"MJPG")[0]
        pixels = struct.pack("<7I", width, height, mjpg, _NO_FIELDS, 0, _LARGEST, _JPEG_COLOURS)
        fcntl.ioctl(self._device, _SET_FORMAT, struct.pack("<I4x", _OUTPUT) + pixels.ljust(200, b"\0"))

    def run(self):
        sent = 0
        while not self._stopped.wait(1 / self._fps):
            os.write(self._device, self._jpegs[sent % len(self._jpegs)])
            sent += 1

    def stop(self):
        self._stopped.set()
        self.join()
        os.close(self._device)


def frames_of_camera():
    """What the Camera makes of the pictures: the number, kind, (height, width) and mean error of each of its frames."""
    seen: list[dict] = []
    with Camera(0, HEIGHT, WIDTH, FPS) as camera:
        while len(seen) < COUNT:
            frame = camera.read()
            if frame is not None:
                shown = index_of(frame.pixels)
                error = float(cv2.absdiff(frame.pixels, picture(shown % COUNT, HEIGHT, WIDTH)).mean())
                as_sent = isinstance(frame, YuvFrame)
                seen.append({"index": shown, "as_sent": as_sent, "size": frame.size, "mean_error": error})
    return seen


def main():
    pictures = [picture(index, HEIGHT, WIDTH) for index in range(COUNT)]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 95]
    jpegs = [cv2.imencode(".jpg", pixels[:, :, ::-1], quality)[1].tobytes() for pixels in pictures]
    sender = JpegSender("/dev/video0", jpegs, HEIGHT, WIDTH, FPS)
    sender.start()
    time.sleep(3 / FPS)  # the driver says that this is a camera once a first frame has come
    seen = frames_of_camera()
    sender.stop()
    report(seen)


if __name__ == "__main__":
    main()
