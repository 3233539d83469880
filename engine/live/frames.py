"""One picture of a stream, with its number and the time at which it was captured; nothing travels without them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import av

_BT601 = {2, 5, 6}  # libav's AVCOL_SPC_UNSPECIFIED, BT470BG, SMPTE170M


@dataclass(frozen=True, eq=False)
class Frame:
    """pixels: (H, W, 3) uint8 RGB, never written to after it is made; index: 0, 1, ... in the order of capture."""

    pixels: Any
    index: int
    captured_at: float  # seconds, on the clock of the pipeline (time.monotonic)

    @property
    def size(self):
        """(height, width)."""
        return self.pixels.shape[:2]

    def with_pixels(self, pixels):
        """The same moment with other pixels."""
        return replace(self, pixels=pixels)


@dataclass(frozen=True, eq=False)
class YuvFrame:
    """A frame as cameras send and calls take it: students change its luma alone, RGB is made for who asks for it.

    yuv: (H x 3/2, W) uint8, I420: H rows of luma, then Cb and Cr at half the height and width; H and W even; BT.601 in
    the full range, as in a JPEG. Never written to after it is made. index, captured_at: as a Frame's.
    """

    yuv: Any
    index: int
    captured_at: float

    @property
    def size(self):
        """(height, width)."""
        return len(self.yuv) * 2 // 3, self.yuv.shape[1]

    @property
    def luma(self):
        """(H, W) uint8, a view."""
        return self.yuv[: self.size[0]]

    @cached_property
    def pixels(self):
        """(H, W, 3) uint8 RGB; libav's fast rounding leaves it darker by up to 1.5 grey levels."""
        return av.VideoFrame.from_ndarray(self.yuv, format="yuvj420p").to_ndarray(format="rgb24")

    def with_pixels(self, pixels):
        """The same moment with other pixels, RGB or I420."""
        return frame_of(pixels, self.index, self.captured_at)


def frame_of(pixels, index, captured_at):
    """A Frame of RGB, a YuvFrame of I420."""
    kind = YuvFrame if pixels.ndim == 2 else Frame
    return kind(pixels, index, captured_at)


def pixels_of(picture):
    """What a frame is made of from an upright av.VideoFrame: I420 where it is like a JPEG, of even size, else RGB."""
    like_a_jpeg = picture.format.name in ("yuvj420p", "yuvj422p") and picture.colorspace in _BT601
    if like_a_jpeg and picture.height % 2 == picture.width % 2 == 0:
        return picture.to_ndarray(format="yuvj420p")
    return picture.to_ndarray(format="rgb24")
