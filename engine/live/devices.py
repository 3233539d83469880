"""Video devices as Linux tells them: their names, modes, whether they capture or take frames, and who holds them.

Elsewhere OpenCV counts cameras without naming them, and only what needs no listing works.
"""

import contextlib
import errno
import os
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

DEV, SYS, PROC = Path("/dev"), Path("/sys"), Path("/proc")
_CAPTURE, _OUTPUT, _DEVICE_CAPS = 0x1, 0x2, 0x80000000  # V4L2_CAP_...
# ioctl numbers of <linux/videodev2.h>: _IOR('V', 0, 104 bytes), _IOWR('V', 2, 64), ('V', 74, 44), ('V', 75, 52)
_QUERYCAP, _ENUM_FMT, _ENUM_SIZES, _ENUM_INTERVALS = 0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B
_BUFFER_CAPTURE = 1


@dataclass(frozen=True)
class Device:
    """One /dev/videoN. captures, outputs: what it says of itself; loopback: made by v4l2loopback."""

    path: Path
    name: str
    driver: str = ""
    captures: bool = False
    outputs: bool = False
    loopback: bool = False

    @property
    def number(self):
        return int(re.sub(r"\D", "", self.path.name) or 0)


def list_devices():
    """Every video device of this machine, in the order of its numbers: [Device, ...]; [] where none can be listed."""
    found = []
    if sys.platform.startswith("linux"):
        paths = [path for path in DEV.glob("video*") if re.fullmatch(r"video\d+", path.name)]
        for path in sorted(paths, key=lambda path: int(path.name[5:])):
            found.append(_device(path))
    return found


def cameras():
    """The devices that give frames, without Whetstone's own kind of virtual camera: [Device, ...]."""
    # one that this user may not ask counts, so that it can be told
    return [device for device in list_devices() if (device.captures or not device.driver) and not device.loopback]


def virtual_cameras():
    """The devices of v4l2loopback: [Device, ...]."""
    return [device for device in list_devices() if device.loopback]


def _device(path):
    try:
        name = _name(path)
    except OSError:
        name = path.name
    # the module's devices have no parent on a bus
    virtual = (SYS / "devices/virtual/video4linux" / path.name).exists()
    driver, capabilities = _capabilities(path)
    loopback = "loopback" in driver or (not driver and virtual)
    return Device(path, name, driver, bool(capabilities & _CAPTURE), bool(capabilities & _OUTPUT), loopback)


def _name(path):
    return (SYS / "class/video4linux" / path.name / "name").read_text(encoding="utf-8", errors="replace").strip()


def _capabilities(path):
    """(driver's name, capability bits) by VIDIOC_QUERYCAP; ("", 0) where it cannot be asked."""
    answer = _ask(path, _QUERYCAP, bytearray(104))
    if answer is None:
        return "", 0
    driver = bytes(answer[:16]).split(b"\0")[0].decode("ascii", "replace").lower()
    all_bits, of_device = struct.unpack_from("<II", answer, 84)
    return driver, of_device if all_bits & _DEVICE_CAPS else all_bits


def modes(path):
    """What a camera offers: ["1280x720 at 30 in MJPG", ...], the largest first; [] where it does not tell."""
    found = []
    for index in range(32):
        request = bytearray(64)
        struct.pack_into("<II", request, 0, index, _BUFFER_CAPTURE)
        answer = _ask(path, _ENUM_FMT, request)
        if answer is None:
            break
        (fourcc,) = struct.unpack_from("<I", answer, 44)
        found += _sizes(path, fourcc)
    found.sort(key=lambda mode: (-mode[0] * mode[1], -mode[2]))
    return [f"{width}x{height} at {fps:g} in {name}" for width, height, fps, name in found]


def _sizes(path, fourcc):
    name = struct.pack("<I", fourcc).decode("ascii", "replace").strip()
    for index in range(64):
        request = bytearray(44)
        struct.pack_into("<II", request, 0, index, fourcc)
        answer = _ask(path, _ENUM_SIZES, request)
        if answer is None:
            return
        kind, *numbers = struct.unpack_from("<I6I", answer, 8)
        width, height = (numbers[0], numbers[1]) if kind == 1 else (numbers[1], numbers[4])
        yield width, height, _fastest(path, fourcc, width, height), name
        if kind != 1:  # a range: its largest stands for it
            return


def _fastest(path, fourcc, width, height):
    best = 0.0
    for index in range(64):
        request = bytearray(52)
        struct.pack_into("<IIII", request, 0, index, fourcc, width, height)
        answer = _ask(path, _ENUM_INTERVALS, request)
        if answer is None:
            break
        numerator, denominator = struct.unpack_from("<II", answer, 20)
        if numerator:
            best = max(best, round(denominator / numerator, 2))
    return best


def _ask(path, request, buffer):
    """The answered buffer of an ioctl, None where the device refuses."""
    import fcntl

    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.ioctl(handle, request, buffer)
    except OSError:
        return None
    finally:
        os.close(handle)
    return buffer


def holders(path):
    """Who has a device open: ["zoom (1234)", ...]; only processes that this user may look into."""
    found = []
    with contextlib.suppress(OSError):
        for process in PROC.iterdir():
            if process.name.isdigit() and process.name != str(os.getpid()) and _holds(process, path):
                with contextlib.suppress(OSError):
                    name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                    found.append(f"{name} ({process.name})")
    return found


def _holds(process, path):
    with contextlib.suppress(OSError):
        for handle in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if os.readlink(handle) == str(path):
                    return True
    return False


def path_of(which):
    """The device file of a camera's number or name; None where the system has none."""
    if not sys.platform.startswith("linux"):
        return None
    return DEV / f"video{which}" if isinstance(which, int) else Path(which)


def exists(which):
    """Whether a camera's device file is there; True where the system has no such files."""
    path = path_of(which)
    return path is None or path.exists()


def camera_name(which):
    """For people: "camera 0 (HD Webcam)"."""
    path = path_of(which)
    label = f"camera {which}"
    if path is not None:
        with contextlib.suppress(OSError):
            label += f" ({_name(path)})"
    return label


def why_not(which):
    """One line on why a camera gives nothing, and what to do."""
    path = path_of(which)
    if path is None:
        return (
            f"camera {which} cannot be opened; plug it in, close other programs that use it, and allow this terminal "
            "the camera in the system's privacy settings"
        )
    if not path.exists():
        there = ", ".join(f"{device.number} ({device.name})" for device in cameras())
        return f"there is no camera {which}; " + (
            f"cameras here: {there}" if there else "no camera was found: plug one in, or try `--source pattern`"
        )
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
    except PermissionError:
        return f"{path} may not be opened by this user; `sudo usermod -aG video $USER`, then log in again"
    except OSError as error:
        if error.errno == errno.EBUSY:
            return f"{path} is busy{_held_by(path)}; close that program and start again"
        return f"{path} cannot be opened ({error.strerror}); unplug the camera and plug it in again"
    held = holders(path)
    if held:
        return f"{path} is busy, held by {', '.join(held)}; close that program and start again"
    return f"{path} is there but sends no frame; unplug the camera and plug it in again, or choose another"


def _held_by(path):
    held = holders(path)
    return f", held by {', '.join(held)}" if held else ""
