"""Measures `batch` beside `sharpen`: pictures a second of the same folder, start and end of Ray included and without.

    python -m tests.measure.batch_time --pictures ../shared/data/test --json assets/results/batch_time.json

Both are run as a user runs them, in turn, each into a new folder; the results of every run are compared byte for byte.
`seconds` are from start to end; `pictures_per_second` leave out what comes before the first picture is begun and after
the last is done (Ray's start and end). `fastest` is the run that other work on the machine disturbed least.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.provenance import provenance

ROOT = Path(__file__).resolve().parents[2]


def measure(pictures, number, workers, model, runs):
    """A dict of both commands' times; the command itself says how long it sharpened for."""
    with tempfile.TemporaryDirectory(prefix="whetstone-batch-time-") as place:
        folder = Path(place) / "in"
        folder.mkdir()
        files = sorted(path for path in Path(pictures).rglob("*") if path.suffix in (".jpg", ".png"))
        for index, path in enumerate(files[:: len(files) // number][:number]):
            shutil.copy(path, folder / f"{index:03}{path.suffix}")
        commands = {"sharpen": ["sharpen"], "batch": ["batch", "--workers", str(workers)]}
        seconds = {name: {"whole": [], "sharpening": []} for name in commands}
        contents = []
        for run in range(runs):
            for name, words in commands.items():
                results = Path(place) / f"{name}-{run}"
                words = [*words, folder, results, "--model", model, "--skip-install"]
                began = time.monotonic()
                done = subprocess.run(
                    [sys.executable, ROOT / "launch.py", *words], capture_output=True, text=True, check=True
                )
                seconds[name]["whole"].append(time.monotonic() - began)
                seconds[name]["sharpening"].append(float(re.search(r"in ([\d.]+) s\s*$", done.stdout)[1]))
                contents.append([path.read_bytes() for path in sorted(results.iterdir())])
        assert all(content == contents[0] for content in contents), "the results differ"
        return {
            "pictures": len(contents[0]),
            "model": model,
            "workers": workers,
            "same_bytes": True,
            "load_of_the_machine": round(os.getloadavg()[0], 1),
            **{
                name: {
                    "seconds": [round(value, 2) for value in one["whole"]],
                    "pictures_per_second": [round(len(contents[0]) / value, 2) for value in one["sharpening"]],
                    "fastest": round(len(contents[0]) / min(one["sharpening"]), 2),
                }
                for name, one in seconds.items()
            },
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", required=True, metavar="DIR")
    parser.add_argument("--number", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model", default="small")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    found = measure(args.pictures, args.number, args.workers, args.model, args.runs)
    print(json.dumps(found, indent=2))
    if args.json:
        command = "python -m tests.measure.batch_time " + " ".join(sys.argv[1:])
        Path(args.json).write_text(json.dumps(found | provenance(command), indent=2) + "\n", encoding="utf-8")
