"""Measures what a newcomer waits for: `git clone`, the first and the second start, each until the page answers.

    python -m tests.measure.fresh_start --json assets/results/fresh_start.json

The clone is of the last commit, into a temporary folder with a pip cache of its own, so that every byte is
fetched, and is removed afterwards. The interpreter under this command's environment starts it, as a newcomer would,
without variables that change Python's or Whetstone's ways.
"""

import argparse
import http.client
import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.provenance import provenance

ROOT = Path(__file__).resolve().parents[2]
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "bytes": 1.0}


def measure(timeout_s):
    """Seconds and bytes of a fresh start, as a dict."""
    with tempfile.TemporaryDirectory(prefix="whetstone-fresh-") as folder:
        clone = Path(folder) / "whetstone"
        started_at = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", ROOT.as_uri(), clone], check=True)
        clone_s = time.perf_counter() - started_at
        first, _log = _start(clone, timeout_s, cache=Path(folder) / "pip-cache")
        pip_log = (clone / ".venv" / "whetstone-install.log").read_text(encoding="utf-8")
        second, second_log = _start(clone, timeout_s, cache=Path(folder) / "pip-cache", PIP_NO_INDEX="1")
        if "installing" in second_log:
            raise RuntimeError(f"the second start installed something:\n{second_log}")
        return {
            "clone_s": round(clone_s, 2),
            "first_start_to_page_s": round(first, 1),
            "clone_and_first_start_s": round(clone_s + first, 1),
            "second_start_to_page_s": round(second, 1),
            "clone_bytes": _tree_bytes(clone, without=".venv"),
            "venv_bytes": _tree_bytes(clone / ".venv"),
            "fetched_bytes": _fetched_bytes(pip_log),
            "commit": _output("git", "-C", clone, "rev-parse", "--short=12", "HEAD").strip(),
            "versions": {"python": platform.python_version(), **_packages(clone)},
        }


def _start(clone, timeout_s, cache, **more):
    """(seconds from the start of launch.py until its page answers 200, what it printed)."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WHETSTONE_", "PYTHON"))}
    environment |= {"PIP_CACHE_DIR": str(cache), "PYTHONUNBUFFERED": "1", **more}
    command = [_base_python(), str(clone / "launch.py"), "--no-browser", "--port", str(port)]
    with tempfile.TemporaryFile("w+") as log:
        started_at = time.perf_counter()
        process = subprocess.Popen(command, cwd=clone, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            while not _answers(port):
                took = time.perf_counter() - started_at
                if process.poll() is not None or took > timeout_s:
                    log.seek(0)
                    raise RuntimeError(f"no page after {took:.0f} s, exit status {process.returncode}:\n{log.read()}")
                time.sleep(0.1)
            took = time.perf_counter() - started_at
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)  # its own group, started above
                process.wait(30)
        log.seek(0)
        return took, log.read()


def _answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _base_python():
    """The interpreter under the environment that runs this command: a newcomer's, without packages."""
    base = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else f"bin/python3.{sys.version_info.minor}")
    return str(base)


def _tree_bytes(folder, without=None):
    """Size of the files below a folder, as stored (links not followed)."""
    total = 0
    for path, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != without]
        total += sum(os.lstat(os.path.join(path, name)).st_size for name in files)
    return total


def _fetched_bytes(log):
    """Bytes of packages that pip says it downloaded, or took as files from a local copy of the index."""
    sizes = re.findall(r"Downloading \S+ \(([\d.]+) (kB|MB|GB|bytes)\)", log)
    local = re.findall(r"Processing (/\S+\.whl)", log)
    return round(sum(float(number) * UNITS[unit] for number, unit in sizes) + sum(map(os.path.getsize, local)))


def _packages(clone):
    text = _output(clone / ".venv/bin/python", "-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    return {package["name"]: package["version"] for package in json.loads(text)}


def _output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description="measures a fresh clone's first and second start")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    parser.add_argument(
        "--timeout", type=float, default=600, help="seconds that a start may take (default: %(default)s)"
    )
    args = parser.parse_args()
    if shutil.which("git") is None:
        parser.error("git is needed")
    command = "python -m tests.measure.fresh_start" + (f" --json {args.json}" if args.json else "")
    result = {
        "what": "git clone and launch.py until the page answers 200",
        **provenance(command),
        # how busy the machine was before: well below its cores on an idle one
        "load_average_1min": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        **measure(args.timeout),
    }
    text = json.dumps(result, indent=2) + "\n"
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
