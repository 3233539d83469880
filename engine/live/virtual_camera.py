"""The virtual camera that Zoom, Meet and Teams list. pyvirtualcam (GPL-2.0) is imported here alone, when opened."""

import sys
from importlib import util

import cv2
import numpy as np

from engine.errors import SinkLost
from engine.live import devices
from engine.live.driver_help import how_to_free, how_to_install
from engine.live.frames import YuvFrame
from engine.live.loopback import free, free_abandoned
from engine.live.sinks import even, fitted

MOST_FPS = 55.0  # Zoom hangs above


class VirtualCamera:
    """Sends to the system's virtual camera; sizes are made even. The pipeline keeps its pace: `fps`.

    device: its file or name, None for the first; library: what has pyvirtualcam's Camera and PixelFormat, for tests.
    Raises SinkLost with the fix: pyvirtualcam or a driver is missing, another program feeds the device, it went away.
    """

    repeats = True

    def __init__(self, height, width, fps, device=None, library=None):
        self.height, self.width, self.fps = even(height), even(width), min(float(fps), MOST_FPS)
        self.name = "virtual camera"
        self._device, self._library, self._camera, self._planar = device, library, None, False
        self.reopen()

    def reopen(self):
        self.close()
        library = self._library or _library()
        free_abandoned()
        planar = library.PixelFormat.I420
        self._camera = self._open(library, planar)
        native = self._camera.native_fmt
        self._planar = native in (None, planar, library.PixelFormat.NV12, library.PixelFormat.YUYV)
        if not self._planar:  # Unity Capture takes RGB: no need to go through half the colour
            self._camera.close()
            self._camera = self._open(library, library.PixelFormat.RGB)
        self.name = f"virtual camera {self._camera.device}"

    def _open(self, library, format):
        try:
            return library.Camera(width=self.width, height=self.height, fps=self.fps, fmt=format, device=self._device)
        except (RuntimeError, OSError) as error:
            raise SinkLost(_why_not(error, self._device)) from error

    def send(self, frame):
        if self._camera is None:
            raise SinkLost("the virtual camera is closed")
        data = self._data(frame)  # outside of try: what fails here is no lost device
        try:
            self._camera.send(data)
        except (RuntimeError, OSError) as error:
            self.close()
            raise SinkLost(f"{self.name} takes no more frames ({error}); {how_to_free([])}") from error

    def _data(self, frame):
        """What the driver takes: I420 in BT.601 and video range, what webcams send and calls expect, or RGB."""
        if self._planar and isinstance(frame, YuvFrame) and frame.size == (self.height, self.width):
            return _in_video_range(frame)
        pixels = frame.pixels
        if pixels.shape[0] - self.height in (0, 1) and pixels.shape[1] - self.width in (0, 1):
            pixels = pixels[: self.height, : self.width]  # an odd size loses its last line, which nobody sees
        else:
            pixels = fitted(pixels, self.height, self.width)
        return cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420) if self._planar else pixels

    def close(self):
        if self._camera is not None:
            path = self._camera.device
            self._camera.close()
            self._camera = None
            free(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _in_video_range(frame):
    """A YuvFrame's I420 with luma in 16 to 235 and chroma in 16 to 240."""
    height, data = frame.size[0], np.empty_like(frame.yuv)
    cv2.convertScaleAbs(frame.yuv[:height], dst=data[:height], alpha=219 / 255, beta=16)
    cv2.convertScaleAbs(frame.yuv[height:], dst=data[height:], alpha=224 / 255, beta=128 - 128 * 224 / 255)
    return data


def library_there():
    """Whether pyvirtualcam is installed, without importing it."""
    return util.find_spec("pyvirtualcam") is not None


def _library():
    if not library_there():
        raise SinkLost("the virtual camera needs pyvirtualcam, which is not installed; `pip install pyvirtualcam`")
    try:
        import pyvirtualcam
    except (ImportError, OSError) as error:
        raise SinkLost(f"pyvirtualcam is broken ({error}); `pip install --force-reinstall pyvirtualcam`") from error
    return pyvirtualcam


def _why_not(error, device):
    said = " ".join(str(error).split())
    if sys.platform.startswith("linux"):
        loopbacks = devices.virtual_cameras()
        if device is None and not loopbacks:
            return f"no virtual camera here: the driver v4l2loopback is not loaded; {how_to_install()}"
        held = [holder for loopback in loopbacks for holder in devices.holders(loopback.path)]
        return f"the virtual camera takes no frames ({said}); {how_to_free(held)}"
    return f"no virtual camera here ({said}); {how_to_install()}; if it is there: {how_to_free([])}"
