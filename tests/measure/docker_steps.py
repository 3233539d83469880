"""Runs the Dockerfile's steps without Docker: each stage is a folder, each RUN a chroot, and the page must come up.

    python -m tests.measure.docker_steps --base /tmp/tree --json assets/results/docker_steps.json

--base is a tree that stands for the image that FROM names: Debian, with that Python as /usr/local/bin/python. It is
made when it is not there yet (debootstrap, and the Python of pyenv with that number). Needs root, and Linux. Layers,
the builder's cache and registries are not what this tries; files, commands, users, variables and the health check are.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.provenance import provenance
from tests.launch.container import copied, in_context, read, words_of
from tests.webui.page_client import Visitor
from tests.webui.pictures import encoded, scene
from tests.webui.server_process import ROOT

# What Debian's image of Python has beside Debian, for Python's own modules
LIBRARIES = (
    "ca-certificates,libssl3,libffi8,libsqlite3-0,zlib1g,libbz2-1.0,liblzma5,libreadline8,libncursesw6,libexpat1"
)
# The builder's own network settings, as Docker hands them down
NETWORK = ("/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt")


def make_base(tree, python):
    """A Debian tree with the newest Python of that number under ~/.pyenv."""
    homes = sorted(Path.home().glob(f".pyenv/versions/{python}.*"))
    if not homes or shutil.which("debootstrap") is None:
        raise SystemExit(f"docker_steps needs debootstrap, and Python {python} of pyenv, to make {tree}")
    subprocess.run(["debootstrap", "--variant=minbase", f"--include={LIBRARIES}", "bookworm", tree], check=True)
    shutil.copytree(homes[-1], tree / "usr" / "local", symlinks=True, dirs_exist_ok=True)
    (tree / "usr/local/bin/python").unlink(missing_ok=True)
    (tree / "usr/local/bin/python").symlink_to(f"python{python}")
    subprocess.run(["chroot", tree, "ldconfig"], check=True)


class Container:
    """A folder in which a stage's instructions are carried out."""

    def __init__(self, tree, other=None):
        self.tree = tree
        self.variables = dict(other.variables if other else {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"})
        self.workdir = other.workdir if other else "/"
        self.user = other.user if other else "0"

    def carry_out(self, instruction, value, folders):
        """One step; folders: {stage: its tree}."""
        if instruction == "RUN":
            done = self.popen(["/bin/sh", "-c", value], {"PIP_NO_INPUT": "1"} | certificates())
            if done.wait() != 0:
                raise SystemExit(f"RUN {value}: exit status {done.returncode}")
        elif instruction == "COPY":
            self._copy(*copied(value), folders)
        elif instruction == "WORKDIR":
            self.workdir = value
            self.inside(value).mkdir(parents=True, exist_ok=True)
        elif instruction == "ENV":
            pairs = (word.split("=", 1) for word in shlex.split(value))
            self.variables |= {name: given.replace("$PATH", self.variables["PATH"]) for name, given in pairs}
        elif instruction == "USER":
            self.user = value

    def inside(self, path):
        return self.tree / path.lstrip("/")

    def _copy(self, stage, sources, target, folders):
        target = self.inside(os.path.join(self.workdir, target))
        for source in sources:
            found = [folders[stage] / source.lstrip("/")] if stage else sorted(ROOT.glob(source))
            for path in found:
                if stage is None:
                    assert in_context(path.relative_to(ROOT)), path
                if path.is_dir():
                    skip = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(path, target, symlinks=True, dirs_exist_ok=True, ignore=None if stage else skip)
                else:
                    target.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, target / path.name)

    def popen(self, words, more=None, **options):
        """Start a program in it, with /proc, as the stage's user."""
        variables = [
            f"{name}={value}" for name, value in (self.variables | {"HOME": self.home()} | (more or {})).items()
        ]
        enter = (
            f"mount -t proc proc {self.tree}/proc && cd {self.tree} && exec chroot --userspec={self.user}:{self.user}"
        )
        go = ["/bin/sh", "-c", f'cd {shlex.quote(self.workdir)} && exec "$@"', "sh"]
        command = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            f'{enter} {self.tree} "$@"',
            "sh",
            "env",
            "-i",
            *variables,
            *go,
            *words,
        ]
        return subprocess.Popen(command, start_new_session=True, **options)

    def home(self):
        rows = [line.split(":") for line in self.inside("/etc/passwd").read_text().splitlines()]
        return next((row[5] for row in rows if row[2] == self.user), "/")


def certificates():
    return {name: os.environ[name] for name in ("PIP_CERT", "SSL_CERT_FILE") if name in os.environ}


def build(target, base, work):
    """The Container of a target's stage; everything it needs is built below work."""
    _arguments, stages = read()
    needed, todo = [], [target]
    while todo:
        name = todo.pop()
        needed.insert(0, name)
        todo.append(stages[name].base)
        todo += [copied(value)[0] for step, value in stages[name].steps if step == "COPY"]
        todo = [one for one in todo if one in stages]
    containers = {}
    for name in [name for name in stages if name in needed]:
        started_at = time.perf_counter()
        origin = containers.get(stages[name].base)
        subprocess.run(["cp", "-a", origin.tree if origin else base, work / name], check=True)
        containers[name] = Container(work / name, origin)
        folders = {other: container.tree for other, container in containers.items()}
        for path in NETWORK:
            if Path(path).exists():
                containers[name].inside(path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, containers[name].inside(path))
        for instruction, value in stages[name].steps:
            print(f"{name}: {instruction} {value[:90]}", file=sys.stderr, flush=True)
            containers[name].carry_out(instruction, value, folders)
        print(f"{name}: {time.perf_counter() - started_at:.0f} s", file=sys.stderr, flush=True)
    return containers[target], stages


def try_out(container, stages):
    """Start it as `docker run` does: without a password it must not start, with one it must sharpen a picture."""
    program = stages["program"]
    start = words_of(program.last("ENTRYPOINT")) + words_of(program.last("CMD"))
    probe = words_of(program.last("HEALTHCHECK"))
    refused = container.popen(start, stderr=subprocess.PIPE, text=True)
    words = refused.communicate(timeout=120)[1]
    assert refused.returncode == 2 and "--auth" in words, words
    process = container.popen(
        start, {"WHETSTONE_AUTH": "anna:secret"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        started_at = time.perf_counter()
        while container.popen(probe, stderr=subprocess.DEVNULL).wait() != 0:
            assert process.poll() is None and time.perf_counter() - started_at < 120, process.stdout.read().decode()
            time.sleep(0.5)
        ready_s = time.perf_counter() - started_at
        user = os.stat(f"/proc/{process.pid}").st_uid
        with Visitor("http://127.0.0.1:7860") as visitor:
            assert visitor.http.get("/config").status_code == 401  # nobody without the password
            login = visitor.http.post("/login", data={"username": "anna", "password": "secret"})
            assert login.status_code == 200, login.text
            shown = visitor.bring((encoded(scene(480, 640), "JPEG"), "picture.jpg"))
            visitor.leave()
        assert shown.success and user == 1000
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # its own group, started above
        process.wait(30)
    assert container.popen(probe, stderr=subprocess.DEVNULL).wait() != 0  # and the health check sees its end
    sharpen = [*words_of(program.last("ENTRYPOINT")), "sharpen", "assets/samples", "/pictures/sharp"]
    assert container.popen(sharpen, stdout=subprocess.DEVNULL).wait() == 0
    made = len(list(container.inside("/pictures/sharp").iterdir()))
    return {"healthy_after_s": round(ready_s, 1), "user": user, "samples_sharpened": made}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", type=Path, required=True, help="the tree that stands for the image of FROM")
    parser.add_argument("--json", type=Path, help="write the result here as well")
    args = parser.parse_args()
    if os.name == "nt" or os.getuid() != 0:
        parser.error("chroot needs root on Linux")
    arguments, _stages = read()
    if not args.base.exists():
        make_base(args.base, arguments["PYTHON"])
    with tempfile.TemporaryDirectory(prefix="whetstone-docker-") as work:
        os.chmod(work, 0o755)
        container, stages = build("cpu", args.base, Path(work))
        size = subprocess.run(["du", "-sm", container.tree], check=True, capture_output=True, text=True).stdout.split()[
            0
        ]
        result = {"target": "cpu", "tree_mb": int(size), **try_out(container, stages)}
    command = f"python -m tests.measure.docker_steps --base {args.base}" + (f" --json {args.json}" if args.json else "")
    text = json.dumps({**provenance(command), **result}, indent=2) + "\n"
    if args.json:
        args.json.write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
