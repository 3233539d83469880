"""The live session that a page or a command drives: one camera through one student into one virtual camera.

    session = the_session()                                       # one a process, for every page that is open
    session.start(LiveSettings(source=0, output="virtual"))       # blocks until all is open; raises why not
    session.set_strength(1.4); session.set_bypass(True); session.set_student("nano")
    session.start_recording("call.mp4"); session.stop_recording()
    before, after = session.preview()                             # newest pair of Frames, None before the first
    session.stats()                                               # plain numbers and words, also when nothing runs
    session.stop()

Every method may be called from any thread. Closing a page changes nothing: only stop() ends a call.
"""

import atexit
import os
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.cards import DEFAULT_MODEL, load_card
from engine.errors import BadOutput, BadSetting, SinkLost
from engine.hardware import process_memory_bytes
from engine.images import is_same_file
from engine.live.controls import Controls
from engine.live.pipeline import Pipeline
from engine.live.preview import Preview
from engine.live.quality import AutoQuality
from engine.live.recorder import Recorder
from engine.live.sinks import Null
from engine.live.steady import Steady
from engine.live.stream_sharpener import StreamSharpener
from engine.sharpener import checked_strength

STOPPED = "stopped"
LARGEST_SIDE, MOST_FPS = 4096, 120


@dataclass(frozen=True)
class LiveSettings:
    """What a session runs. Raises BadSetting.

    source: a camera's number or device file, "pattern", or the path of a video or a folder of pictures.
    output: "virtual", "null" (preview alone), or a video file to write. output_needed: False goes on without a virtual
    camera, with a message that names the fix; True raises SinkLost instead.
    """

    source: int | str = 0
    height: int = 720
    width: int = 1280
    fps: float = 30.0
    model: str = DEFAULT_MODEL
    strength: float = 1.0
    bypass: bool = False
    output: str = "virtual"
    output_needed: bool = False
    auto: bool = True
    steady: bool = True
    backend: str = "auto"
    device: str = "auto"
    virtual_device: str | None = None
    overwrite: bool = False

    def __post_init__(self):
        for name in ("height", "width"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 16 <= value <= LARGEST_SIDE:
                raise BadSetting(f"{name} must be a whole number from 16 to {LARGEST_SIDE} pixels, not {value!r}")
        if not isinstance(self.fps, int | float) or not 1 <= self.fps <= MOST_FPS:
            raise BadSetting(f"fps must be a number from 1 to {MOST_FPS}, not {self.fps!r}")
        checked_strength(self.strength)
        if isinstance(self.source, str) and not self.source:
            raise BadSetting("source must be a camera's number, 'pattern', a video or a folder, not an empty name")
        if not self.output:
            raise BadSetting("output must be 'virtual', 'null' or the name of a video file, not an empty name")


class LiveSession:
    """See the module. Only one stream runs at a time. clock: seconds, for tests.

    watched: False where nobody will ask for previews; no frames are then held for them.
    """

    def __init__(self, tell=None, clock=time.monotonic, watched=True):
        self._tell, self._clock = tell, clock
        self._lock = threading.RLock()
        self._pipeline: Pipeline | None = None
        self._sharpener: StreamSharpener | None = None
        self._recorder: Recorder | None = None
        self._quality: AutoQuality | None = None
        self._settings = LiveSettings()
        self._error: BaseException | None = None
        self._preview, self._watched = Preview(), watched
        self._controls = Controls()
        self._messages: deque = deque(maxlen=20)  # (number, line): of earlier runs too
        self._said = self._said_before = 0  # lines so far, those before this run
        self._talking = threading.Lock()

    # -- start and stop

    def start(self, settings):
        """Open everything and run; a run that is going on is stopped first. settings: LiveSettings.

        Raises SourceLost (no camera, busy, forbidden), SinkLost (see output_needed), BadVideo, BadImage, BadOutput,
        UnknownModel, BadCard, UnknownBackend: nothing runs then.
        """
        with self._lock:
            self.stop()
            self._said_before = self._said
            opened = []
            try:
                source = open_source(settings)
                opened.append(source)
                sink = self._open_sink(settings, source)
                opened.append(sink)
                card = load_card(settings.model)
                self._sharpener = StreamSharpener(
                    card, backend=settings.backend, device=settings.device,
                    steady=Steady() if settings.steady else None, background=True,
                )  # fmt: skip
                opened.append(self._sharpener)
                self._sharpener.warm_up(source.height, source.width)
            except BaseException:
                for part in reversed(opened):
                    part.close()
                self._sharpener = None
                raise
            self._settings, self._error = settings, None
            self._quality = AutoQuality(card.name, card.config.macs_per_pixel(), self._clock) if settings.auto else None
            self._preview.clear()
            self._controls = Controls(settings.strength, settings.bypass)
            self._pipeline = Pipeline(
                source, self._sharpener, sink, controls=self._controls, quality=self._quality,
                preview=self._preview if self._watched else None,
                tell=self._say, clock=self._clock,
            )  # fmt: skip
            if source.notice:
                self._say(source.notice)
            self._pipeline.start()

    def stop(self):
        """End the run, and a recording with it; does nothing when nothing runs. Returns the run's stats() or None."""
        with self._lock:
            if self._pipeline is None:
                return None
            self._pipeline.stop()
            self._error, last = self.error, self.stats()
            self._end_recording()
            if self._sharpener is not None:
                self._sharpener.close()
            self._pipeline = self._sharpener = self._quality = None
            return last

    @property
    def running(self):
        """Whether frames run or are waited for; False after stop(), at the end of a file, and after a failure."""
        pipeline = self._pipeline
        return pipeline is not None and not pipeline.wait(0)

    def wait(self, timeout_s=None):
        """Whether the run has come to its end by itself, after at most so long."""
        pipeline = self._pipeline
        return pipeline is None or pipeline.wait(timeout_s)

    @property
    def error(self):
        """What ended the run that goes on or was last, an exception, or None."""
        pipeline = self._pipeline
        if pipeline is None:
            return self._error
        if pipeline.error is None and isinstance(pipeline.sink, Recorder) and pipeline.sink.error:
            return BadOutput(pipeline.sink.error)  # the end of the file could not be written
        return pipeline.error

    # -- what can be changed while it runs, from the next frame on

    def set_strength(self, strength):
        """0 to 2. Raises BadSetting."""
        self._controls.strength = strength

    def set_bypass(self, bypass):
        """True: frames go out untouched."""
        self._controls.bypass = bypass

    def set_student(self, model):
        """Another student; the old one goes on until it is ready. Raises UnknownModel, BadCard, BadSetting."""
        card = load_card(model)
        with self._lock:
            if self._pipeline is None or self._sharpener is None:
                raise BadSetting("nothing runs: start first, with the student in the settings")
            self._sharpener.use(card)
            self._pipeline.every_nth = 1
            if self._quality is not None:
                self._quality.choose(card.name, card.config.macs_per_pixel())

    def tap(self, sink):
        """Another sink that never waits gets what is sent, from now until stop(). Raises BadSetting: nothing runs."""
        with self._lock:
            if self._pipeline is None:
                raise BadSetting("nothing runs: start first")
            self._pipeline.taps = (*self._pipeline.taps, sink)

    def start_recording(self, path, overwrite=False):
        """Write what is sent to a video file from now on. Raises BadOutput; BadSetting: not running, or on already."""
        with self._lock:
            if self._pipeline is None:
                raise BadSetting("nothing runs: start first, then record")
            if self._recorder is not None and not self._recorder.error:
                raise BadSetting(f"already recording to {self._recorder.path}; stop that first")
            self._end_recording()
            self._recorder = Recorder(path, self._pipeline.source.fps, overwrite, tell=self._say)
            self._pipeline.taps = (*self._pipeline.taps, self._recorder)

    def stop_recording(self):
        """End the recording: its path, whole; None when there was none or it failed (the message said why)."""
        with self._lock:
            return self._end_recording()

    def _end_recording(self):
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return None
        if self._pipeline is not None:
            self._pipeline.taps = tuple(tap for tap in self._pipeline.taps if tap is not recorder)
        recorder.close()
        if not recorder.written and not recorder.error:
            self._say("no frame came while it was recording, so there is no file")
        return Path(recorder.path) if recorder.written and not recorder.error else None

    # -- what can be looked at

    def preview(self):
        """(before, after): the newest pair of Frames; None before the first. The last pair stays after stop()."""
        return self._preview.latest()

    def newer_preview(self, index=None, timeout_s=1.0):
        """The newest pair as soon as its index is another than `index`; None when that takes longer."""
        return self._preview.newer_than(index, timeout_s)

    @property
    def settings(self):
        """The LiveSettings of the run that goes on or was last; the defaults before the first."""
        return self._settings

    def stats(self):
        """Plain numbers and words, for JSON; numbers are None while they are not known.

        state: stopped, starting, running, waiting (the camera was lost), stalled, ended, failed; running: bool;
        message: the newest line of this run for a person, "" for none; messages: [[number, line], ...], at most 20, of
        earlier runs, too, numbers rise;
        source, output, backend: words; height, width: of the source; fps: asked; strength, bypass; student: now,
        chosen_student, half_rate, auto; measured: words of what is wrong with the stream; recording: path or None;
        sink_lost: bool; of the last 3 s: fps_in, fps_out, latency_p50_ms, latency_p95_ms, work_ms, available_ms;
        since the start: frames_in, frames_out, dropped, bypassed (frames that failed), repeated; memory_mb.
        """
        pipeline, sharpener, settings, recorder = self._pipeline, self._sharpener, self._settings, self._recorder
        with self._talking:
            messages = [list(entry) for entry in self._messages]
        known = {
            "state": STOPPED,
            "running": self.running,
            "message": messages[-1][1] if messages and messages[-1][0] > self._said_before else "",
            "messages": messages,
            "strength": self._controls.strength,
            "bypass": self._controls.bypass,
            "recording": str(recorder.path) if recorder is not None and not recorder.error else None,
            "memory_mb": round(process_memory_bytes() / 1e6, 1),
        }
        if pipeline is None or sharpener is None:
            return known
        measured = sharpener.degradation
        return known | {
            "state": pipeline.state,
            "source": pipeline.source.name,
            "output": pipeline.sink.name,
            "sink_lost": pipeline.sink_lost,
            "height": pipeline.source.height,
            "width": pipeline.source.width,
            "fps": settings.fps,
            "auto": settings.auto,
            "student": sharpener.model,
            "chosen_student": self._quality.chosen if self._quality else sharpener.model,
            "half_rate": pipeline.every_nth > 1,
            "backend": sharpener.backend,
            "measured": measured.words if measured is not None else "",
            "available_ms": round(pipeline.available_ms(), 1),
            **pipeline.stats.now(),
        }

    def whole_run(self):
        """Plain numbers of everything since the start: Stats.whole_run(); None when nothing runs."""
        pipeline = self._pipeline
        return None if pipeline is None else pipeline.stats.whole_run() | {"settings": asdict(self._settings)}

    # -- inside

    def _open_sink(self, settings, source):
        if settings.output == "null":
            return Null()
        if settings.output != "virtual":
            if is_same_file(Path(str(settings.source)), Path(settings.output)):
                raise BadOutput(f"{settings.output} is the source, which is never overwritten; choose another name")
            return Recorder(settings.output, settings.fps, settings.overwrite, needed=True)
        from engine.live.virtual_camera import VirtualCamera

        try:
            return VirtualCamera(source.height, source.width, settings.fps, settings.virtual_device)
        except SinkLost as error:
            if settings.output_needed:
                raise
            self._say(f"{error}; the preview works without")
            return Null()

    def _say(self, line):
        with self._talking:
            self._said += 1
            self._messages.append((self._said, line))
        if self._tell is not None:
            self._tell(line)


def open_source(settings):
    """The opened source of LiveSettings. Raises SourceLost, BadVideo, BadImage, BadSetting."""
    source, size = settings.source, (settings.height, settings.width)
    if isinstance(source, str) and source.isdecimal():
        source = int(source)
    if source == "pattern":
        from engine.live.pattern import TestPattern

        return TestPattern(*size, settings.fps)
    if isinstance(source, str) and os.path.isdir(source):
        from engine.live.files import PictureFolder

        return PictureFolder(source, settings.fps)
    if isinstance(source, str) and not source.startswith("/dev/"):
        from engine.live.files import VideoFile

        return VideoFile(source)
    from engine.live.camera import Camera

    return Camera(source, *size, settings.fps)


_one: LiveSession | None = None
_making = threading.Lock()


def the_session():
    """The one session of this process."""
    global _one
    with _making:
        if _one is None:
            _one = LiveSession()
            atexit.register(_one.stop)  # a library that computes while the interpreter goes down may crash it
        return _one
