"""Laws of `python launch.py batch`: the results of `sharpen`, whatever dies on the way; on a real Ray."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from importlib import util
from pathlib import Path

import cv2
import psutil
import pytest

import launch
from engine import ray_batch
from engine.batch import Job, Settings
from engine.cards import model_names
from engine.commands import sharpen
from engine.errors import BadSetting, ClusterLost
from engine.ray_batch import Work
from tests.engine.picture_files import photo, saved

ROOT = Path(__file__).resolve().parents[2]
NANO = ("--model", "nano")

needs_ray = pytest.mark.skipif(
    util.find_spec("ray") is None or not {"nano", "small"} <= set(model_names()),
    reason="needs Ray (requirements-batch.txt) and the shipped students in assets/models",
)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads processes and signals as Linux has them")


def start(*words, **more):
    """The command as a user starts it, in a process group of its own, as a terminal does."""
    words = [sys.executable, ROOT / "launch.py", "batch", "--skip-install", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    return subprocess.Popen(list(map(str, words)), **pipes, **more)


def finish(process, status):
    """(standard output, standard error) of a command that ended as expected."""
    out, err = process.communicate(timeout=180)
    assert process.returncode == status and "Traceback" not in err, (process.returncode, out, err)
    return out, err


def sharpened(folder, results, *words):
    """What `sharpen` makes of the folder, as {name: bytes}."""
    done = subprocess.run(
        [sys.executable, ROOT / "launch.py", "sharpen", "--skip-install", "--quiet", folder, results, *words],
        capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode in (0, 2), done.stderr
    return contents(results)


def contents(folder):
    """{name: bytes} of the results in a folder, without what a killed process had begun to write."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".tmp"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def many(folder, number=24, height=700, width=900):
    """A folder of pictures that each take a while."""
    folder.mkdir()
    for index in range(number):
        (folder / f"{index:02}.png").write_bytes(saved(photo(height, width, seed=index), "PNG"))
    return folder


def workers(process):
    """The processes that sharpen now."""
    with contextlib.suppress(psutil.NoSuchProcess):
        family = psutil.Process(process.pid).children(recursive=True)
        return [one for one in family if one.name().startswith("ray::_sharpen")]
    return []


def wait_for_results(folder, number, process):
    for _ in patience(120):
        if len(list(folder.glob("*.png"))) >= number:
            return
        assert process.poll() is None, process.communicate()
    raise AssertionError(f"not {number} results in {folder}")


def patience(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        yield
        time.sleep(0.01)


@needs_ray
@pytest.mark.slow
def test_results_are_those_of_sharpen_byte_for_byte_and_a_broken_picture_is_named(tmp_path):
    folder = tmp_path / "My scans"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(saved(photo(300, 410, seed=1), "JPEG"))
    (folder / "sub" / "b.webp").write_bytes(saved(photo(200, 111, seed=2), "WEBP"))
    (folder / "sub" / "c.png").write_bytes(saved(photo(64, 97, 4, seed=3), "PNG"))
    (folder / "broken.png").write_bytes(saved(photo(40, 50), "PNG")[:200])
    (folder / "notes.txt").write_text("no picture")
    (tmp_path / "cv2.py").write_text("raise RuntimeError('imported from the current folder')")  # nobody may do so
    words = ("--strength", "1.4", "--noise", "2", "--strip-gps")
    expected = sharpened(folder, tmp_path / "one", *words)
    out, err = finish(start("My scans", "many", *words, "--workers", 2, cwd=tmp_path), 2)
    assert contents(tmp_path / "many") == expected and len(expected) == 3
    assert "1 of 4 pictures could not be read" in err and "100%" in err
    assert "broken.png: the PNG is cut off" in err.rstrip().splitlines()[-1]
    assert "3 pictures sharpened into many" in out and "noise 2" in out and "1 other file" in out


@needs_ray
@pytest.mark.slow
def test_results_that_are_there_are_left_and_the_rest_is_done(tmp_path):
    folder, results = many(tmp_path / "in", 4, 60, 80), tmp_path / "in-sharp"
    results.mkdir()
    (results / "01.png").write_bytes(b"precious")
    out, _ = finish(start(folder, *NANO, "--workers", 1), 0)
    assert "1 result in" in out and "3 pictures sharpened" in out
    assert (results / "01.png").read_bytes() == b"precious" and len(contents(results)) == 4
    out, _ = finish(start(folder, *NANO), 0)
    assert "4 results in" in out
    finish(start(folder, *NANO, "--workers", 1, "--overwrite", "--quiet"), 0)
    assert (results / "01.png").read_bytes().startswith(b"\x89PNG")


@needs_ray
@on_linux
@pytest.mark.slow
def test_a_killed_worker_loses_nothing(tmp_path):
    folder, results = many(tmp_path / "in"), tmp_path / "out"
    process = start(folder, results, *NANO, "--workers", 2)
    wait_for_results(results, 3, process)
    for _ in patience(20):
        if busy := workers(process):
            busy[0].kill()
            break
    assert busy and len(contents(results)) < 20  # it was the middle
    finish(process, 0)
    assert contents(results) == sharpened(folder, tmp_path / "one", *NANO)


@needs_ray
@on_linux
@pytest.mark.slow
def test_a_picture_whose_every_process_is_killed_is_named_at_the_end(tmp_path):
    folder = many(tmp_path / "in", 1, 3000, 4000)
    process = start(folder, tmp_path / "out", *NANO, "--workers", 1)
    killed = set()
    for _ in patience(120):
        if process.poll() is not None:
            break
        for one in workers(process):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
                killed.add(one.pid)
    _, err = finish(process, 2)
    assert len(killed) == 4 and "00.png: each of 4 processes that sharpened it was killed" in err
    assert not (tmp_path / "out" / "00.png").exists()


@needs_ray
@on_linux
@pytest.mark.slow
@pytest.mark.parametrize("stop, status", [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_who_is_stopped_leaves_whole_results_and_no_process_and_goes_on(tmp_path, stop, status):
    folder, results = many(tmp_path / "in"), tmp_path / "out"
    process = start(folder, results, *NANO, "--workers", 2)
    wait_for_results(results, 3, process)
    family = psutil.Process(process.pid).children(recursive=True)
    if stop == signal.SIGINT:
        os.killpg(process.pid, stop)  # as Ctrl-C does
        _, err = finish(process, status)
        assert f"stopped; {len(contents(results))} of 24 pictures are done and whole" in err
    else:
        process.kill()
        process.communicate(timeout=180)
    there = {path: path.stat().st_mtime_ns for path in results.glob("*.png")}
    assert 3 <= len(there) < 24
    finish(start(folder, results, *NANO, "--workers", 2), 0)
    assert {path: path.stat().st_mtime_ns for path in there} == there
    assert contents(results) == sharpened(folder, tmp_path / "one", *NANO)
    # of a killed Ray two idle helpers look for it for a minute
    assert not psutil.wait_procs(family, timeout=150)[1]


ON_A_CLUSTER = """
import sys, os, psutil
from pathlib import Path
import engine.ray_batch as ray_batch
from engine.batch import plan
folder, stranger = sys.argv[1:]
jobs = plan(folder, folder + "-out").jobs

class Counted:
    taken = 0
    def __iter__(self):
        for job in jobs:
            Counted.taken += 1
            yield job

with ray_batch.cluster(workers=2):
    ahead = []
    for index, outcome in enumerate(ray_batch.RayBatch(Counted(), ray_batch.Work("nano")).run()):
        ahead.append(Counted.taken - index)
    everyone = [psutil.Process(), *psutil.Process().children(recursive=True)]
    doors = [one.laddr for process in everyone for one in process.net_connections() if one.status == "LISTEN"]
    others = {one.raddr.ip for process in everyone for one in process.net_connections() if one.raddr}
    import ray, subprocess
    asked = subprocess.run([sys.executable, "-c", stranger, ray.get_runtime_context().gcs_address], capture_output=True,
                           text=True, env={k: v for k, v in os.environ.items() if not k.startswith("RAY_")})
    print("AHEAD", max(ahead), "OF", len(ahead))
    print("DOORS", *sorted({door.ip.removeprefix("::ffff:") for door in doors}))
    print("TALKS TO", *sorted({ip.removeprefix("::ffff:") for ip in others}))
    print("CURRENT FOLDER", os.getcwd())
    print("STRANGER", asked.stdout, asked.stderr)
print("GONE", *[process for process in psutil.Process().children(recursive=True)])
"""
STRANGER = """
import os, sys
os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
import ray
try:
    ray.init(address=sys.argv[1], logging_level="CRITICAL")
    print("is let in")
except Exception as error:
    print("is refused:", type(error).__name__)
"""


@needs_ray
@on_linux
@pytest.mark.slow
def test_the_cluster_of_a_run_is_closed_to_others_and_holds_few_pictures_at_a_time(tmp_path):
    folder = many(tmp_path / "in", 20, 60, 80)
    words = [sys.executable, "-c", ON_A_CLUSTER, folder, STRANGER]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=180)
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if line[:1].isupper() and " " in line)
    assert done.returncode == 0, done.stderr
    assert told["AHEAD"] == "4 OF 20"  # two a worker
    assert told["DOORS"] == "127.0.0.1" and told["TALKS"] == "TO 127.0.0.1", done.stdout
    assert told["STRANGER"].startswith("is refused"), done.stdout


TWO_MACHINES = """
import sys
from ray.cluster_utils import Cluster
machines = Cluster(True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = machines.add_node(num_cpus=1)
print(machines.address, flush=True)
sys.stdin.readline()
machines.remove_node(second, allow_graceful=False)
print("removed", flush=True)
sys.stdin.read()
"""


@needs_ray
@on_linux
@pytest.mark.slow
def test_a_machine_of_a_cluster_can_go_in_the_middle(tmp_path):
    folder, results = many(tmp_path / "in"), tmp_path / "out"
    secret = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 32, "RAY_USAGE_STATS_ENABLED": "0"}
    environment = os.environ | secret | {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
    machines = subprocess.Popen(
        [sys.executable, "-c", TWO_MACHINES], env=environment, cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        address = machines.stdout.readline().strip()
        process = start(folder, results, *NANO, "--address", address, env=environment)
        wait_for_results(results, 3, process)
        machines.stdin.write("\n")
        machines.stdin.flush()
        assert machines.stdout.readline().strip() == "removed" and len(contents(results)) < 24
        finish(process, 0)
    finally:
        machines.communicate(timeout=60)
    assert contents(results) == sharpened(folder, tmp_path / "one", *NANO)


@pytest.mark.skipif("nano" not in model_names(), reason="needs the shipped students in assets/models")
@pytest.mark.parametrize("overwrite", [False, True])
def test_the_result_of_a_process_that_died_before_it_said_so_counts(tmp_path, overwrite):
    source, target = tmp_path / "a.png", tmp_path / "b.png"
    source.write_bytes(saved(photo(), "PNG"))
    target.write_bytes(b"whole")
    threads = cv2.getNumThreads()
    try:
        outcome = ray_batch._sharpen(Work("nano", settings=Settings(overwrite=overwrite)), Job(source, target))
    finally:
        cv2.setNumThreads(threads)
    assert outcome.error is None and (target.read_bytes() == b"whole") is not overwrite


@pytest.mark.parametrize(
    "words, what",
    [
        (["a.png"], "'a.png' is no folder"),
        ([".", "--workers", "0"], "--workers must be"),
        ([".", "--workers", "2", "--address", "auto"], "give one"),
        ([".", "--address", "ray://head:10001"], "--address must be HOST:PORT"),
        ([".", "--blur", "99"], "blur must be a number"),
        ([".", "--strength", "3"], "strength must be"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(tmp_path, monkeypatch, words, what):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(saved(photo(), "PNG"))
    _, module, args = launch.parse(["batch", *words])
    with pytest.raises(BadSetting, match=what):
        module.run(args)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "host:port", "127.0.0.1:99999999"])
def test_an_address_without_a_cluster_is_answered_at_once(tmp_path, address):
    (tmp_path / "a.png").write_bytes(saved(photo(), "PNG"))
    _, module, args = launch.parse(["batch", str(tmp_path), "--address", address])
    began = time.monotonic()
    with pytest.raises(ClusterLost, match=f"no Ray cluster at {address} .*ray start"):
        module.run(args)
    assert time.monotonic() - began < 20


def test_without_ray_it_is_said_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(saved(photo(), "PNG"))
    monkeypatch.setitem(sys.modules, "ray", None)
    _, module, args = launch.parse(["batch", str(tmp_path)])
    with pytest.raises(ClusterLost, match="requirements-batch.txt"):
        module.run(args)


def test_it_takes_the_options_of_sharpen_but_device_and_video_quality():
    theirs = vars(launch.parse(["sharpen", "x"])[2])
    ours = vars(launch.parse(["batch", "x"])[2])
    assert set(theirs) - set(ours) == {"device", "video_quality"}
    assert set(ours) - set(theirs) == {"workers", "address"}
    assert {name: value for name, value in ours.items() if name in theirs} == {
        name: value for name, value in theirs.items() if name in ours
    }
    assert sharpen.MEASURED.keys() <= ours.keys()
