"""Measures the page of the visitor's own browser: frames a second and latency in headless Chromium, by WASM.

    python -m tests.measure.static_time --json assets/results/static_page.json

Chromium's camera plays a film of each size; the page itself tells what it shows: latency begins when the page takes a
frame from the camera and ends when the sharpened one is drawn. Beside it the student alone, on one frame after another,
without camera, pixels and drawing. Chromium, its camera and the student share the machine's cores; the processor time
of a frame says what all of it costs, also on a machine that does other work meanwhile.
"""

import argparse
import contextlib
import itertools
import json
import os
import tempfile
from pathlib import Path

import psutil

from engine.errors import UnknownBackend
from engine.provenance import provenance
from tests.browser.camera_clip import real_clip, write_film
from tests.browser.chromium import chromium, chromium_path
from tests.browser.here_page import figures, here_page
from tests.browser.live_page import number
from tests.browser.static_server import custom_headers, served
from webui.browser_runtime import VERSION
from webui.space_readme import readme
from webui.static_page import STUDENTS, write_page

SIZES = ((480, 640), (720, 1280))  # (height, width)
PRECISIONS = ("float32", "int8")
WARM_UP_MS = 4000

# The page's own times: when each frame was drawn, and how long that took since it was taken from the camera.
CLOCK = """() => {
    window.times = [];
    const take = window.createImageBitmap;
    let takenAt = null;
    window.createImageBitmap = (...values) => {
        takenAt = performance.now();
        return take(...values);
    };
    const draw = CanvasRenderingContext2D.prototype.putImageData;
    CanvasRenderingContext2D.prototype.putImageData = function (...values) {
        draw.apply(this, values);
        window.times.push([performance.now(), performance.now() - takenAt]);
    };
}"""

ALONE = """async ([name, precision, height, width, rounds]) => {
    const { loadRuntime } = await import("./runtime.js");
    const { Student } = await import("./student.js");
    const { ort, threads } = await loadRuntime("wasm");
    const list = await (await fetch("./models/students.json")).json();
    const student = await Student.open(ort, list.students.find((one) => one.name === name), "wasm", precision);
    await student.become([0.56, 0.23, 0.37, 0.5]);
    const pixels = new Uint8ClampedArray(4 * width * height);
    for (let at = 0; at < pixels.length; at += 1) pixels[at] = (at * 7919) >> 3;
    const times = [];
    for (let round = 0; round < rounds + 2; round += 1) {
        const startedAt = performance.now();
        await student.residual(pixels, width, height);
        times.push(performance.now() - startedAt);
    }
    return { threads, times: times.slice(2).sort((a, b) => a - b) };
}"""


def measure(browser, address, name, precision, size, seconds):
    """A dict with what one student did with the camera in so many seconds, and alone."""
    height, width = size
    query = f"{address}?backend=wasm&student={name}&precision={precision}"
    with here_page(browser, query, ready=False) as (page, _log):
        alone = page.evaluate(ALONE, [name, precision, height, width, 20])
    with here_page(browser, query) as (page, _log):
        page.select_option("#size", f"{width}x{height}")
        page.evaluate(CLOCK)
        page.click("#start")
        page.wait_for_selector("#figures [data-figure=fps]")
        page.wait_for_timeout(WARM_UP_MS)
        page.evaluate("() => { window.times.length = 0; }")
        before, spent_s = number(figures(page)["dropped"]), browser_cpu_seconds()
        page.wait_for_timeout(1000 * seconds)
        times, told = page.evaluate("() => window.times"), figures(page)
        spent_s = browser_cpu_seconds() - spent_s
    latencies = sorted(latency for _at, latency in times)
    return {
        "student": name,
        "precision": precision,
        "width": width,
        "height": height,
        "fps": round((len(times) - 1) / (times[-1][0] - times[0][0]) * 1000, 1),
        "latency_p50_ms": round(latencies[len(latencies) // 2], 1),
        "latency_p95_ms": round(latencies[int(len(latencies) * 0.95)], 1),
        "frames": len(times),
        "dropped": number(told["dropped"]) - before,
        "processor_ms_per_frame": round(1000 * spent_s / len(times), 1),
        "student_alone_p50_ms": round(alone["times"][len(alone["times"]) // 2], 1),
        "threads": alone["threads"],
        "page_said": told,
        "load_average": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
    }


def browser_cpu_seconds():
    """Processor time so far of all processes of our Chromium."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if "chrom" in child.name():
                times = child.cpu_times()
                total += times.user + times.system
    return total


def measure_all(seconds):
    """(the runs, Chromium's version): every size, student and precision."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="whetstone-static-time-")))
        write_page(folder / "site", readme(), runtime="local")
        address = stack.enter_context(served(folder / "site", custom_headers(readme())))
        runs = []
        for size in SIZES:
            with chromium(*write_film(folder / "film.mjpeg", *size)) as browser:
                for name, precision in itertools.product(STUDENTS, PRECISIONS):
                    runs.append(measure(browser, address, name, precision, size, seconds))
                version = browser.version
    return runs, version


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    parser.add_argument("--seconds", type=int, default=10, help="of each run (default: %(default)s)")
    args = parser.parse_args()
    if chromium_path() is None:
        raise SystemExit("static_time needs Chromium on PATH (Debian: `apt install chromium`)")
    try:
        runs, version = measure_all(args.seconds)
    except UnknownBackend as error:
        raise SystemExit(f"static_time: {error}") from None
    command = f"python -m tests.measure.static_time --json {args.json or 'FILE'} --seconds {args.seconds}"
    film = "a talking head of ../shared/data/video" if real_clip() else "a still that moves"
    facts = {"film": film, "chromium": version, "onnxruntime_web": VERSION}
    result = {**facts, "runs": runs, **provenance(command)}
    print(json.dumps(result, indent=2))
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
