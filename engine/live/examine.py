"""What the doctor finds about live video: cameras and their modes, the virtual camera's driver, what holds either."""

import os
import platform
import plistlib
import subprocess
import sys
from importlib import util
from pathlib import Path

from engine.doctor import Finding, note
from engine.live import devices
from engine.live.driver_help import LOAD, MACOS, WINDOWS, how_to_free, how_to_install, keep_after_restart

_SHOWN_MODES = 4
_JOIN = "`sudo usermod -aG video $USER`, then log in again"
OBS_APP = Path("/Applications/OBS.app/Contents/Info.plist")
MODULES = Path("/lib/modules")
# the classes that the 64-bit drivers register: OBS Virtual Camera, Unity Capture
_CLASSES = {
    "OBS Virtual Camera": "{A3FCE0F5-3493-419F-958A-ABA1250EC20B}",
    "Unity Capture": "{5C2CD55C-92AD-4999-8666-912BD3E70010}",
}


def cameras(system=sys.platform):
    """Findings on the cameras of this machine."""
    if not system.startswith("linux"):
        yield Finding("cameras are not listed on this system; `python launch.py camera --source 0` takes the first")
        if system == "darwin":
            yield Finding("macOS asks once: System Settings, Privacy & Security, Camera must allow this terminal")
        return
    found = devices.cameras()
    if not found:
        yield note(
            "no camera found",
            "plug one in (a container or virtual machine needs /dev/video* passed on); "
            "`python launch.py camera --source pattern` works without",
        )
    for device in found:
        if not os.access(device.path, os.R_OK | os.W_OK):
            yield note(
                f"{device.number}: {device.name} may not be opened by this user",
                _JOIN,
            )
            continue
        modes = devices.modes(device.path)
        shown = ", ".join(modes[:_SHOWN_MODES]) + (
            f" and {len(modes) - _SHOWN_MODES} more" if modes[_SHOWN_MODES:] else ""
        )
        yield Finding(f"{device.number}: {device.name}, {shown or 'tells no modes'}")
        held = devices.holders(device.path)
        if held:
            yield note(f"{device.path} is held by {', '.join(held)}", "close that program before a call of your own")


def virtual_camera(system=sys.platform):
    """Findings on the driver that calls see as a camera, and on the library that feeds it."""
    if util.find_spec("pyvirtualcam") is None:
        yield note("pyvirtualcam is not installed", "`python launch.py` installs it")
    if system == "darwin":
        yield from _on_macos()
    elif system == "win32":
        yield from _on_windows()
    else:
        yield from _on_linux()


def _on_linux():
    loopbacks = devices.virtual_cameras()
    if not loopbacks:
        there = any((MODULES / platform.release()).rglob("v4l2loopback.ko*"))
        fix = f"`{LOAD}`" if there else how_to_install("linux")
        state = "installed, but not loaded" if there else "not installed"
        yield note(f"no virtual camera: the driver v4l2loopback is {state}", f"{fix}; {keep_after_restart()}")
        return
    for device in loopbacks:
        yield Finding(f"{device.path}: {device.name} (v4l2loopback)")
        if not os.access(device.path, os.R_OK | os.W_OK):
            yield note(
                f"{device.path} may not be written by this user", "`sudo usermod -aG video $USER`, then log in again"
            )
        held = devices.holders(device.path)
        if held:
            yield note(
                f"{device.path} is open in {', '.join(held)}", f"if that one feeds it: {how_to_free(held, 'linux')}"
            )
    if not _exclusive():
        yield note(
            "browsers will not list it, as it was loaded without exclusive_caps=1",
            f"`sudo modprobe -r v4l2loopback && {LOAD}`; {keep_after_restart()}",
        )


def _exclusive():
    """Whether the first device shows itself as a camera alone, which Chrome wants; True where it is not told."""
    try:
        told = (devices.SYS / "module/v4l2loopback/parameters/exclusive_caps").read_text(encoding="ascii")
    except OSError:
        return True
    return told.strip()[:1] in ("Y", "1")


def _on_macos():
    try:
        version = plistlib.loads(OBS_APP.read_bytes()).get("CFBundleShortVersionString", "")
    except (OSError, plistlib.InvalidFileException):
        yield note("no virtual camera: OBS is not installed", MACOS)
        return
    major = int(version.split(".")[0]) if version.split(".")[0].isdecimal() else 0
    if major < 30:
        yield note(f"OBS {version or 'of unknown version'} is too old for this macOS", MACOS)
        return
    yield Finding(f"OBS {version}")
    if "activated enabled" not in _system_extensions():
        yield note("OBS's camera extension is not switched on", f"{MACOS}; allow it in System Settings when asked")


def _system_extensions():
    """The line of OBS's camera extension; "" where there is none."""
    try:
        done = subprocess.run(["systemextensionsctl", "list"], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return "\n".join(line for line in done.stdout.splitlines() if "com.obsproject" in line)


def _on_windows():
    found = [name for name, key in _CLASSES.items() if _registered(key)]
    for name in found:
        yield Finding(f"{name} is installed; only one program may feed it at a time")
    if not found:
        yield note("no virtual camera is installed", WINDOWS)


def _registered(key):
    try:
        import winreg
    except ImportError:
        return False
    try:
        with winreg.OpenKey(winreg.HKEY_CLASSES_ROOT, rf"CLSID\{key}"):  # type: ignore[attr-defined]
            return True
    except OSError:
        return False
