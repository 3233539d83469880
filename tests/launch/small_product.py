"""A small product around the real launch.py and environment.py: tiny packages, so real installs take seconds."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The command of the small product; it tells how it was started, or fails as asked.
COMMAND = '''
"""Tells which interpreter runs it."""
HELP = "tells which interpreter runs it"

def add_arguments(parser):
    parser.add_argument("--fail", choices=["user", "crash", "interrupt", "wrapped"])

def run(args):
    if args.fail == "user":
        from engine.errors import BadSetting
        raise BadSetting("the strength is 3; 0.0 to 2.0 is meant")
    if args.fail == "crash":
        raise RuntimeError("a bug of ours")
    if args.fail == "wrapped":
        raise RuntimeError("a class could not be made") from KeyboardInterrupt()
    if args.fail == "interrupt":
        import signal, os, time
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    import sys, whetstone_tiny
    print("RAN", sys.prefix, whetstone_tiny.VERSION)
    return 0
'''


class SmallProduct:
    """A folder with launch.py, one command (`doctor`) and a wheel house; `start` runs it as a user would."""

    def __init__(self, folder):
        self.root = folder / "product dé"  # a path with a space and a letter outside ASCII
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        (self.root / "engine" / "commands").mkdir(parents=True)
        (self.root / "mos_study").mkdir()
        for name in ("launch.py", "environment.py", "pip_install.py", "engine/errors.py", "mos_study/errors.py"):
            shutil.copy(ROOT / name, self.root / name)
        (self.root / "engine" / "commands" / "doctor.py").write_text(COMMAND, encoding="utf-8")
        self.require("base", "whetstone-tiny==1.0")
        self.require("torch", "")
        self.require("dev", "")
        self.venv = self.root / ".venv"

    def require(self, layer, *lines):
        """Set a layer's requirements."""
        name = "requirements.txt" if layer == "base" else f"requirements-{layer}.txt"
        (self.root / name).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        (self.root / "requirements.lock").unlink(missing_ok=True)

    def lock(self):
        """Write requirements.lock for requirements.txt and the wheels that are there."""
        lines = []
        for line in (self.root / "requirements.txt").read_text(encoding="utf-8").splitlines():
            name, version = line.split("#")[0].split(";")[0].strip().split("==")
            wheel = self.wheels / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest() if wheel.exists() else "0" * 64
            lines.append(f"{line.split('#')[0].strip()} --hash=sha256:{digest}\n")
        (self.root / "requirements.lock").write_text("".join(lines), encoding="utf-8")

    def add_wheel(self, name, version, files=0, needs=()):
        """Put a wheel into the wheel house: a module with VERSION, and `files` more files to slow pip down."""
        module = name.replace("-", "_")
        info = f"{module}-{version}.dist-info"
        contents = {f"{module}/__init__.py": f"VERSION = {version!r}\n"}
        contents |= {f"{module}/part{number}.py": "X = 1\n" for number in range(files)}
        contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + "".join(
            f"Requires-Dist: {need}\n" for need in needs
        )
        contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        record = "".join(f"{path},sha256={_digest(text)},{len(text)}\n" for path, text in contents.items())
        contents[f"{info}/RECORD"] = record + f"{info}/RECORD,,\n"
        with zipfile.ZipFile(self.wheels / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
            for path, text in contents.items():
                wheel.writestr(path, text)

    def environment(self, **more):
        """A user's environment whose pip knows the wheel house alone."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "WHETSTONE_"))}
        own |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri(), "PIP_CONFIG_FILE": os.devnull}
        return own | {"PIP_NO_CACHE_DIR": "1"} | more

    def popen(self, *arguments, python=sys.executable, stderr=subprocess.PIPE, **more):
        """Start `python launch.py ARGUMENTS` in a process group of its own."""
        if not (self.root / "requirements.lock").exists():
            self.lock()
        command = [os.fspath(python), os.fspath(self.root / "launch.py"), *arguments]
        return subprocess.Popen(
            command, env=self.environment(**more), stdout=subprocess.PIPE, stderr=stderr, text=True,
            cwd=self.wheels, start_new_session=True,
        )  # fmt: skip

    def start(self, *arguments, python=sys.executable, **more):
        """Run it to the end: (exit status, standard output, standard error)."""
        process = self.popen(*arguments, python=python, **more)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


def _digest(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
