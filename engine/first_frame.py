"""What a student costs a fresh process: time to its first frame, and memory above the imports.

python -m engine.first_frame time small 1080p [backend [precision]]     # prints one line of JSON
python -m engine.first_frame memory small 1080p [backend [precision]]
"""

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRAMES = 10


def first_frame(model, size, backend="auto", precision="auto"):
    """{"import_s", "first_frame_s", "memory_mb", "libraries_mb"}: times and memory of a process each.

    import_s: of the engine; first_frame_s: from `Sharpener(model)`, which imports its backend, to the first frame,
    measured and sharpened; memory_mb: what FRAMES frames have added to what the process held after all imports;
    libraries_mb: what of it is code that the libraries load then.
    """
    figures = {}
    for what in ("time", "memory"):
        words = [sys.executable, "-m", "engine.first_frame", what, model, size, backend, precision]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        figures |= json.loads(done.stdout.splitlines()[-1])
    return figures


def _time(pixels, model, backend, precision):
    started = time.perf_counter()
    from engine.sharpener import Sharpener

    imported = time.perf_counter()
    Sharpener(model, backend=backend, precision=precision)(pixels())
    return {"import_s": imported - started, "first_frame_s": time.perf_counter() - imported}


def _memory(pixels, model, backend, precision):
    from engine.backends import preload
    from engine.hardware import library_memory_bytes, process_memory_bytes
    from engine.sharpener import Sharpener

    preload(backend)
    given = pixels()
    before, libraries = process_memory_bytes(), library_memory_bytes()
    sharpener, most = Sharpener(model, backend=backend, precision=precision), 0
    for _ in range(FRAMES):
        sharpener(given)
        most = max(most, process_memory_bytes())
    return {"memory_mb": (most - before) / 1e6, "libraries_mb": (library_memory_bytes() - libraries) / 1e6}


def _main(what, model, size, backend="auto", precision="auto"):
    import numpy as np

    height, width = {"480p": (480, 640), "720p": (720, 1280), "1080p": (1080, 1920), "2160p": (2160, 3840)}[size]

    def pixels():
        return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)

    figures = {"time": _time, "memory": _memory}[what](pixels, model, backend, precision)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
