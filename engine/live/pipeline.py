"""A source through a sharpener into a sink: capture, sharpen and send overlap, each on a thread of its own.

    source -> slot -> sharpener -> slot -> sink
                               `-> preview      `-> taps (recorders)

Live, a slot holds the newest frame alone: when the sharpener or the sink is slower than the source, frames are dropped
and latency does not grow. With every_frame nothing is dropped and the source waits instead. Order is kept in both.
"""

import threading
import time
from collections import deque

from engine.errors import SinkLost, SourceLost, WhetstoneError
from engine.live.controls import Controls
from engine.live.slots import LatestSlot, OrderedQueue
from engine.live.stats import Stats

STALL_S = 3.0  # a source that gives nothing for so long is said to stall
RETRY_S = 1.0  # between attempts to get a camera or a sink back
REPEAT_S = 1.0  # a sink that repeats gets the last frame again when none has come for so long
TICK_S = 0.25
_HEADROOM = 1.05  # a sink's rate may be passed by clocks that do not agree

# what state says
STARTING, RUNNING, WAITING, STALLED, ENDED, FAILED, STOPPED = (
    "starting", "running", "waiting", "stalled", "ended", "failed", "stopped"
)  # fmt: skip


class Pipeline:
    """Runs once. source, sink: opened; the pipeline closes them. sharpener(frame, strength) -> pixels.

    controls: strength and bypass of the next frame; preview: a Preview that gets every pair, or None; taps: more sinks
    that never wait.
    quality: what has tick(pipeline), called a few times a second (engine.live.quality).
    tell(line): called from any thread, once for each thing a person should know. clock: seconds.
    """

    def __init__(
        self, source, sharpener, sink, *, controls=None, preview=None, every_frame=False, quality=None, tell=None,
        clock=time.monotonic, retry_s=RETRY_S, stall_s=STALL_S,
    ):  # fmt: skip
        self.source, self.sharpener, self.sink = source, sharpener, sink
        self.controls = controls or Controls()
        self.preview = preview
        self.stats = Stats(clock)
        self.taps: tuple = ()
        self.every_nth = 1  # of the captured frames is sharpened; half rate is 2
        self.state = STARTING
        self.error: BaseException | None = None
        self.sink_lost = False
        self.messages: deque = deque(maxlen=20)  # (number, line), the newest last
        self._quality, self._tell, self._clock = quality, tell, clock
        self._retry_s, self._stall_s = retry_s, stall_s
        self._every_frame = every_frame
        self._captured: LatestSlot | OrderedQueue = OrderedQueue() if every_frame else LatestSlot()
        self._sharpened: LatestSlot | OrderedQueue = OrderedQueue() if every_frame else LatestSlot()
        self._stopping, self._finished = threading.Event(), threading.Event()
        self._said = 0
        self._talking = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._broken, self._try_at = False, 0.0

    # -- from outside

    def start(self):
        """Start the threads and return."""
        work = (self._capture, self._sharpen, self._send, self._watch)
        for name, body in zip(("capture", "sharpen", "send", "watch"), work):
            thread = threading.Thread(target=self._guarded, args=(body,), name=f"whetstone-{name}", daemon=True)
            self._threads.append(thread)
        for thread in self._threads:
            thread.start()
        return self

    def wait(self, timeout_s=None):
        """Whether everything has come to its end, after at most so long."""
        return self._finished.wait(timeout_s)

    def stop(self):
        """End it: frames on their way go out, threads end, source and sink are closed. Returns the Stats."""
        self._stopping.set()
        self._captured.close()
        for thread in self._threads:
            thread.join()
        if self.state not in (FAILED, ENDED):
            self.state = STOPPED
        for part in (self.source, self.sink, *self.taps):
            part.close()
        return self.stats

    def run(self, seconds=None):
        """start(), wait until the source ends or for so long, stop(). Returns Stats; raises what went wrong."""
        self.start()
        try:
            self.wait(seconds)
        finally:
            self.stop()
        if self.error is not None:
            raise self.error
        return self.stats

    def say(self, line):
        """Something a person should know."""
        with self._talking:
            self._said += 1
            self.messages.append((self._said, line))
        if self._tell is not None:
            self._tell(line)

    def available_ms(self):
        """Time there is for a frame: at the rate that the source keeps, or has promised."""
        measured = self.stats.fps_in()
        fps = min(self.source.fps, measured) if measured else self.source.fps
        return 1e3 * self.every_nth / fps

    # -- the threads

    def _guarded(self, body):
        try:
            body()
        except BaseException as error:
            if self.error is None:
                self.error, self.state = error, FAILED
                self.say(str(error) if isinstance(error, WhetstoneError) else f"{type(error).__name__}: {error}")
            self._stopping.set()
            self._captured.close()
            self._sharpened.close()

    def _capture(self):
        try:
            while not self._stopping.is_set() and not self.source.ended:
                try:
                    frame = self.source.read()
                except SourceLost as error:
                    if self._every_frame or not self._get_back(self.source, error, WAITING):
                        raise
                    continue
                if frame is None:
                    continue
                self.stats.captured()
                if self.state in (STARTING, WAITING):
                    self.state = RUNNING
                if frame.index % self.every_nth and not self._every_frame:
                    self.stats.count(dropped=1)
                elif not self._put(self._captured, frame):
                    break
            if self.source.ended:
                self.state = ENDED
        except SourceLost:
            if not self._stopping.is_set():
                raise
        finally:
            self._captured.close()

    def _put(self, slot, frame):
        before = slot.dropped
        taken = slot.put(frame)
        if slot.dropped != before:
            self.stats.count(dropped=1)
        return taken

    def _get_back(self, part, error, state):
        """Say what was lost and try to get it back until that works; False when stopped before."""
        self.say(str(error))
        if state:
            self.state = state
        while not self._stopping.wait(self._retry_s):
            try:
                part.reopen()
            except (SourceLost, SinkLost):
                continue
            self.say(f"{part.name} is back")
            return True
        return False

    def _sharpen(self):
        try:
            while not self._captured.finished:
                frame = self._captured.take(timeout_s=0.5)
                if frame is None:
                    continue
                after = self._sharpened_frame(frame)
                if self.preview is not None:
                    self.preview.offer(frame, after)
                if not self._put(self._sharpened, after):
                    break
                del frame, after  # else they would be held until the next ones are there
        finally:
            self._sharpened.close()

    def _sharpened_frame(self, frame):
        strength = self.controls.now()
        if strength <= 0:
            return frame
        started = self._clock()
        try:
            pixels = self.sharpener(frame, strength)
        except Exception as error:
            if self._every_frame:
                raise
            self.stats.count(bypassed=1)
            if not self._broken:
                self._broken = True
                self.say(
                    f"the student failed on frame {frame.index} ({type(error).__name__}: {error}); "
                    "such frames go out untouched"
                )
            return frame
        self._broken = False
        self.stats.worked(1e3 * (self._clock() - started))
        return frame.with_pixels(pixels)

    def _send(self):
        last, due = None, 0.0
        while not self._sharpened.finished:
            early = due - self._clock()
            if early > 0:  # wait before taking, so that what is sent then is the newest
                time.sleep(min(early, 0.1))
                continue
            frame = self._sharpened.take(timeout_s=REPEAT_S)
            repeated = frame is None
            if repeated:
                if last is None or not self.sink.repeats or self._sharpened.finished:
                    continue
                frame = last
            last = frame if self.sink.repeats else None
            if self.sink_lost:
                self._try_sink_again()
            if self.sink_lost:
                self.stats.count(dropped=not repeated)
            else:
                self._send_one(frame, repeated)
                if self.sink.fps and not self._every_frame:
                    due = _due(due, self._clock(), self.sink.fps)
            if not repeated:
                for tap in self.taps:
                    tap.send(frame)
            del frame

    def _send_one(self, frame, repeated):
        try:
            self.sink.send(frame)
        except SinkLost as error:
            if self._every_frame:
                raise
            self.sink_lost, self._try_at = True, self._clock() + self._retry_s
            self.say(f"{error}; " + ("the preview goes on" if self.preview is not None else "it is tried again"))
            return
        if repeated:
            self.stats.count(repeated=1)
        else:
            self.stats.sent(frame)

    def _try_sink_again(self):
        if self._clock() < self._try_at:
            return
        try:
            self.sink.reopen()
        except SinkLost:
            self._try_at = self._clock() + self._retry_s
            return
        self.sink_lost = False
        self.say(f"{self.sink.name} is back")

    def _watch(self):
        """Ends with the sending thread; meanwhile looks after stalls and quality."""
        sender = self._threads[2]
        try:
            while sender.is_alive():
                sender.join(TICK_S)
                self.tick()
        finally:
            self._finished.set()

    def tick(self):
        """One look at how things go: a stalled source is said once, and that it is back; quality has its turn."""
        if self._stopping.is_set() or self.state in (ENDED, FAILED):
            return
        last_in, now = self.stats.last_in, self._clock()
        silent = last_in is not None and now - last_in > max(self._stall_s, 2.5 / self.source.fps)
        if self.state == RUNNING and silent:
            self.state = STALLED
            self.say(f"{self.source.name} has sent nothing for {self._stall_s:g} s; its last frame stays")
        elif self.state == STALLED and not silent:
            self.state = RUNNING
            self.say(f"{self.source.name} sends again")
        elif self._quality is not None and self.state == RUNNING:
            self._quality.tick(self)


def _due(due, now, fps):
    """When the next frame may be sent after one sent now: fps at most, a frame early by jitter is not held back.

    The generic cell rate algorithm with half a period of tolerance.
    """
    half = 0.5 / (_HEADROOM * fps)
    return max(now, due + half) + half
