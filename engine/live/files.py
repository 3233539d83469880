"""Files played as if a camera gave them: a video or a folder of pictures, at their own pace, over and over."""

import itertools
import os
import time
from pathlib import Path

import numpy as np

from engine.errors import BadImage, SourceLost
from engine.images import FORMAT_OF_SUFFIX, read_picture
from engine.live.frames import frame_of, pixels_of
from engine.live.sources import Pace
from engine.video.reader import VideoReader, upright_rgb


class Played:
    """Frames of an iterator of pixels, at a pace. paced: False gives them as fast as they are taken."""

    name = notice = ""

    def __init__(self, fps, paced, clock, sleep):
        self.fps, self.ended = fps, False
        self._clock, self._index = clock, 0
        self._pace = Pace(fps, clock, sleep) if paced else None
        self._pictures = self._all_pixels()
        self._next = next(self._pictures)  # its size is the stream's, and a file without frames is refused at once
        self.height, self.width = frame_of(self._next, 0, 0.0).size

    def _all_pixels(self):
        """The pixels of every frame, RGB or I420."""
        raise NotImplementedError

    def read(self):
        if self._pace is not None and not self._pace.wait():
            return None
        pixels = self._next
        try:
            self._next = next(self._pictures)
        except StopIteration:
            self.ended = True
        self._index += 1
        return frame_of(pixels, self._index - 1, self._clock())

    def reopen(self):
        raise SourceLost(f"{self.name} cannot be read any more")

    def close(self):
        self._pictures.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class VideoFile(Played):
    """A video file. repeat: begin again at its end. Raises BadVideo, also from read() where the file is damaged."""

    def __init__(self, path, repeat=True, paced=True, clock=time.monotonic, sleep=time.sleep):
        self._reader, self._path, self._repeat = VideoReader(path), Path(path), repeat
        self.name = self._path.name
        try:
            super().__init__(float(self._reader.rate), paced, clock, sleep)
        except BaseException:
            self._reader.close()
            raise

    def _all_pixels(self):
        for turn in itertools.count():
            if turn:
                self._reader.close()
                self._reader = VideoReader(self._path)
            for frame in self._reader.frames():
                yield upright_rgb(frame) if frame.rotation % 360 else pixels_of(frame)
            if not self._repeat:
                return

    def close(self):
        super().close()
        self._reader.close()


class PictureFolder(Played):
    """The pictures of a folder in the order of their names, each as large as it is. Raises BadImage."""

    def __init__(self, folder, fps=30.0, repeat=True, paced=True, clock=time.monotonic, sleep=time.sleep):
        self.name = Path(folder).name or str(folder)
        self._repeat = repeat
        self._paths = sorted(
            path for path in Path(folder).iterdir() if path.suffix.lower() in FORMAT_OF_SUFFIX and os.path.isfile(path)
        )
        if not self._paths:
            raise BadImage(f"there is no picture in {folder}; give a folder of JPEG, PNG, WebP, BMP or TIFF files")
        super().__init__(float(fps), paced, clock, sleep)

    def _all_pixels(self):
        while True:
            for path in self._paths:
                yield _rgb(read_picture(path).pixels)
            if not self._repeat:
                return


def _rgb(pixels):
    """Any picture's pixels as (H, W, 3) uint8."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return np.ascontiguousarray(pixels[:, :, :3])
