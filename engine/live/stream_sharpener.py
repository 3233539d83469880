"""A student for one stream: measures it now and then, keeps it steady in time, and can be exchanged while it runs."""

import threading

import numpy as np

from engine.assemble import assembled
from engine.cards import Card, load_card
from engine.compiled import degradation_of, step_of
from engine.degradation import Degradation
from engine.estimate import Estimator
from engine.halo import bounded
from engine.hardware import give_back_memory
from engine.live.buffers import Buffers
from engine.live.frames import YuvFrame
from engine.live.slots import LatestSlot
from engine.pixels import as_levels, student_input
from engine.sharpener import Sharpener, change_pixels
from engine.stream_estimate import StreamEstimator

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # of R, G, B


class StreamSharpener:
    """`sharpener(frame, strength) -> pixels` for the frames of one stream, in order; safe from several threads.

    model: a shipped name, the path of a card, or a Card; device, backend, threads, precision: as Sharpener.
    background: another thread measures the stream and makes the student for what it found ready, so that no frame is
    late; else the first frame is measured before it is sharpened, and the same frames give the same result.
    steady: what makes a residual steady in time (engine.live.steady), None for each frame by itself.
    Raises UnknownModel, BadCard, UnknownBackend.
    """

    def __init__(
        self, model="small", *, device="auto", backend="auto", threads=None, precision="auto", steady=None,
        background=False,
    ):  # fmt: skip
        self._settings = {"device": device, "backend": backend, "threads": threads, "precision": precision}
        self._kind = _BackgroundStudent if background else _Student
        self._lock = threading.Lock()
        self._changing = threading.Lock()
        self._steady = steady
        self._buffers = Buffers()
        self._shape = None  # of the last frame's student input
        self._student = self._kind(model, self._settings)

    @property
    def model(self):
        """The name of the student that the next frame gets."""
        return self._student.sharpener.name

    @property
    def backend(self):
        """For people: "openvino on CPU"."""
        sharpener = self._student.sharpener
        return f"{sharpener.backend_name} on {sharpener.device}"

    @property
    def degradation(self):
        """What was measured of the stream last; None before the first frame, and for a blind student."""
        return self._student.degradation

    def use(self, model):
        """Take another student, from the next frame on; it is made ready first, while the old one goes on.

        Raises UnknownModel, BadCard.
        """
        with self._changing:
            fresh = self._kind(model, self._settings)
            if self._shape is not None and self._shape[2] == fresh.channels:
                fresh.sharpener.residual(np.zeros(self._shape, np.uint8))  # the first call allocates
            with self._lock:
                self._student, old = fresh, self._student
                if self._steady is not None:
                    self._steady.reset()
            old.close()

    def warm_up(self, height, width):
        """Allocate for frames of a size, so that the first one is not late."""
        with self._lock:
            self._shape = height, width, self._student.channels
            self._student.sharpener.residual(np.zeros(self._shape, np.uint8))

    def __call__(self, frame, strength):
        """The frame's pixels, sharpened: RGB, or I420 where it is a YuvFrame; strength 0 gives them as they are."""
        with self._lock:
            yuv = isinstance(frame, YuvFrame) and self._student.channels == 1
            whole = frame.yuv if yuv else frame.pixels
            if strength <= 0:
                return whole
            pixels = frame.luma if yuv else whole
            seen = student_input(pixels, self._student.channels)
            residual = self._residual(seen, pixels, frame.captured_at)
            sharp = self._buffers.take(whole.shape)
            change_pixels(pixels, seen, residual, strength, sharp[: len(pixels)])
            sharp[len(pixels) :] = whole[len(pixels) :]  # the chroma of a YuvFrame
        return sharp

    def luma_change(self, luma, at_s, strength, rgb=None):
        """What is added to luma: (H, W) float32 in grey levels. luma: (H, W) uint8; rgb() gives the whole colours.

        at_s: the time of the frame, seconds.
        """
        with self._lock:
            colour = self._student.channels == 3
            pixels = rgb() if colour and rgb is not None else luma
            seen = student_input(pixels, self._student.channels)
            residual = as_levels(self._residual(seen, pixels, at_s))
            change = bounded(seen, residual, strength) if strength > 1 else strength * residual
            return change @ _LUMA if colour else change[:, :, 0]

    def _residual(self, seen, pixels, at_s):
        """What the student adds at strength 1, steady in time: as a Backend gives it, or (H, W, C) float32."""
        self._shape = seen.shape
        residual = self._student.residual(seen, pixels, at_s)
        if self._steady is not None:
            residual = self._steady(seen, residual, self._student.degradation)
        return residual

    def close(self):
        """Free the student; it is not used after it."""
        with self._changing, self._lock:
            self._student.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Student:
    """A student that measures the stream itself, now and then, before the frame that it sharpens."""

    def __init__(self, model, settings):
        card = model if isinstance(model, Card) else load_card(model)
        self._card, self._settings = card, settings
        self.channels = card.config.channels
        self.degradation = None
        self.sharpener = self._first_sharpener()
        self._estimator = None if card.config.experts == 1 else Estimator(card, threads=settings["threads"])
        self._follow = None if self._estimator is None else StreamEstimator(self._estimator)

    def _first_sharpener(self):
        return Sharpener(self._card, **self._settings)

    def residual(self, seen, pixels, at_s):
        if self._follow is not None:
            self.degradation = self._follow(pixels, at_s)
        return self.sharpener.residual(seen, self.degradation)

    def close(self):
        self.sharpener.close()
        if self._estimator is not None:
            self._estimator.close()


class _BackgroundStudent(_Student):
    """A student that another thread measures the stream for and makes ready: no frame waits for either."""

    def __init__(self, model, settings):
        super().__init__(model, settings)
        self._frames, self._lock = LatestSlot(), threading.Lock()
        self._shape: tuple = (0, 0, 0)  # of what the student saw last
        self._step: tuple | None = None
        self._next: Sharpener | None = None
        self._freed = True  # memory since the last look: at first that of starting
        self._thread = None
        if self._follow is not None:
            work = threading.Thread(target=self._measure, args=(self._follow,), name="whetstone-measure", daemon=True)
            self._thread = work
            work.start()

    def _first_sharpener(self):
        return self._made_for(Degradation())

    def _made_for(self, degradation):
        """The one plain student for a degradation."""
        return Sharpener(assembled(self._card, degradation), **self._settings)

    def residual(self, seen, pixels, at_s):
        self._shape = seen.shape
        if self._follow is not None:
            self._frames.put((pixels, at_s))
        with self._lock:
            fresh, self._next = self._next, None
        if fresh is not None:  # between two frames, as what the old one gave last is its own memory
            self.sharpener, old = fresh, self.sharpener
            old.close()
            self._freed = True
        return self.sharpener.residual(seen)

    def _measure(self, follow):
        while not self._frames.finished:
            taken = self._frames.take(timeout_s=0.5)
            if taken is None:
                continue
            degradation = follow(*taken)
            step = step_of(degradation)
            if step != self._step:
                fresh = self._made_for(degradation_of(step))
                fresh.residual(np.zeros(self._shape, np.uint8))  # the first call allocates
                with self._lock:
                    late, self._next = self._next, fresh
                if late is not None:
                    late.close()
                self._step = step
            elif self._freed:
                self._freed = False
                give_back_memory()
            self.degradation = degradation
            del taken  # else it would hold its frame until the next one comes

    def close(self):
        self._frames.close()
        if self._thread is not None:
            self._thread.join()
        if self._next is not None:
            self._next.close()
        super().close()
