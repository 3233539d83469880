"""How fast this machine could be: multiply-adds and bytes a second, measured, and what a student takes of them."""

import time

import numpy as np

_SIDE = 2048  # of the matrices
_BYTES = 256 * 2**20  # copied: more than any cache


def machine_peaks(seconds=1.0):
    """{"gmacs", "gbytes"} a second: of the fastest float32 matrix product and copy of memory, so many seconds each."""
    rng = np.random.default_rng(0)
    left, right = (rng.random((_SIDE, _SIDE), np.float32) for _ in range(2))
    product = np.empty_like(left)
    source, target = np.ones(_BYTES, np.uint8), np.zeros(_BYTES, np.uint8)
    gmacs = _SIDE**3 / _fastest(lambda: np.matmul(left, right, out=product), seconds) / 1e9
    gbytes = 2 * _BYTES / _fastest(lambda: np.copyto(target, source), seconds) / 1e9  # read and written
    return {"gmacs": round(gmacs, 1), "gbytes": round(gbytes, 1)}


def _fastest(work, seconds):
    work()
    best, ends_at = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < ends_at:
        started = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - started)
    return best


def limits(config, precision, height, width, peaks):
    """What a frame needs, and the time that the peaks allow for it.

    Returns {"gmacs", "mbytes": of a frame, "compute_ms", "memory_ms": at the peaks}. mbytes: pixels in and out and
    every layer's activations written and read once, in 1 byte each with "int8", else 4. compute_ms is by the float32
    peak: 8 bits may come below it.
    """
    pixels = height * width
    gmacs = config.macs_per_pixel() * pixels / 1e9
    places = pixels / config.stride**2
    outputs = [shape[0] for name, shape in config.shapes().items() if name.endswith("weight")]
    size = 1 if precision == "int8" else 4
    mbytes = (6 * pixels + 2 * size * places * sum(outputs) + size * places * config.stride**2) / 1e6
    return {
        "gmacs": round(gmacs, 2),
        "mbytes": round(mbytes, 1),
        "compute_ms": round(1e3 * gmacs / peaks["gmacs"], 2),
        "memory_ms": round(mbytes / peaks["gbytes"], 2),
    }
