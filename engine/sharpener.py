"""The sharpener: a picture of any size, depth and channel count through a student, tile by tile.

    pixels -> luma in 8 bits -> student -> residual x strength (above 1: halo guard) -> added to R, G and B alike

A student with several experts is assembled for the degradation of the whole picture, measured or told: one plain
student for all its tiles.
Adding one number to R, G and B changes luma by it and leaves Cb and Cr alone, up to clipping at black and white.
Strength 0 is the identity.
"""

import math
import reprlib
import threading
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from engine.cards import DEFAULT_MODEL, Card, load_card
from engine.compiled import CompiledStudents
from engine.degradation import RANGES, Degradation
from engine.errors import BadSetting
from engine.estimate import Estimator
from engine.halo import REACH, bounded
from engine.pixels import add, add_residual, as_levels, checked_pixels, student_input

LARGEST_STRENGTH = 2.0
WHOLE_PIXELS = 4_000_000  # a larger picture is cut into tiles; 1080p and 1440p are not
TILE = 2048  # pixels, the longest side


@dataclass(frozen=True)
class Tile:
    """One piece of a picture: `inner` is written, `outer` is read (inner and its reach); slices of rows, columns."""

    inner: tuple
    outer: tuple

    @property
    def inner_in_outer(self):
        return tuple(
            slice(inner.start - outer.start, inner.stop - outer.start)
            for inner, outer in zip(self.inner, self.outer, strict=True)
        )


class Sharpener:
    """A student ready to sharpen pictures; safe to call from several threads, which then take turns.

    model: a shipped name ("nano", "small") or the path of a card. backend: "auto", "openvino", "onnx", "torch".
    device: "auto", "cpu", "cuda", "mps", ... threads: processor threads, None for the library's choice.
    degradation: "auto" measures each picture, a Degradation is taken for all; a blind student takes "auto" alone.
    precision: "float32", "int8" (students that were trained for it, on processors; what is added is a whole number of
    grey levels), "auto": the faster of them for pictures of 8 bits, "float32" for those of 16.
    Raises UnknownModel, BadCard, UnknownBackend, BadSetting.
    """

    def __init__(
        self, model=DEFAULT_MODEL, *, device="auto", backend="auto", threads=None, degradation="auto", precision="auto"
    ):
        if not isinstance(backend, str) or not isinstance(device, str):
            raise BadSetting(f'backend and device are words such as "auto", not {backend!r} and {device!r}')
        if threads is not None and (not isinstance(threads, int) or isinstance(threads, bool) or threads < 1):
            raise BadSetting(
                f"threads must be a whole number of 1 or more, not {threads!r}; leave it out for the default"
            )
        self.card = model if isinstance(model, Card) else load_card(model)
        self.name = self.card.name
        self.degradation = self._checked_degradation(degradation)
        self._compile = partial(CompiledStudents, self.card, backend, device, threads)
        self._students, self._fine = self._compile(precision), None
        self.backend_name, self.device = self._students.backend_name, self._students.device
        self.precision = self._students.precision
        self._may_be_fine = precision == "auto" and self.precision == "int8"
        self._estimator = None if self.blind else Estimator(self.card, threads=threads)
        self._lock = threading.Lock()

    @property
    def blind(self):
        """Whether the student is the same for every picture, whatever is wrong with it."""
        return self.card.config.experts == 1

    def measure(self, pixels, **told):
        """What is wrong with a picture, a Degradation; None where the student is blind. pixels: as in a call.

        told: numbers of a Degradation taken as they are, not measured. Raises BadSetting, also for a blind student.
        """
        pixels, known = checked_pixels(pixels), Degradation(**told)
        if told:
            self._checked_degradation(known)
        if self._estimator is None or len(told) == len(RANGES):
            return known if told else None
        return replace(self._estimator(pixels), **told)

    def __call__(self, pixels, strength=1.0, degradation=None, checkpoint=None, out=None):
        """pixels: (H, W) grey, (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16, any size from 1x1; never changed.

        strength: 0 returns a copy, bit for bit; 1 is as trained; up to 2 with the halo guard.
        degradation: of this picture: "auto" measures it, None is the sharpener's own. Returns an array of the same
        shape and type; alpha is untouched. Raises BadSetting for other pixels, strengths or degradations.
        checkpoint: called before each tile of a large picture; what it raises ends the work.
        out: an array of that shape and type (in native byte order), apart from pixels, to write into and return; for
        the frames of a stream, whose time is in part that of fresh memory.
        """
        given, pixels, strength = pixels, checked_pixels(pixels), checked_strength(strength)
        degradation = self.degradation if degradation is None else self._checked_degradation(degradation)
        sharp = np.empty_like(pixels) if out is None else _checked_out(out, pixels, given)
        if strength == 0:
            sharp[...] = pixels
        else:
            if degradation == "auto":
                degradation = self.measure(pixels)
            with self._lock:
                student = self._students_for(pixels).get(degradation)
                for tile in tiles(pixels.shape[0], pixels.shape[1], self._margin, self.card.config.stride):
                    if checkpoint is not None:
                        checkpoint()
                    self._sharpen_tile(student, pixels, sharp, tile, strength)
        return sharp

    def close(self):
        """Free the backend; the sharpener is not used after it."""
        with self._lock:
            self._students.close()
            if self._fine is not None:
                self._fine.close()
        if self._estimator is not None:
            self._estimator.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _students_for(self, pixels):
        """The compiled students for a picture: one of 16 bits gets those of 32 bits, unless 8 bits were asked for."""
        if pixels.dtype != np.uint16 or not self._may_be_fine:
            return self._students
        if self._fine is None:
            self._fine = self._compile("float32")
        return self._fine

    @property
    def _margin(self):
        """What a tile reads around itself: the student's reach and the halo guard's, a multiple of the stride."""
        stride = self.card.config.stride
        return self.card.config.reach + -(-REACH // stride) * stride

    def _checked_degradation(self, degradation):
        if degradation != "auto" and not isinstance(degradation, Degradation):
            raise BadSetting(f'degradation must be "auto" or a Degradation, not {degradation!r}')
        if self.blind and degradation != "auto":
            raise BadSetting(
                f"student {self.name!r} is blind, it cannot be told a degradation; leave it out or choose another model"
            )
        return degradation

    def _sharpen_tile(self, student, pixels, sharp, tile, strength):
        whole_way = student.sharpens and strength <= 1 and pixels.dtype == np.uint8
        if whole_way and pixels.ndim == 3 and pixels.shape[2] == 3:
            sharp[tile.inner] = student.sharpened(pixels[tile.outer], strength)[tile.inner_in_outer]
            return
        seen = student_input(pixels[tile.outer], self.card.config.channels)
        residual = self._residual(student, seen)
        change_pixels(pixels[tile.inner], seen, residual, strength, sharp[tile.inner], tile.inner_in_outer)

    def residual(self, seen, degradation=None):
        """What the student adds at strength 1; the edge is repeated to a multiple of the stride.

        seen: (H, W, C) uint8, C the student's channels. degradation: None for the sharpener's own, where that is
        "auto" a Degradation() of nothing. Returns (H, W, C) as engine.backends.Backend, valid until the next call.
        """
        own = Degradation() if self.degradation == "auto" else self.degradation
        with self._lock:
            return self._residual(self._students.get(degradation or own), seen)

    def _residual(self, student, seen):
        height, width = seen.shape[:2]
        stride = self.card.config.stride
        bottom, right = -height % stride, -width % stride
        if bottom or right:
            seen = cv2.copyMakeBorder(seen, 0, bottom, 0, right, cv2.BORDER_REPLICATE).reshape(
                height + bottom, width + right, -1
            )
        return student.residual(np.ascontiguousarray(seen))[:height, :width]


def change_pixels(pixels, seen, residual, strength, out, part=...):
    """out = pixels + strength x residual, above strength 1 with the halo guard.

    pixels: as in a Sharpener's call; seen: what the student saw; residual: as a Backend gives it; out: an array of the
    shape and type of pixels, apart from them; part: index of what pixels are of seen and residual.
    """
    if residual.dtype == np.uint8 and pixels.dtype == np.uint8 and strength <= 1:
        add_residual(pixels, residual[part], strength, out)
        return
    out[...] = pixels
    if strength > 1:
        add(out, bounded(seen, as_levels(residual), strength)[part])
    else:
        add(out, strength * as_levels(residual[part]))


def _checked_out(out, pixels, given):
    """out, where it can take what becomes of pixels, which were made of those given. Raises BadSetting."""
    fits = isinstance(out, np.ndarray) and (out.shape, out.dtype) == (pixels.shape, pixels.dtype)
    # of a side of one pixel NumPy calls any stride contiguous, OpenCV does not
    fits = fits and out.flags.c_contiguous and out.strides == out.ravel().reshape(out.shape).strides
    if not fits or not out.flags.writeable or np.may_share_memory(out, given):
        found = f"{out.shape} {out.dtype}" if isinstance(out, np.ndarray) else type(out).__name__
        raise BadSetting(
            f"out must be a writeable, contiguous array of shape {pixels.shape} and type {pixels.dtype} that shares no "
            f"memory with pixels, not {found}"
        )
    return out


def checked_strength(strength):
    """The strength as a float. Raises BadSetting unless it is a number from 0 to 2."""
    try:
        value = float(strength)
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not 0 <= value <= LARGEST_STRENGTH:
        given = reprlib.repr(strength)
        raise BadSetting(f"strength must be a number from 0 (unchanged) over 1 (as trained) to 2, not {given}")
    return value


def tiles(height, width, margin, stride):
    """The tiles of a picture, row by row, with margins: the whole up to WHOLE_PIXELS, else alike and TILE at most.

    They begin at multiples of stride, as does what the student sees; margin: a multiple of it.
    """
    if height * width <= WHOLE_PIXELS:
        whole = (slice(0, height), slice(0, width))
        yield Tile(whole, whole)
        return
    rows, columns = _side(height, stride), _side(width, stride)
    for top in range(0, height, rows):
        for left in range(0, width, columns):
            inner = (slice(top, min(top + rows, height)), slice(left, min(left + columns, width)))
            outer = (
                slice(max(0, top - margin), min(inner[0].stop + margin, height)),
                slice(max(0, left - margin), min(inner[1].stop + margin, width)),
            )
            yield Tile(inner, outer)


def _side(length, stride):
    """A tile's side, for the fewest tiles along a picture's: equal ones, as narrow rests are mostly margin."""
    count = -(-length // (TILE // stride * stride))
    return -(-length // (count * stride)) * stride
