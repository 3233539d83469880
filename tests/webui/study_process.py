"""A small study and its real server: `python launch.py study serve` in a process of its own, and a client of it.

The pictures are noise of two colours and whoever rates is simulated.
"""

import contextlib
import re
import tempfile
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

from mos_study.plan import Settings, make_plan
from mos_study.plan_file import plan_json
from tests.mos_study.studies import manifest
from tests.webui.server_process import ServerProcess

PASSWORD = "a leader in tests"
SCREEN = {"width": 1280, "height": 640, "density": 1, "needed": 1232, "bars": 8, "plates": ["27", "", ""]}


def write_study(folder, method="ab", raters=6, contents=6, size=(48, 64), seed=7, **settings):
    """A study's folder with noise for pictures, all files of one size in bytes; returns its Plan."""
    conditions = ("degraded", "small", "clean")
    content = manifest(contents, conditions, size=size)
    plan = make_plan(content, Settings(method, conditions, raters, seed, **settings))
    (folder / "stimuli").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for one in content["stimuli"]:
        pixels = rng.integers(0, 256, (*size, 3), np.uint8)
        Image.fromarray(pixels).save(folder / one["file"], compress_level=0)
    (folder / "plan.json").write_text(plan_json(plan))
    return plan


class StudyProcess(ServerProcess):
    """The command as a leader starts it. address: where it answers; token: of the link for all."""

    def __init__(self, folder, *options, environment=None):
        self.folder = Path(folder)
        words = ["launch.py", "study", "serve", "--skip-install", folder, *options]
        if "--port" not in options:
            words += ["--port", "0"]
        if "--leader-password" not in options:
            words += ["--leader-password", PASSWORD]
        super().__init__(words, environment)
        self.address = self.token = None

    def wait_until_ready(self):
        self.wait_for("leader's page")  # the last of its lines
        self.address = re.search(r"The study is at (http://[\w.:]+\d)", self.output)[1]
        link = re.search(r"/s/(\S+)", self.output)
        self.token = link and link[1]
        return self


@contextlib.contextmanager
def running_study(folder=None, *options, environment=None, **settings):
    """(StudyProcess that answers, Plan) of a new study, stopped at the end. settings: of write_study."""
    with tempfile.TemporaryDirectory(prefix="whetstone-study-") as own:
        folder = Path(folder or own) / "study"
        plan = write_study(folder, **settings)
        process = StudyProcess(folder, *options, environment=environment)
        try:
            yield process.wait_until_ready(), plan
        finally:
            process.stop()


class Volunteer:
    """A simulated volunteer over HTTP, without a browser. Use as a context manager."""

    def __init__(self, address, token):
        self.http = httpx.Client(base_url=address, timeout=30, trust_env=False)
        self.token = token

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.http.close()

    def get(self, path):
        return self.http.get(f"/api/{path}", headers={"X-Session": self.token})

    def post(self, path, content):
        return self.http.post(f"/api/{path}", json=content, headers={"X-Session": self.token})

    def state(self):
        return self.get("state").raise_for_status().json()

    def begin(self):
        """Consent and check; returns the state, at the first trial."""
        self.token = self.post("consent", {}).raise_for_status().json()["token"]
        return self.post("check", SCREEN).raise_for_status().json()

    def look(self, state, ahead=0):
        """Load the pictures of the trial at hand, or of the one after it."""
        return [self.get(f"picture/{name}").raise_for_status().content for name in state["next"][ahead]["pictures"]]

    def rate(self, trial, score=4, other_score=2, **more):
        """The response to an answer."""
        return self.post(
            "answer", {"trial": trial, "score": score, "other_score": other_score, "response_ms": 900, **more}
        )

    def step(self, state, **more):
        """Look and rate; returns the state after it."""
        self.look(state)
        return self.rate(state["answered"], **more).raise_for_status().json()

    def finish(self, state):
        while state["step"] != "done":
            state = self.step(state)
        return state
