"""A video file through a student: every frame in order, its luma sharpened, all else kept; the sound is copied.

for done in SharpenVideo(source, target, sharpener, strength).run(): ...
"""

import os
from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import cv2

from engine.atomic_write import already_there
from engine.errors import BadOutput, BadSetting, BadVideo
from engine.images import is_same_file
from engine.video.luma import Luma, workable_format, writable
from engine.video.reader import VideoReader
from engine.video.writer import CONTAINERS, QUALITIES, VideoWriter

MARK = "-sharp"
_AHEAD = 4  # frames that may wait to be encoded
_HARDLY = 0.05  # grey levels on average that nobody sees
_PRESET = "faster"  # x264's: two thirds of the size of "veryfast" for a third more time


def target_of(source, out=None, overwrite=False):
    """Where the result goes: NAME-sharp.EXT beside it without OUT, into OUT where that is a folder. Raises BadOutput.

    A container that cannot be written (AVI, WebM, ...) becomes .mkv.
    """
    source = Path(source)
    suffix = source.suffix if source.suffix.lower() in CONTAINERS else ".mkv"
    if out is None:
        target = source.with_name(source.stem + MARK + suffix)
    elif os.path.isdir(out):
        target = Path(out) / (source.stem + suffix)
        if is_same_file(target, source):
            target = Path(out) / (source.stem + MARK + suffix)
    else:
        target = Path(out)
        if target.suffix.lower() not in CONTAINERS:
            raise BadOutput(f"{target} does not say which kind of video to write; end it in {' '.join(CONTAINERS)}")
    if is_same_file(source, target):
        raise BadOutput(f"{target} is the video that is read, which is never overwritten; choose another name")
    if not os.path.isdir(target.parent):
        raise BadOutput(f"the folder {target.parent} does not exist; create it first, or choose another")
    if os.path.lexists(target) and not overwrite:
        raise BadOutput(already_there(target))
    return target


def checked_quality(word):
    """x264's constant rate factor for high, medium, small or a number from 0 (lossless) to 51. Raises BadSetting."""
    if word in QUALITIES:
        return QUALITIES[word]
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 51:
        raise BadSetting(f"--video-quality must be {', '.join(QUALITIES)} or a number from 0 to 51, not {word!r}")
    return value


class SharpenVideo:
    """One job. sharpener: a StreamSharpener; quality: as VideoWriter's.

    Raises BadVideo (no video, no frame, damaged) and BadOutput (the container cannot hold the sound, ...).
    notices: lines on what of the file is not in the result, known after the first frame, and on a file that is sharp
    already, at the end. reader: its VideoReader.
    """

    def __init__(self, source, target, sharpener, strength=1.0, quality=QUALITIES["high"], overwrite=False):
        self.reader = VideoReader(source)
        self._target, self._sharpener, self._strength = Path(target), sharpener, strength
        self._quality, self._overwrite = quality, overwrite
        self.notices: list[str] = []
        self.frames = 0
        self._mean_changes = self._largest_change = 0.0  # grey levels; the first summed over the frames

    def run(self) -> Generator[int, None, None]:
        """The number of frames done, after each. Left before its end (close(), Ctrl-C), nothing is written."""
        with ThreadPoolExecutor(1, "whetstone-read") as read, ThreadPoolExecutor(1, "whetstone-write") as write:
            others, left_out = self._other_streams()
            items = self.reader.frames_and_packets(others)
            writer, copies, early = None, {}, []
            waiting: deque[Future] = deque()
            try:
                ahead = read.submit(next, items, None)
                while (item := ahead.result()) is not None:
                    ahead = read.submit(next, items, None)
                    frame, packet = item
                    if writer is None and frame is None:
                        early.append(packet)  # of the sound, before the first picture told what to write
                        continue
                    if writer is None:
                        writer, copies = self._open(frame, others, left_out)
                        for packet in early:
                            waiting.append(write.submit(_copy, writer, copies, packet))
                    if frame is None:
                        waiting.append(write.submit(_copy, writer, copies, packet))
                    else:
                        waiting.append(write.submit(writer.write, self._sharpened(frame)))
                    while len(waiting) > _AHEAD:
                        waiting.popleft().result()
                    if frame is not None:
                        self.frames += 1
                        yield self.frames
                while waiting:
                    waiting.popleft().result()
                self._note_little_change()
                if writer is not None:
                    write.submit(writer.finish).result()
                    writer = None
            finally:
                for future in waiting:
                    future.cancel()
                if writer is not None:
                    write.submit(writer.discard).result()
                read.submit(self.reader.close)

    def _other_streams(self):
        """(streams to copy, words on those left out)."""
        kept, left_out = [], []
        for stream in self.reader.container.streams:
            if stream.index == self.reader.stream.index:
                continue
            if stream.type in ("audio", "subtitle") and stream.codec_context is not None:
                kept.append(stream)
            else:
                left_out.append(f"stream {stream.index} ({stream.type})")
        return kept, left_out

    def _open(self, first, others, left_out):
        reader = self.reader
        self._size = first.height, first.width
        self._format = workable_format(first.format, first.height, first.width)
        self._base = reader.stream.time_base
        self._frame_time = max(1, round(1 / (Fraction(reader.rate) * self._base)))
        self._last = None
        writer = VideoWriter(
            self._target, height=first.height, width=first.width, rate=reader.rate, time_base=self._base,
            quality=self._quality, preset=_PRESET, pixel_format=self._format, overwrite=self._overwrite,
        )  # fmt: skip
        copies = {}
        try:
            writer.keep_look(reader, first)
            for stream in others:
                try:
                    copies[stream.index] = writer.copy_of(stream)
                except ValueError:
                    if stream.type == "audio":
                        raise self._cannot_hold([stream]) from None
                    left_out.append(f"stream {stream.index} ({stream.type})")
            try:
                writer.begin()
            except ValueError:
                raise self._cannot_hold([stream for stream in others if stream.index in copies]) from None
        except BaseException:
            writer.discard()
            raise
        if left_out:
            self.notices.append(f"not in the result: {', '.join(left_out)}")
        if self._format != first.format.name:
            self.notices.append(f"pixels {first.format.name} are written as {self._format}")
        if reader.stream.metadata.get("alpha_mode", reader.stream.metadata.get("ALPHA_MODE")) == "1":
            self.notices.append("its transparency is not in the result, which H.264 cannot hold")
        if first.interlaced_frame:
            self.notices.append("it is interlaced; the result has the same lines, but is not marked so")
        return writer, copies

    def _cannot_hold(self, streams):
        kinds = " and ".join(sorted({"sound" if stream.type == "audio" else "subtitles" for stream in streams}))
        coders = ", ".join(stream.codec_context.name for stream in streams)
        return BadOutput(
            f"{self._target.suffix} cannot hold the {kinds} of {self.reader.path} ({coders}); "
            "end the name of the result in .mkv"
        )

    def _sharpened(self, frame):
        if (frame.height, frame.width) != self._size:
            raise BadVideo(
                f"{self.reader.path} changes its size to {frame.width}x{frame.height} at frame {self.frames}; "
                "cut it there and sharpen both parts"
            )
        colours = frame
        at_s = float(frame.time) if frame.time is not None else self.frames / float(self.reader.rate)
        frame = writable(frame, self._format)
        self._date(frame)
        if self._strength > 0:
            luma = Luma(frame)
            seen = luma.seen()
            change = self._sharpener.luma_change(seen, at_s, self._strength, lambda: colours.to_ndarray(format="rgb24"))
            self._mean_changes += cv2.norm(change, cv2.NORM_L1) / change.size
            self._largest_change = max(self._largest_change, cv2.norm(change, cv2.NORM_INF))
            luma.add(change)
        return frame

    def _note_little_change(self):
        mean = self._mean_changes / max(1, self.frames)
        none = self._largest_change < (0.125 if self._format.endswith("10le") else 0.5)  # half a step of the pixels
        if self._strength > 0 and (none or mean < _HARDLY):
            much = "no pixel" if none else f"hardly anything ({mean:.1g} grey levels on average)"
            self.notices.append(f"it is measured as sharp already; {much} was changed")

    def _date(self, frame):
        """Its own time where that is later than the last one's; else, or without one, a frame's time after it."""
        if frame.pts is None:
            frame.pts = 0 if self._last is None else self._last + self._frame_time
        elif self._last is not None and frame.pts <= self._last:
            frame.pts = self._last + 1
        frame.time_base = self._base
        self._last = frame.pts


def _copy(writer, copies, packet):
    """A packet of a kept stream, as it is."""
    stream = copies.get(packet.stream.index)
    if stream is not None:
        packet.stream = stream
        writer.mux(packet)
