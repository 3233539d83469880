"""The lock file of the base layer: it agrees with requirements.txt, is complete, and every package has its hashes."""

import re
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import environment
import launch

TEXT = (environment.ROOT / environment.HASHES).read_text(encoding="utf-8")
PINNED = [
    Requirement(line.split("#")[0])
    for line in (environment.ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
# pip's own form: `name==version ; marker \\` and below it the hashes, one a line
LOCKED = [
    (Requirement(entry[0]), re.findall(r"--hash=(\S+)", entry[1]))
    for entry in re.findall(r"^(\w[^\\\n]+?) \\\n((?:    --hash=\S+(?: \\)?\n)+)", TEXT, flags=re.M)
]
PYTHONS = [(3, minor) for minor in range(launch.OLDEST[1], launch.NEWEST[1] + 1)]
MACHINES = [("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"), ("darwin", "arm64"), ("darwin", "x86_64")]


def markers(python, system, machine):
    version = "{}.{}".format(*python)
    platforms = {"linux": "Linux", "win32": "Windows", "darwin": "Darwin"}
    return {
        "python_version": version, "python_full_version": f"{version}.5", "sys_platform": system,
        "platform_machine": machine, "platform_system": platforms[system], "implementation_name": "cpython",
        "platform_python_implementation": "CPython", "os_name": "nt" if system == "win32" else "posix",
    }  # fmt: skip


def applying(requirements, where):
    """name -> version of the requirements whose markers hold; a name that is there twice is an error."""
    holding = [item for item in requirements if item.marker is None or item.marker.evaluate(where)]
    versions = {canonicalize_name(item.name): str(item.specifier) for item in holding}
    assert len(versions) == len(holding)
    return versions


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("system, machine", MACHINES)
def test_the_lock_holds_every_pin_once(python, system, machine):
    where = markers(python, system, machine)
    locked = applying([requirement for requirement, _hashes in LOCKED], where)
    for name, version in applying(PINNED, where).items():
        assert locked.get(name) == version, f"make requirements.lock anew, its first lines say how: {name}{version}"


def test_the_lock_holds_what_the_pins_need_here():
    todo, seen = list(PINNED), set()
    locked = applying([requirement for requirement, _hashes in LOCKED], None)
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        assert name in locked, requirement
        assert requirement.specifier.contains(locked[name].removeprefix("=="), prereleases=True), requirement
        for extra in extras - {done for other, done in seen if other == name}:
            seen.add((name, extra))
            needs = [Requirement(text) for text in metadata.requires(name) or []]
            todo += [item for item in needs if item.marker is None or item.marker.evaluate({"extra": extra})]
    assert len(seen) > 50


def test_every_package_has_hashes_and_none_has_an_address():
    lines = [line for line in TEXT.splitlines() if line and not line.lstrip().startswith("#")]
    assert sum(1 + len(hashes) for _requirement, hashes in LOCKED) == len(lines)  # every line is one of the two kinds
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for _requirement, hashes in LOCKED for one in hashes)
    assert all(requirement.url is None for requirement, _hashes in LOCKED) and "://" not in TEXT
