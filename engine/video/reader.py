"""Reads a video file frame by frame, every one in order, and says clearly when that cannot be done."""

import os
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from engine.errors import BadVideo
from engine.video.boxes import whole_pieces

MAX_PIXELS = 8192 * 4320  # a frame of an 8K film; a damaged header may say anything
_SLACK_S = 0.5  # that a file may end before it says
# What libav has to say about a file is said here, in one line. Its words must not come to Python at any level: a
# decoder's thread that has some waits for the GIL, which the thread that frees the decoder holds (PyAV issue 751).
av.logging.set_level(None)


class VideoReader:
    """The first moving pictures of a file, upright only by `rotation`. Raises BadVideo.

    height, width: of a frame as it is stored; rate: frames a second, a Fraction; frame_count, seconds: as the file
    says, None where it does not; rotation: degrees counter-clockwise that players turn it, known after the first frame.
    """

    def __init__(self, path):
        self.path = Path(path)
        if not os.path.lexists(self.path):
            raise BadVideo(f"{self.path} does not exist; give a video file")
        if os.path.isdir(self.path):
            raise BadVideo(f"{self.path} is a folder; give a video file")
        try:
            self.container = av.open(str(self.path))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise BadVideo(
                f"{self.path} cannot be read as a video ({_reason(error)}); it is truncated, or another kind of file"
            ) from error
        try:
            self.stream = self._pictures()
        except BaseException:
            self.container.close()
            raise
        self.stream.thread_type = "AUTO"
        context = self.stream.codec_context
        self.height, self.width = context.height, context.width
        self.rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(30)
        self.frame_count = self.stream.frames or None
        self.seconds = self._seconds()
        self.rotation = 0

    def frames(self):
        """Every av.VideoFrame in order. Raises BadVideo where the file is damaged or ends too early, or holds none."""
        yield from (frame for frame, _ in self.frames_and_packets(()))

    def frames_and_packets(self, others):
        """(frame, None) and (None, packet of one of the other streams) as they lie in the file. Raises as frames()."""
        seen, wanted = 0, {stream.index for stream in others}
        ends_s: defaultdict[int, float] = defaultdict(float)  # of each stream; some come up late
        try:
            for packet in self.container.demux():
                if packet.pts is not None:
                    end_s = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    ends_s[packet.stream.index] = max(ends_s[packet.stream.index], end_s)
                if packet.stream.index != self.stream.index:
                    # the end of a stream is told by a packet without a time
                    if packet.dts is not None and packet.stream.index in wanted:
                        yield None, packet
                    continue
                for frame in self.stream.decode(packet):
                    if not seen:
                        self.rotation = frame.rotation % 360
                    seen += 1
                    if self.container.format.name == "avi" and frame.dts is not None:
                        frame.pts = frame.dts  # it holds no other times, and what libav guesses is out of order
                    yield frame, None
        except (av.FFmpegError, OSError) as error:
            raise BadVideo(
                f"{self.path} is damaged or truncated after {_count(seen)} ({_reason(error)}); "
                "copy or download it again"
            ) from error
        if not seen:
            raise BadVideo(f"{self.path} holds no frame that can be decoded; nothing to sharpen")
        self._check_end(seen, ends_s)

    def _check_end(self, seen, ends_s):
        """A file cut off in its middle may end without any complaint; seen: frames; ends_s: of each stream's packets.

        Fewer frames than the file counts are no sign alone: an edit list hides those before a cut, AVI counts empty
        ones. So they must also end too early.
        """
        if self.frame_count:
            early_s = self._early(ends_s[self.stream.index])
            if seen < self.frame_count - 2 and (early_s is None or early_s > 2.5 / self.rate):
                raise BadVideo(
                    f"{self.path} is truncated: it ends after {_count(seen)} of {self.frame_count}; get it again"
                )
            return
        # Matroska counts no frames, but says how long it is; of other containers libav would guess that
        if "matroska" in self.container.format.name and self.container.duration:
            end_s, length_s = max(ends_s.values()), self.container.duration / av.time_base
            if end_s < length_s - _SLACK_S:
                raise BadVideo(f"{self.path} is truncated: it ends after {end_s:.1f} of {length_s:.1f} s; get it again")
        if "mp4" in self.container.format.name and whole_pieces(self.path)[1]:  # fragmented
            raise BadVideo(f"{self.path} is truncated: its last piece is cut off, after {_count(seen)}; get it again")

    def _early(self, end_s):
        """Seconds from the end of the pictures, end_s, to where the file says that it is; None where it does not."""
        if self.stream.duration is None:
            return None
        begin = self.stream.start_time or 0
        return float((begin + self.stream.duration) * self.stream.time_base) - end_s

    def _pictures(self):
        for stream in self.container.streams.video:
            cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
            if cover or stream.codec_context is None:
                continue
            if not stream.codec_context.width or not stream.codec_context.height:
                raise BadVideo(f"{self.path} does not say how large its frames are; it is truncated or damaged")
            if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
                size = f"{stream.codec_context.width}x{stream.codec_context.height}"
                raise BadVideo(f"{self.path} has frames of {size} pixels, more than the {MAX_PIXELS:,} that are read")
            return stream
        raise BadVideo(f"{self.path} holds no moving pictures; give a video file")

    def _seconds(self):
        if self.stream.duration is not None:
            return float(self.stream.duration * self.stream.time_base)
        return self.container.duration / av.time_base if self.container.duration else None

    def close(self):
        self.container.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def upright_rgb(frame):
    """The pixels as a player shows them: (H, W, 3) uint8 RGB, turned by the frame's rotation."""
    pixels = frame.to_ndarray(format="rgb24")
    turn = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
    code = turn.get(frame.rotation % 360)
    return np.ascontiguousarray(pixels if code is None else cv2.rotate(pixels, code))


def _count(number):
    return f"{number} frame" if number == 1 else f"{number} frames"


def _reason(error):
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
