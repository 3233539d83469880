"""The environment Whetstone runs in: this interpreter when it has what is needed, else .venv, made and completed once.

It runs before anything is installed, so it is the standard library alone; it is a file of its own so that launch.py can
be read by interpreters of any age. What happens in `prepare`:

  the interpreter already has every pin (container, Space, conda)    -> nothing to do
  outside .venv:  make it, or make it anew when its Python or pip is broken -> start again inside it
  inside .venv:   complete it with pip, stamp each layer             -> start again, now with everything

The base layer comes from requirements.lock: every package of it, also those that others need, by version and SHA-256.
A stamp is written after pip has succeeded and holds a hash of the layer's requirements file, so an interrupted install
and a changed pin both leave the layer unstamped, and the next start completes it. A lock that the kernel releases when
its holders die keeps concurrent starts apart.
"""

import contextlib
import hashlib
import operator
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from engine.errors import WhetstoneError
from pip_install import pip_install

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("WHETSTONE_VENV") or ROOT / ".venv").absolute()
LAYERS = {
    "base": "requirements.txt",
    "study": "requirements-study.txt",
    "dashboard": "requirements-dashboard.txt",
    "batch": "requirements-batch.txt",
    "torch": "requirements-torch.txt",
    "dev": "requirements-dev.txt",
}
HASHES = "requirements.lock"  # of the base layer
_LOCK = "whetstone.lock"
_LOG = "whetstone-install.log"


def prepare(layers, *, skip_install=False):
    """Return in an interpreter that has the packages of `layers` (names in LAYERS), or start launch.py again in one.

    Raises WhetstoneError when that cannot be had. With skip_install nothing is made or installed: what lacks is said.
    """
    layers = [layer for layer in LAYERS if layer in layers]
    missing = [item.name for layer in layers for item in read_layer(layer) if not item.met()]
    inside = Path(sys.prefix).resolve() == VENV.resolve()
    if not missing and (not inside or all(_stamped(layer) for layer in layers)):
        return
    if skip_install:
        if not inside and _python().exists():
            _start_again()
        if missing:
            _say(f"--skip-install: going on without {', '.join(missing)} in the pinned version")
        return
    with _lock() as lock:
        if not _usable():
            _make(lock)
        elif inside:
            _install(layers, lock)
    _start_again()


@dataclass(frozen=True)
class Requirement:
    """One line of a requirements file: `name==pinned ; marker  # accepts >=version`."""

    name: str
    pinned: str
    marker: str = ""  # comparisons of python_version, sys_platform, platform_machine joined by `and`, then `or`
    accepted: str = ""  # the oldest version that does as well when it is installed already

    def applies(self):
        """Whether the marker holds for the running interpreter."""
        return not self.marker or any(
            all(_holds(comparison) for comparison in alternative.split(" and "))
            for alternative in self.marker.split(" or ")
        )

    def met(self):
        """Whether the running interpreter has it; a local build (2.13.0+cpu) counts as its public version."""
        if not self.applies():
            return True
        version = _installed_version(self.name)
        if version is None:
            return False
        return version.split("+")[0] == self.pinned or bool(
            self.accepted and _numbers(version) >= _numbers(self.accepted)
        )

    def for_pip(self):
        """What pip is asked for: the pin, or just to keep the accepted version that is there."""
        return f"{self.name}>={self.accepted}" if self.accepted and self.met() else f"{self.name}=={self.pinned}"


_LINE = re.compile(r"([\w.-]+)==([\w.+!]+)\s*(?:;\s*([^#]+?))?\s*(?:#\s*accepts\s*>=([\w.]+).*)?$")
_COMPARISON = re.compile(
    r"\s*(python_version|sys_platform|platform_machine)\s*(<=|>=|==|!=|<|>)\s*[\"']([\w.]+)[\"']\s*$"
)
_OPERATORS = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">=": operator.ge, ">": operator.gt
}  # fmt: skip


def read_layer(layer):
    """The requirements of a layer that apply to the running interpreter."""
    found = []
    for line in (ROOT / LAYERS[layer]).read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        parsed = _LINE.match(line.strip())
        if not parsed:
            raise ValueError(f"{LAYERS[layer]}: expected `name==version ; marker  # accepts >=version`, got {line!r}")
        requirement = Requirement(*(group or "" for group in parsed.groups()))
        if requirement.applies():
            found.append(requirement)
    return found


def _holds(comparison):
    parsed = _COMPARISON.match(comparison)
    if not parsed:
        raise ValueError(
            f"marker {comparison!r}: expected python_version, sys_platform or platform_machine, an operator, a value"
        )
    variable, sign, value = parsed.groups()
    if variable == "python_version":
        return _OPERATORS[sign](sys.version_info[:2], _numbers(value))
    return _OPERATORS[sign](sys.platform if variable == "sys_platform" else platform.machine(), value)


def _numbers(version):
    """(2, 13) of "2.13.0+cpu": the leading numbers, without trailing zeros, for comparing."""
    numbers = [int(number) for number in re.split(r"[^\d.]", version)[0].split(".") if number]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _installed_version(name):
    try:
        return metadata.version(name) or None
    except (metadata.PackageNotFoundError, KeyError):
        return None


def _python():
    """The interpreter of .venv."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _stamp(layer):
    return VENV / f"whetstone-{layer}.stamp"


def _stamp_text(layer):
    requirements = (ROOT / LAYERS[layer]).read_bytes()
    if layer == "base":
        requirements += (ROOT / HASHES).read_bytes()
    return f"{sys.version_info[0]}.{sys.version_info[1]} {hashlib.sha256(requirements).hexdigest()}"


def _stamped(layer):
    try:
        return _stamp(layer).read_text(encoding="ascii") == _stamp_text(layer)
    except OSError:
        return False


def _usable():
    """Whether .venv has a Python that starts and a pip that works (asked in full until it has installed a layer)."""
    probe = ["-c", "import pip"] if any(_stamp(layer).exists() for layer in LAYERS) else ["-m", "pip", "--version"]
    try:
        return subprocess.run([_python(), *probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _make(lock):
    """Make .venv, empty but for pip; one that only lacks pip (as `uv venv` leaves it) gets pip and keeps the rest."""
    others = [path for path in VENV.iterdir() if path.name != _LOCK]
    if others and not (VENV / "pyvenv.cfg").exists():
        raise WhetstoneError(
            f"{VENV} is no Python environment and not empty: empty it, or set WHETSTONE_VENV elsewhere"
        )
    if _python().exists() and _run([_python(), "-m", "ensurepip"], lock) == 0 and _usable():
        return
    _say(f"{VENV} does not work: making it anew" if others else f"making {VENV}")
    for path in others:
        path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
    if _run([sys.executable, "-m", "venv", VENV], lock) != 0 or not _usable():
        raise WhetstoneError(
            f"Python could not make {VENV} (its words are above); Debian and Ubuntu: `sudo apt install python3-venv`"
        )


def _install(layers, lock):
    """Complete .venv (the running interpreter's) with pip and stamp the layers."""
    requirements = [item for layer in layers for item in read_layer(layer)]
    if all(_stamped(layer) for layer in layers) and all(item.met() for item in requirements):
        return  # another start did it while this one waited for the lock
    _drop_halves()
    files = ", ".join(LAYERS[layer] for layer in layers)
    _say(f"installing {files} into {VENV}, once; Ctrl-C stops, the next start goes on")
    _advise(layers)
    started_at = time.monotonic()
    # the first import compiles what it needs: 4 s and 18 MB, all of it 12 s and 90 MB
    words = [] if sys.dont_write_bytecode else ["--no-compile"]
    if not _stamped("base") or not all(item.met() for item in read_layer("base")):
        _pip([*words, "--require-hashes", "-r", os.fspath(ROOT / HASHES)], lock)
    if layers != ["base"]:
        _pip(words + [item.for_pip() for item in requirements], lock)
    missing = [item.name for item in requirements if not item.met()]
    if missing:
        raise WhetstoneError(
            f"pip reported success, yet {', '.join(missing)} is not there; delete {VENV} and start again"
        )
    for layer in layers:
        _stamp(layer).write_text(_stamp_text(layer), encoding="ascii")
    _say(f"installed in {time.monotonic() - started_at:.0f} s")


def _pip(words, lock):
    log = VENV / _LOG
    if not pip_install(words, log=log, say=_say, pass_fds=_shared(lock)):
        raise WhetstoneError(f"pip could not install everything (its words are above, all in {log}); {_pip_hint()}")


def _pip_hint():
    from launch import NEWEST

    if sys.version_info[:2] > NEWEST:
        pair, newest = "{}.{}".format(*sys.version_info), "{}.{}".format(*NEWEST)
        return (
            f"Python {pair} is newer than Whetstone's pins know: delete {VENV} and start with Python {newest}, "
            f"`python{newest} launch.py`"
        )
    return "check the network and the free disk, then start again: what is installed already is kept"


def _advise(layers):
    """Say what the choice of torch means on this machine, before pip spends time and disk on it."""
    nvidia = bool(shutil.which("nvidia-smi")) or os.path.exists("/proc/driver/nvidia/version")
    if _installed_version("torch") is not None:
        return
    if "torch" not in layers:
        if nvidia:
            _say("there is an NVIDIA GPU: `python launch.py --torch` adds torch (several GB) and sharpens on it")
    elif sys.platform == "linux" and not nvidia:
        _say(
            f"note: there is no NVIDIA GPU, but the usual torch brings several GB of CUDA; {_OTHER_BUILD.format('CPU')}"
        )
    elif sys.platform == "win32" and nvidia:
        _say(f"note: the usual torch for Windows cannot use the NVIDIA GPU; {_OTHER_BUILD.format('CUDA')}")


_OTHER_BUILD = "for its {} build put the index that PyTorch's install page names into PIP_EXTRA_INDEX_URL"


def _drop_halves():
    """Forget packages whose installation was cut off, so that pip does it again; pip writes INSTALLER near the end."""
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for info in Path(folder).glob("*.dist-info"):
            if not (info / "INSTALLER").exists():
                shutil.rmtree(info)
        for leftover in Path(folder).glob("~*"):  # pip's name for what it was about to remove
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _run(command, lock):
    """Run a child whose output is our progress; it shares the lock, so that it is held until both have ended."""
    # standard output belongs to the command that follows (`doctor --json > file`)
    return subprocess.run(command, check=False, stdout=sys.stderr, pass_fds=_shared(lock)).returncode


def _shared(lock):
    return () if os.name == "nt" else (lock.fileno(),)


@contextlib.contextmanager
def _lock():
    """Hold .venv's lock; says so when it has to wait for another start."""
    try:
        VENV.mkdir(parents=True, exist_ok=True)
        file = (VENV / _LOCK).open("a+b")
    except OSError as error:
        raise WhetstoneError(
            f"cannot write to {VENV} ({error.strerror}); set WHETSTONE_VENV to a writable folder"
        ) from None
    with file:
        waiting = False
        while not _try_lock(file):
            if not waiting:
                _say(f"another start is preparing {VENV}: waiting for it")
            waiting = True
            time.sleep(0.2)
        yield file


def _try_lock(file):
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _start_again():
    """Start launch.py with the same arguments in .venv; does not return."""
    os.environ.pop("__PYVENV_LAUNCHER__", None)  # macOS framework builds would start the old interpreter again
    command = [os.fspath(_python()), os.fspath(ROOT / "launch.py"), *sys.argv[1:]]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    with subprocess.Popen(command) as process:  # on Windows exec would give the prompt back at once
        while True:
            with contextlib.suppress(KeyboardInterrupt):  # the child gets Ctrl-C as well and decides
                sys.exit(process.wait())


def _say(text):
    print(f"whetstone: {text}", file=sys.stderr, flush=True)
