"""Measures the page: milliseconds from a 1080p JPEG chosen in headless Chromium to its result on the screen.

    python -m tests.measure.page_time --json assets/results/page_time.json

The clock is the browser's. It starts at the input's change event and stops at the second animation frame after the
picture that shows the result has been decoded: upload, decoding, sharpening, previews, fetching and drawing are in it.
"""

import argparse
import io
import json
import os
import statistics
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from engine.provenance import provenance
from tests.browser.chromium import choose, chromium, chromium_path, open_page, wait_for_result
from tests.webui.page_process import PageProcess

HEIGHT, WIDTH = 1080, 1920

# The result is the picture whose address is new; its load event may come before or after we look.
CLOCK = """
() => {
  const input = document.querySelector("#drop input[type=file]");
  const address = () => document.querySelector("#compare img.fixed")?.src || "";
  window.pageTime = new Promise((resolve) => {
    input.addEventListener("change", () => {
      const startedAt = performance.now();
      const before = address();
      const look = () => {
        const image = document.querySelector("#compare img.fixed");
        if (!image || address() === "" || address() === before || !image.complete || image.naturalWidth === 0) {
          return requestAnimationFrame(look);
        }
        const done = () => resolve(performance.now() - startedAt);
        image.decode().then(() => requestAnimationFrame(() => requestAnimationFrame(done)));
      };
      requestAnimationFrame(look);
    }, { once: true, capture: true });
  });
}
"""


def measure(runs, options):
    """A dict with the milliseconds of each run after one that warms up."""
    with tempfile.TemporaryDirectory(prefix="whetstone-page-time-") as folder:
        page_process = PageProcess(folder, *options).wait_until_ready()
        try:
            with chromium() as browser, open_page(browser, page_process.address) as (page, _log):
                times, sizes = [], []
                for run in range(runs + 1):
                    content = photograph(run)
                    sizes.append(len(content))
                    page.evaluate(CLOCK)
                    name = f"picture-{run}.jpg"
                    choose(page, {"name": name, "mimeType": "image/jpeg", "buffer": content})
                    times.append(page.evaluate("() => window.pageTime"))
                    wait_for_result(page, name)  # the download is written too before the next one comes
                sharpen = page.locator("#status").inner_text()
                version = browser.version
        finally:
            page_process.stop()
    warm = times[1:]
    return {
        "picture": {"width": WIDTH, "height": HEIGHT, "format": "JPEG", "bytes_mean": round(statistics.mean(sizes))},
        "runs": len(warm),
        "median_ms": round(statistics.median(warm)),
        "p95_ms": round(float(np.percentile(warm, 95))),
        "warm_up_ms": round(times[0]),
        "each_ms": [round(time) for time in warm],
        "last_line": sharpen,
        "chromium": version,
        "load_average": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
    }


def photograph(seed):
    """The bytes of a JPEG with the spectrum of a photograph (1/f, Field 1987), another for each seed."""
    rng = np.random.default_rng(seed)
    rows, columns = np.fft.fftfreq(HEIGHT)[:, None], np.fft.rfftfreq(WIDTH)[None]
    falloff = 1 / np.maximum(np.hypot(rows, columns), 1 / WIDTH)
    planes = []
    for contrast in (52, 14, 14):
        noise = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(HEIGHT, WIDTH))) * falloff, (HEIGHT, WIDTH))
        planes.append(128 + contrast * noise / noise.std())
    pixels = np.stack(planes, axis=2).round().clip(0, 255).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(pixels, "YCbCr").save(content, "JPEG", quality=90)
    return content.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the result there, with what made it")
    parser.add_argument("--runs", type=int, default=20, help="runs after the one that warms up (default: %(default)s)")
    parser.add_argument("--model", default="small", help="student (default: %(default)s)")
    args = parser.parse_args()
    if chromium_path() is None:
        raise SystemExit("page_time needs Chromium on PATH (Debian: `apt install chromium`)")
    result = measure(args.runs, ["--model", args.model])
    command = f"python -m tests.measure.page_time --json {args.json or 'FILE'} --runs {args.runs} --model {args.model}"
    result = {"model": args.model, **result, **provenance(command)}
    print(json.dumps(result, indent=2))
    if args.json:
        Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        Path(args.json).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
