"""A camera through OpenCV: the asked size and rate in MJPG where the camera has it, read all the time.

On Linux the JPEGs come as they are and are decoded here, not by way of RGB; else OpenCV gives BGR.
"""

import os
import sys
import time

import cv2

from engine.errors import SourceLost
from engine.live import devices
from engine.live.buffers import Buffers
from engine.live.frames import frame_of
from engine.live.jpegs import JpegDecoder, is_jpeg

_PATIENCE_S = 3.0  # frames that do not come for this long: the camera is opened anew
_DAMAGED_FRAMES = 5  # at the start; more is this camera's way of writing JPEGs, and no accident
_MJPG = cv2.VideoWriter_fourcc(*"MJPG")  # type: ignore[attr-defined]
# OpenCV's own limit for a read on Linux is 10 s, during which nobody can stop the call
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")


class Camera:
    """The camera of a number (0 is the first) or a device file. BGR lives only in here.

    open_capture(which) -> what has cv2.VideoCapture's read, set, get, isOpened, release; clock: seconds; for tests.
    Raises SourceLost: no such camera, no permission, held by another program, nothing comes.
    """

    ended = False

    def __init__(self, which=0, height=720, width=1280, fps=30.0, open_capture=None, clock=time.monotonic):
        self._which, self._asked = which, (height, width, float(fps))
        self._open_capture = open_capture or _open
        self._clock = clock
        self._capture = None
        self._index, self._first, self._heard_at = 0, None, 0.0
        self._in_jpegs, self._buffers = False, Buffers()
        self.name = devices.camera_name(which)
        self.notice = ""
        self.height, self.width, self.fps = height, width, float(fps)
        self.reopen()

    def reopen(self):
        self.close()
        try:
            capture = self._open_capture(self._which)
        except cv2.error as error:
            raise SourceLost(devices.why_not(self._which)) from error
        height, width, fps = self._asked
        # compressed first: raw 720p at 30 does not fit through USB 2
        settings = (
            (cv2.CAP_PROP_FOURCC, _MJPG),
            (cv2.CAP_PROP_FRAME_WIDTH, width),
            (cv2.CAP_PROP_FRAME_HEIGHT, height),
            (cv2.CAP_PROP_FPS, fps),
            (cv2.CAP_PROP_BUFFERSIZE, 1),
        )
        first = None
        if capture.isOpened():
            for property, value in settings:
                capture.set(property, value)
            self._decode = JpegDecoder()
            first = self._first_frame(capture)
        if first is None:
            capture.release()
            raise SourceLost(devices.why_not(self._which))
        self._capture, self._heard_at, self._first = capture, self._clock(), first
        self.height, self.width = first.size
        self.fps = _sane(capture.get(cv2.CAP_PROP_FPS)) or fps
        self.notice = _notice(self.name, self._asked, (self.height, self.width, self.fps))

    def read(self):
        if self._first is not None:
            frame, self._first = self._first, None
            return frame
        if self._capture is None:
            raise SourceLost(f"{self.name} is not open")
        taken, pixels = self._capture.read()  # the driver keeps old frames; reading all the time drains it
        frame = self._frame(pixels) if taken else None
        if frame is not None:
            self._heard_at = self._clock()
            return frame
        if not devices.exists(self._which) or self._clock() - self._heard_at > _PATIENCE_S:
            self.close()
            raise SourceLost(f"{self.name} was unplugged or sends nothing; plug it in again, the call goes on then")
        time.sleep(0.01)  # some drivers answer at once that there is nothing
        return None

    def _first_frame(self, capture):
        """The first frame that comes in time; None without one."""
        in_jpegs = sys.platform.startswith("linux") and int(capture.get(cv2.CAP_PROP_FOURCC)) == _MJPG
        self._in_jpegs = in_jpegs and capture.set(cv2.CAP_PROP_CONVERT_RGB, 0)
        damaged, deadline = 0, self._clock() + _PATIENCE_S
        while self._clock() < deadline:
            taken, pixels = capture.read()
            frame = self._frame(pixels) if taken else None
            if frame is not None:
                return frame
            if taken and self._in_jpegs:
                damaged += 1
                if damaged == _DAMAGED_FRAMES or not is_jpeg(pixels):  # OpenCV knows what to make of what it sends
                    self._in_jpegs = not capture.set(cv2.CAP_PROP_CONVERT_RGB, 1)
            if not taken and not devices.exists(self._which):
                break
        return None

    def _frame(self, given):
        """A frame of what OpenCV gave: a JPEG, grey, or BGR; None of a damaged JPEG."""
        captured_at = self._clock()
        if self._in_jpegs:
            pixels = self._decode(given) if is_jpeg(given) else None
            if pixels is None:
                return None
        else:
            code = cv2.COLOR_GRAY2RGB if given.ndim == 2 else cv2.COLOR_BGR2RGB
            pixels = cv2.cvtColor(given, code, dst=self._buffers.take((*given.shape[:2], 3)))
        self._index += 1
        return frame_of(pixels, self._index - 1, captured_at)

    def close(self):
        self._first = None
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _open(which):
    cv2.utils.logging.setLogLevel(0)  # what OpenCV has to say about a missing camera is said here
    if sys.platform.startswith("linux"):
        return cv2.VideoCapture(which, cv2.CAP_V4L2)
    if sys.platform == "win32":
        return cv2.VideoCapture(which, cv2.CAP_DSHOW)
    return cv2.VideoCapture(which)


def _sane(fps):
    return float(fps) if fps and 1 <= fps <= 1000 else None


def _notice(name, asked, given):
    (height, width, fps), (given_height, given_width, given_fps) = asked, given
    parts = []
    if (height, width) != (given_height, given_width):
        parts.append(f"{given_width}x{given_height} where {width}x{height} was asked for")
    if given_fps < 0.9 * fps:
        parts.append(f"{given_fps:g} frames a second where {fps:g} were asked for")
    return f"{name} delivers {' and '.join(parts)}" if parts else ""
