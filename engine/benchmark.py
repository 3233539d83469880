"""Timing a sharpener on frames: the whole call and the share of each of its steps; measuring and assembling apart."""

import time

import numpy as np

from engine.degradation import Degradation
from engine.errors import BadSetting
from engine.pixels import add, student_input

SIZES = {"480p": (480, 640), "720p": (720, 1280), "1080p": (1080, 1920), "2160p": (2160, 3840)}
STEPS = ("luma", "student", "add")


def frame(height, width, seed=0):
    """A repeatable frame with smooth areas, edges and fine texture: (height, width, 3) uint8 RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = 60 * np.sin(x / 37) * np.cos(y / 53) + 40 * ((x // 64 + y // 48) % 2)
    texture = rng.normal(0, 6, (height, width)).astype(np.float32)
    planes = [waves + texture + offset for offset in (90, 110, 130)]
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


def time_sharpener(sharpener, size, *, runs=30, warm_up=5):
    """Times of `sharpener` on one frame of SIZES[size], in milliseconds.

    Returns {"median_ms", "p95_ms", "fps", "steps": {step: median ms}}. The steps are timed by themselves, between the
    whole calls, so their sum may differ a little from the whole. A student with several experts is told a degradation:
    what is spent once a picture, not on every frame of a stream, is time_measuring's. Raises BadSetting for another
    size.
    """
    if size not in SIZES:
        raise BadSetting(f"size {size!r} is not one of {', '.join(SIZES)}")
    pixels = frame(*SIZES[size])
    whole: list[float] = []
    steps: dict[str, list[float]] = {step: [] for step in STEPS}
    for run in range(warm_up + runs):
        times = _one_run(sharpener, pixels)
        if run >= warm_up:
            whole.append(times.pop("whole"))
            for step, seconds in times.items():
                steps[step].append(seconds)
    median = float(np.median(whole))
    return {
        "median_ms": round(1e3 * median, 2),
        "p95_ms": round(1e3 * float(np.percentile(whole, 95)), 2),
        "fps": round(1 / median, 1),
        "steps": {step: round(1e3 * float(np.median(seconds)), 2) for step, seconds in steps.items()},
    }


def time_measuring(sharpener, size, *, runs=5):
    """What a student with several experts costs once a picture or when a stream changes: {} for a blind one.

    Returns {"measure_ms", "assemble_ms"}, medians: the estimator on a frame of SIZES[size], and mixing the experts and
    compiling the student (with its first 64 x 64 pixels).
    """
    if sharpener.blind:
        return {}
    pixels, few = frame(*SIZES[size]), np.zeros((64, 64, 1), np.uint8)
    sharpener.measure(pixels)
    measuring, assembling = [], []
    for run in range(runs):
        started = time.perf_counter()
        sharpener.measure(pixels)
        measured = time.perf_counter()
        sharpener.residual(few, Degradation(blur=2 + run / 4))
        measuring.append(measured - started)
        assembling.append(time.perf_counter() - measured)
    both = {"measure_ms": measuring, "assemble_ms": assembling}
    return {name: round(1e3 * float(np.median(seconds)), 2) for name, seconds in both.items()}


def _one_run(sharpener, pixels):
    degradation = None if sharpener.blind else Degradation()
    started = time.perf_counter()
    sharpener(pixels, degradation=degradation)
    times = {"whole": time.perf_counter() - started}
    sharp = pixels.copy()
    marks = [time.perf_counter()]
    seen = student_input(pixels, sharpener.card.config.channels)
    marks.append(time.perf_counter())
    residual = sharpener.residual(seen, degradation)
    marks.append(time.perf_counter())
    add(sharp, residual)
    marks.append(time.perf_counter())
    return times | dict(zip(STEPS, np.diff(marks), strict=True))
