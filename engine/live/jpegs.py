"""The JPEGs that a camera sends, decoded one by one to what a frame is made of: no detour over RGB."""

import av
import numpy as np

from engine.live.frames import pixels_of

av.logging.set_level(None)  # as engine.video.reader, which says why
_START = b"\xff\xd8"


def is_jpeg(data):
    """Whether what a camera gave is a JPEG and no pixels: (1, N) uint8, as OpenCV hands bytes over."""
    return data.dtype == np.uint8 and data.ndim == 2 and data.shape[0] == 1 and data[0, :2].tobytes() == _START


class JpegDecoder:
    """jpeg -> I420 or RGB, as engine.live.frames.pixels_of; None for one that is damaged, as a bad cable makes them."""

    def __init__(self):
        self._codec = av.CodecContext.create("mjpeg", "r")
        self._codec.thread_count = 1  # several would hold frames back
        self._codec.options = {"err_detect": "explode"}  # else what is missing comes as black

    def __call__(self, jpeg):
        """jpeg: bytes, or an array of them; what lies behind its end is left alone."""
        try:
            pictures = self._codec.decode(av.Packet(bytes(jpeg)))
        except av.FFmpegError:
            return None
        return pixels_of(pictures[-1]) if pictures and not pictures[-1].is_corrupt else None
