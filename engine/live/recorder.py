"""Records what is sent to a video file, on a thread of its own: a slow disk or a full one never holds up the call."""

import os
import threading
from fractions import Fraction

import av

from engine.errors import BadOutput
from engine.live.sinks import even, fitted
from engine.live.slots import OrderedQueue
from engine.video.colours import bt709
from engine.video.writer import CONTAINERS, VideoWriter

_BASE = Fraction(1, 90_000)  # of the timestamps, as in broadcasting
_WAITING = 8  # frames


class Recorder:
    """A sink: frames that it has no room for are left out, the others keep their times. Raises BadOutput.

    The file appears when close() has come to its end; on a full disk sooner, with what it holds by then. error: the one
    line on what went wrong meanwhile, else ""; tell(line) is told it at once, from the recording's thread. needed:
    there is no call without the file, so that send() raises the error; else it never raises, and the call goes on.
    """

    fps, repeats = None, False

    def __init__(self, path, fps, overwrite=False, tell=None, needed=False):
        self.path, self._fps, self._overwrite, self._tell, self.needed = path, fps, overwrite, tell, needed
        self.name = str(path)
        self.error = ""
        self.written = self.left_out = 0
        self._queue = OrderedQueue(_WAITING)
        self._writer: VideoWriter | None = None
        self._size, self._begun_at, self._last = (0, 0), 0.0, -1
        _refuse(path, overwrite)
        self._thread = threading.Thread(target=self._work, name="whetstone-record", daemon=True)
        self._thread.start()

    def send(self, frame):
        """Never waits."""
        if self.error and self.needed:
            raise BadOutput(self.error)
        if not self.error and not self._queue.put(frame, wait=False):
            self.left_out += 1

    def reopen(self):
        """A file is not lost and found."""

    def close(self):
        """Write what waits, and give the file its name; no frame at all leaves no file."""
        self._queue.close()
        self._thread.join()

    def _work(self):
        try:
            while not self._queue.finished:
                frame = self._queue.take(timeout_s=0.5)
                if frame is not None:
                    self._write(frame)
            if self._writer is not None:
                self._writer.finish()
        except BadOutput as error:
            self._fail(str(error))
        except Exception as error:  # the call goes on whatever a coder does
            self._fail(f"{type(error).__name__}: {error}")
            if self._writer is not None:
                self._writer.discard()
        finally:
            self._queue.close()

    def _fail(self, why):
        self.error = why if self.needed else f"the recording stopped: {why}; the call goes on"
        if self._tell is not None and not self.needed:
            self._tell(self.error)

    def _write(self, frame):
        if self._writer is None:
            self._size = even(frame.size[0]), even(frame.size[1])
            self._begun_at, self._last = frame.captured_at, -1
            height, width = self._size
            self._writer = VideoWriter(
                self.path, height=height, width=width, rate=self._fps, time_base=_BASE, overwrite=self._overwrite,
                recording=True,
            )  # fmt: skip
            self._writer.tag_bt709()
        height, width = self._size
        pixels = frame.pixels
        if pixels.shape[0] - height in (0, 1) and pixels.shape[1] - width in (0, 1):
            pixels = pixels[:height, :width]
        picture = bt709(av.VideoFrame.from_ndarray(fitted(pixels, height, width), format="rgb24"), "yuv420p")
        picture.time_base = _BASE
        picture.pts = self._last = max(self._last + 1, round((frame.captured_at - self._begun_at) / _BASE))
        self._writer.write(picture)
        self.written += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _refuse(path, overwrite):
    """What can be refused before the first frame. Raises BadOutput."""
    from engine.atomic_write import Beside

    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in CONTAINERS:
        raise BadOutput(f"{path} does not say which kind of video to write; end it in {' '.join(CONTAINERS)}")
    Beside(path, overwrite=overwrite).discard()
