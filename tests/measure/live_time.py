"""Measures the Live tab: frames a second and round trip of a browser's camera, Chromium and the server on one machine.

    python -m tests.measure.live_time --json assets/results/live_browser.json

Headless Chromium's camera plays a film of each size; the page itself tells what it shows: a round trip begins when the
page takes a frame from the camera and ends when the sharpened one is drawn: encoding, both ways, the server's decoding,
sharpening and encoding, and decoding are in it. Every frame on the screen counts once. The processor time of a frame
says what it costs, also on a machine that does other work meanwhile.
"""

import argparse
import contextlib
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import psutil

from engine.provenance import provenance
from tests.browser.camera_clip import real_clip, write_film
from tests.browser.chromium import chromium, chromium_path
from tests.browser.live_page import figures, live_page, number, wait_for_frames
from tests.webui.page_process import PageProcess

SIZES = ((480, 640), (720, 1280))  # (height, width)

# The page's own clock is read where a frame goes out and where the picture that came back has been drawn.
CLOCK = """() => {
  window.liveTimes = [];
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  let takenAt = null;
  CanvasRenderingContext2D.prototype.drawImage = function (...values) {
    const done = draw.apply(this, values);
    if (values[0] instanceof HTMLVideoElement) takenAt = performance.now();
    else if (values[0] instanceof ImageBitmap && takenAt !== null) {
      window.liveTimes.push([performance.now(), performance.now() - takenAt]);
      takenAt = null;
    }
    return done;
  };
}"""


def measure(height, width, seconds, options):
    """A dict with what came back in so many seconds, after three that warm up."""
    with tempfile.TemporaryDirectory(prefix="whetstone-live-time-") as folder:
        flags = write_film(Path(folder) / "film.mjpeg", height, width)
        process = PageProcess(folder, *options).wait_until_ready()
        try:
            with chromium(*flags) as browser, live_page(browser, process.address) as (page, _log, traffic):
                traffic.stop()  # frames that are copied to this program would be paid for
                page.select_option("#live .live-size", f"{width}x{height}")
                page.evaluate(CLOCK)
                page.click("#live .live-start")
                wait_for_frames(page)
                page.wait_for_timeout(3000)
                page.evaluate("() => { window.liveTimes.length = 0; }")
                before, spent = figures(page), cpu_seconds(process)
                page.wait_for_timeout(1000 * seconds)
                times = page.evaluate("() => window.liveTimes")
                after, spent = figures(page), {who: now - spent[who] for who, now in cpu_seconds(process).items()}
                version = browser.version
        finally:
            process.stop()
    trips = [trip for _at, trip in times]
    return {
        "width": width,
        "height": height,
        "seconds": seconds,
        "fps": round((len(times) - 1) / (times[-1][0] - times[0][0]) * 1000, 1),
        "round_trip_p50_ms": round(float(np.percentile(trips, 50)), 1),
        "round_trip_p95_ms": round(float(np.percentile(trips, 95)), 1),
        "frames": len(times),
        "dropped": number(after["dropped"]) - number(before["dropped"]),
        "processor_ms_per_frame": {who: round(1000 * cpu_s / len(times), 1) for who, cpu_s in spent.items()},
        "page_said": after,
        "chromium": version,
        "load_average": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
    }


def cpu_seconds(process):
    """Processor time so far of the server and of the browser: what a frame costs, however busy the machine is."""
    spent = {"server": 0.0, "browser": 0.0}
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = child.cpu_times()
            if child.pid == process.process.pid:
                spent["server"] += times.user + times.system
            elif "chrom" in child.name():
                spent["browser"] += times.user + times.system
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    parser.add_argument("--seconds", type=int, default=20, help="of each size (default: %(default)s)")
    parser.add_argument("--model", default="small", help="student (default: %(default)s)")
    args = parser.parse_args()
    if chromium_path() is None:
        raise SystemExit("live_time needs Chromium on PATH (Debian: `apt install chromium`)")
    sizes = [measure(*size, args.seconds, ["--model", args.model]) for size in SIZES]
    command = f"python -m tests.measure.live_time --json {args.json or 'FILE'} --seconds {args.seconds}"
    film = "a talking head of ../shared/data/video" if real_clip() else "a still that moves"
    result = {"model": args.model, "film": film, "sizes": sizes, **provenance(f"{command} --model {args.model}")}
    print(json.dumps(result, indent=2))
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
