"""Tries every Python that Whetstone claims: installs from the lock, runs the quick tests without torch, sharpens once.

    python -m tests.measure.pythons --json assets/results/pythons.json

Each interpreter (those of pyenv, of uv and on PATH) gets an environment of its own in a temporary folder, in which pip
takes no package without its hash for what running needs. The tests are those of engine, webui and mos_study, of the
requirements and of the imports, but for the slow ones and for what needs torch, a browser or a driver. "page": the page
is started as the first start would, and a picture is sharpened through it.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import launch
from engine.provenance import commit, provenance
from tests.webui.page_client import Visitor
from tests.webui.page_process import PageProcess
from tests.webui.pictures import encoded, scene
from tests.webui.server_process import ROOT

TESTS = [
    "tests/engine", "tests/webui", "tests/mos_study", "tests/test_architecture.py",
    "tests/launch/test_lock.py", "tests/launch/test_requirements.py",
]  # fmt: skip
HEAVY = ("torch", "accelerate", "mypy", "ruff", "playwright")  # gigabytes, or of no use to these tests


def interpreters():
    """{"3.10": path, ...} of the Pythons from OLDEST to NEWEST that this machine has."""
    found = {}
    for minor in range(launch.OLDEST[1], launch.NEWEST[1] + 1):
        name = f"python3.{minor}"
        places = [shutil.which(name), *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/{name}")]
        places += Path.home().glob(f".local/share/uv/python/cpython-3.{minor}.*/bin/{name}")
        for place in filter(None, places):  # pyenv's name on PATH may start nothing
            done = subprocess.run([place, "-c", "import ensurepip, ssl"], capture_output=True)
            if done.returncode == 0:
                found[f"3.{minor}"] = str(place)
                break
    return found


def measure(python, folder):
    """What happened with one interpreter, as a dict."""
    venv = Path(folder) / "venv"
    subprocess.run([python, "-m", "venv", venv], check=True)
    inside = venv / "bin" / "python"
    started_at = time.perf_counter()
    pip(inside, "--require-hashes", "-r", ROOT / "requirements.lock")
    install_s = time.perf_counter() - started_at
    more = Path(folder) / "more.txt"
    more.write_text("".join(more_requirements()), encoding="utf-8")
    pip(inside, "-r", ROOT / "requirements.txt", "-r", more)
    started_at = time.perf_counter()
    tests = subprocess.run(
        [inside, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not (slow or browser or driver or gpu)"]
        + ["--ignore-glob=*/dashboard/test_find_runs.py", *TESTS],
        cwd=ROOT, capture_output=True, text=True, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    words = tests.stdout.strip().splitlines()[-1] if tests.stdout.strip() else tests.stderr[-300:]
    if tests.returncode != 0:
        print(tests.stdout[-6000:], file=sys.stderr)
    return {
        "commit": commit(),
        "python": output(inside, "-c", "import platform; print(platform.python_version())"),
        "install_s": round(install_s, 1),
        "tests": {name: int(count) for count, name in re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", words)},
        "tests_s": round(time.perf_counter() - started_at),
        "page": page(inside, folder),
    }


def more_requirements():
    """The lines of the study's, the dashboard's and the tests' requirements, and of training's but for HEAVY."""
    for name in ("study", "dashboard", "dev", "torch"):
        for line in (ROOT / f"requirements-{name}.txt").read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.startswith(("#", *(f"{heavy}==" for heavy in HEAVY))):
                yield line


def page(python, folder):
    """How a picture fares on the page of this interpreter."""
    started_at = time.perf_counter()
    process = PageProcess(folder, "--model", "small", python=python)
    try:
        process.wait_until_ready()
        ready_s = time.perf_counter() - started_at
        with Visitor(process.address) as visitor:
            shown = visitor.bring((encoded(scene(480, 640), "JPEG"), "picture.jpg"))
            visitor.leave()
        status = re.sub(r"<[^>]*>", " ", str(shown.values.get("status", "")))
        return {"start_s": round(ready_s, 1), "sharpened": shown.success and "picture.jpg" in status}
    finally:
        process.stop()


def pip(python, *words):
    command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile", *words]
    subprocess.run(command, check=True, stdout=sys.stderr, stderr=subprocess.DEVNULL)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result here as well")
    parser.add_argument("--only", nargs="+", help="these versions alone, such as 3.10 3.12; the others stay as in FILE")
    args = parser.parse_args()
    # a shell ignores Ctrl-C for what it starts in the background, and the tests of Ctrl-C would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
    wanted = [f"3.{minor}" for minor in range(launch.OLDEST[1], launch.NEWEST[1] + 1)]
    found = interpreters()
    rows = {}
    if args.only and args.json and args.json.exists():
        rows = json.loads(args.json.read_text(encoding="utf-8"))["pythons"]
    for version in args.only or wanted:
        if version not in found:
            rows[version] = "not on this machine"
            continue
        with tempfile.TemporaryDirectory(prefix="whetstone-python-") as folder:
            rows[version] = measure(found[version], folder)
        print(version, json.dumps(rows[version]), file=sys.stderr, flush=True)
    command = "python -m tests.measure.pythons" + (f" --json {args.json}" if args.json else "")
    text = json.dumps({**provenance(command), "pythons": dict(sorted(rows.items()))}, indent=2) + "\n"
    if args.json:
        args.json.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
