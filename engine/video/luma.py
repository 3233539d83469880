"""The luma of a decoded frame: what a student sees of it, and adding to it; chroma is never touched.

Adding the same to R, G and B changes Y alone, so a video needs no colour conversion there and back: its chroma, its
colour tags and its bit depth stay as they are.
"""

import av
import cv2
import numpy as np

from engine.pixels import add
from engine.video.colours import bt709, has_no_luma

_TEN_BITS = "10le"
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG


def workable_format(frame_format, height, width):
    """The pixel format to sharpen and encode in: the frame's own, or the nearest that H.264 has at this size.

    frame_format: an av.VideoFormat. Returns libav's word.
    """
    name = frame_format.name
    ten = frame_format.components[0].bits > 8
    if len(frame_format.components) < 3 and not has_no_luma(frame_format):
        return "gray10le" if ten else "gray"
    if has_no_luma(frame_format):
        kind = "444"
    else:
        halves = frame_format.chroma_width(16) < 16, frame_format.chroma_height(16) < 16
        kind = {(True, True): "420", (True, False): "422"}.get(halves, "444")
    if (kind != "444" and width % 2) or (kind == "420" and height % 2):
        kind = "444"  # H.264 halves the colours of even sizes alone
    full = "j" if name.startswith("yuvj") and not ten else ""
    return f"yuv{full}{kind}p{_TEN_BITS if ten else ''}"


def writable(frame, pixel_format):
    """The frame in a pixel format, with planes of its own that may be written to."""
    if frame.format.name != pixel_format:
        times = frame.pts, frame.time_base, frame.duration
        frame = bt709(frame, pixel_format) if has_no_luma(frame.format) else frame.reformat(format=pixel_format)
        frame.pts, frame.time_base, frame.duration = times
    frame.make_writable()
    frame.pict_type = av.video.frame.PictureType.NONE  # the encoder decides which are key frames
    return frame


class Luma:
    """The luma plane of a writable frame of a workable format."""

    def __init__(self, frame):
        plane, ten = frame.planes[0], frame.format.name.endswith(_TEN_BITS)
        kind = np.uint16 if ten else np.uint8
        rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // np.dtype(kind).itemsize)
        self._plane = rows[: frame.height, : frame.width]
        full = frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")
        scale = 4 if ten else 1
        self._black, self._steps = (0, (1023 if ten else 255)) if full else (16 * scale, 219 * scale)
        self._most = 1023 if ten else 255

    def seen(self):
        """(H, W) uint8, full range, as a student sees it; the deeper levels of 10 bits are rounded for that alone."""
        if self._steps == 255:
            return np.ascontiguousarray(self._plane)
        above = np.maximum(self._plane, self._black) - self._black
        return cv2.convertScaleAbs(above, alpha=255 / self._steps)

    def add(self, change):
        """change: (H, W) float32 in grey levels of the full range; rounded once, in the depth that the frame has."""
        change = change * np.float32(self._steps / 255)
        if self._most == 255:
            add(self._plane, change[:, :, None])
        else:
            np.copyto(self._plane, np.clip(np.rint(self._plane + change), 0, self._most), casting="unsafe")
