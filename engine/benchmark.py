"""Timing what sharpens frames: every candidate has its turn in every round, so that all meet the same noise."""

import time
from dataclasses import dataclass, field

import numpy as np

from engine.degradation import Degradation
from engine.pixels import student_input
from engine.sharpener import change_pixels

SIZES = {"480p": (480, 640), "720p": (720, 1280), "1080p": (1080, 1920), "2160p": (2160, 3840)}
STEPS = ("luma", "student", "add")
_BUDGET_S = 20.0  # for the frames of one candidate at one size: a slow peer gets fewer rounds, LEAST_RUNS at least
LEAST_RUNS = 3


@dataclass
class Candidate:
    """Something that sharpens frames, and what is timed of it."""

    name: str
    sharpen: object  # (H, W, 3) uint8 RGB -> the same
    wall_s: list = field(default_factory=list)  # of each timed frame
    cpu_s: list = field(default_factory=list)  # of all threads of this process

    def figures(self):
        """{"median_ms", "p95_ms", "fps", "cpu_ms", "runs", "each_ms"}; cpu_ms: of a frame, all cores together."""
        median = float(np.median(self.wall_s))
        return {
            "median_ms": round(1e3 * median, 2),
            "p95_ms": round(1e3 * float(np.percentile(self.wall_s, 95)), 2),
            "fps": round(1 / median, 1),
            "cpu_ms": round(1e3 * float(np.median(self.cpu_s)), 2),
            "runs": len(self.wall_s),
            "each_ms": [round(1e3 * seconds, 2) for seconds in self.wall_s],
        }


def frame(height, width, seed=0):
    """A repeatable frame with smooth areas, edges and fine texture: (height, width, 3) uint8 RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = 60 * np.sin(x / 37) * np.cos(y / 53) + 40 * ((x // 64 + y // 48) % 2)
    texture = rng.normal(0, 6, (height, width)).astype(np.float32)
    planes = [waves + texture + offset for offset in (90, 110, 130)]
    return np.clip(np.stack(planes, axis=2), 0, 255).astype(np.uint8)


def time_in_turns(candidates, pixels, *, runs=30, warm_up=3, budget_s=_BUDGET_S):
    """Fill the times of Candidates on one frame, (H, W, 3) uint8: in each round every one sharpens it once.

    A candidate whose frames have taken budget_s rests once it has LEAST_RUNS.
    """
    first_s = {}
    for candidate in candidates:
        for _ in range(warm_up):
            started = time.perf_counter()
            candidate.sharpen(pixels)
            first_s[candidate.name] = time.perf_counter() - started
            if first_s[candidate.name] > 1:
                break
    for _ in range(runs):
        for candidate in candidates:
            if len(candidate.wall_s) >= LEAST_RUNS and sum(candidate.wall_s) > budget_s:
                continue
            wall, cpu = time.perf_counter(), time.process_time()
            candidate.sharpen(pixels)
            candidate.wall_s.append(time.perf_counter() - wall)
            candidate.cpu_s.append(time.process_time() - cpu)


def on_a_stream(sharpener):
    """`sharpener` as it is called for the frames of a stream, all of one size.

    It is told their degradation, so that no frame is measured, and writes into the memory of the frame before.
    """
    told, sharp = None if sharpener.blind else Degradation(blur=1.5), []

    def sharpen(pixels):
        sharp[:] = [sharpener(pixels, degradation=told, out=sharp[0] if sharp else None)]
        return sharp[0]

    return sharpen


def time_steps(sharpener, pixels, *, runs=9):
    """{step: median ms} of the parts of a frame's way, each timed by itself."""
    told = None if sharpener.blind else Degradation(blur=1.5)
    marks, sharp = [], np.empty_like(pixels)
    for _ in range(runs):
        mark = [time.perf_counter()]
        seen = student_input(pixels, sharpener.card.config.channels)
        mark.append(time.perf_counter())
        residual = sharpener.residual(seen, told)
        mark.append(time.perf_counter())
        change_pixels(pixels, seen, residual, 1.0, sharp)
        mark.append(time.perf_counter())
        marks.append(np.diff(mark))
    medians = 1e3 * np.median(marks, axis=0)
    return {step: round(float(median), 2) for step, median in zip(STEPS, medians, strict=True)}


def time_measuring(sharpener, pixels, *, runs=5):
    """What a student with several experts costs once a picture or when a stream changes: {} for a blind one.

    Returns {"measure_ms", "assemble_ms"}, medians: the estimator on a frame, and mixing the experts and compiling the
    student (with its first 64 x 64 pixels).
    """
    if sharpener.blind:
        return {}
    few = np.zeros((64, 64, 1), np.uint8)
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
