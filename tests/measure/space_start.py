"""Starts the repository as a Gradio Space would start: fresh environment, the platform's install and start, a browser.

    python -m tests.measure.space_start --python /usr/bin/python3 --json assets/results/space_start.json

The last commit is taken. The environment is made anew and gets what the platform installs: requirements.txt and, in the
same call, Gradio in the version of README.md's front matter with its extras, and `spaces`. The process runs as user 1000
where this command is root and that user can read the interpreter. Chromium then opens the page under the Space's
name, through a proxy like the platform's, sharpens a picture and looks at its own (fake) camera for ten seconds.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from engine.provenance import provenance
from tests.browser.camera_clip import write_film
from tests.browser.chromium import choose, chromium, chromium_path, open_page, wait_for_result
from tests.browser.live_page import figures, wait_for_frames
from tests.browser.platform_proxy import platform_proxy
from tests.measure.fresh_start import free_port
from tests.webui.pictures import encoded, scene
from tests.webui.server_process import ROOT
from tests.webui.space_process import HOST, running_space

USER = 1000


def measure(python, folder):
    """What happened with one interpreter, as a dict."""
    folder.chmod(0o755)
    app = folder / "app"
    app.mkdir()
    archive = subprocess.run(["git", "-C", ROOT, "archive", "HEAD"], check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", app], input=archive, check=True)
    subprocess.run([python, "-m", "venv", folder / "venv"], check=True)
    inside = folder / "venv" / "bin" / "python"
    started_at = time.perf_counter()
    install(inside, app)
    install_s = time.perf_counter() - started_at

    temporary = folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o1777)
    user = USER if os.getuid() == 0 and readable_by_others(python) else os.getuid()
    options = {"user": user, "group": user, "extra_groups": []} if user != os.getuid() else {}
    port = free_port()
    started_at = time.perf_counter()
    with running_space(port, temporary, python=inside, root=app, **options) as space:
        start_s = time.perf_counter() - started_at
        seen = visit(port, folder)
        status = Path(f"/proc/{space.process.pid}/status").read_text(encoding="utf-8")
    assert "Traceback" not in space.output, space.output
    return {
        "python": output(inside, "-c", "import platform; print(platform.python_version())"),
        "user": user,
        "install_s": round(install_s),
        "start_s": round(start_s, 1),
        "peak_memory_mb": round(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024),
        "left_behind": sorted(path.name for path in temporary.iterdir()),
        **seen,
    }


def install(python, app):
    """What the platform's builder gives to pip."""
    settings = yaml.safe_load((app / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    platforms = [f"gradio[oauth,mcp]=={settings['sdk_version']}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces"]
    command = [python, "-m", "pip", "install", "-q", "--no-cache-dir", "-r", app / "requirements.txt", *platforms]
    subprocess.run(command, check=True, stdout=sys.stderr, stderr=subprocess.DEVNULL)


def visit(port, folder):
    """What a browser sees of it."""
    with platform_proxy(port, folder) as outside:
        flags = [
            f"--host-resolver-rules=MAP {HOST} 127.0.0.1:{outside}, MAP * ~NOTFOUND",
            "--ignore-certificate-errors",
        ]
        flags += write_film(folder / "film.mjpeg", 480, 640)
        with chromium(*flags) as browser, open_page(browser, f"https://{HOST}") as (page, log):
            choose(page, {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": encoded(scene(1080, 1920), "JPEG")})
            wait_for_result(page, "a.jpg")
            page.get_by_role("tab", name="Live").click()
            page.wait_for_selector("#live .live-start")
            page.click("#live .live-start")
            wait_for_frames(page)
            page.wait_for_timeout(10_000)
            live = figures(page)
    strangers = [url for url in log.requests if not url.startswith((f"https://{HOST}/", "data:", "blob:"))]
    return {"sharpened": True, "live": live, "requests_elsewhere": [url for url in strangers if HOST not in url]}


def readable_by_others(python):
    """Whether every folder above an interpreter lets other users in."""
    return all(folder.stat().st_mode & 0o005 == 0o005 for folder in Path(python).resolve().parents)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", nargs="+", default=[sys.executable], help="interpreters (default: this one)")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    args = parser.parse_args()
    if chromium_path() is None:
        raise SystemExit("space_start needs Chromium on PATH (Debian: `apt install chromium`)")
    rows = []
    for python in args.python:
        with tempfile.TemporaryDirectory(prefix="whetstone-space-") as folder:
            rows.append(measure(python, Path(folder)))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    command = f"python -m tests.measure.space_start --python {' '.join(args.python)}"
    command += f" --json {args.json}" if args.json else ""
    text = json.dumps({**provenance(command), "starts": rows}, indent=2) + "\n"
    if args.json:
        args.json.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
