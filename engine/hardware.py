"""The hardware as the system tells it: processor, memory, graphics; None or nothing where it does not tell.

Linux tells all of it; Windows and macOS tell memory, macOS its processor's features; the NVIDIA driver tells its GPUs.
"""

import contextlib
import ctypes
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

FAST_MATHS = {  # what the kernels for small students profit from, by the kernel's names for it
    "avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX-VNNI",
    "avx512_bf16": "AVX-512 BF16", "amx_int8": "AMX INT8", "amx_bf16": "AMX BF16",
    "asimd": "NEON", "asimddp": "dot product", "i8mm": "I8MM", "sve": "SVE",
}  # fmt: skip
PCI_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}


def usable_cores():
    """Cores this process may use: its affinity mask, bounded by the container's CPU quota (cgroup v2)."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = file.read().split()
        if quota != "max":
            cores = min(cores, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):
        pass  # not Linux, or an older cgroup: the mask stands
    return cores


def cpu_name():
    """The processor's model name, such as "AMD EPYC 9004"."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def cpu_flags():
    """Feature flags in Linux' spelling, or None where the system does not tell."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
        if found:
            return set(found.group(1).split())
    except OSError:
        pass  # not Linux
    if sys.platform == "darwin":
        if platform.machine() == "arm64":
            return {"asimd", "asimddp"}
        return {word.lower() for word in _output("sysctl", "-n", "machdep.cpu.leaf7_features").split()}
    return None


def fast_maths():
    """The instruction sets of this processor that the students profit from, such as ["AVX2", "AVX-512 VNNI"].

    None where the system does not tell.
    """
    flags = cpu_flags()
    return None if flags is None else [name for flag, name in FAST_MATHS.items() if flag in flags]


def memory_bytes():
    """(total, available) bytes, the container's limit respected; None for what is not known."""
    total = free = None
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
        total, free = (int(lines[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError):
        if sys.platform == "win32":
            return _windows_memory()
        if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
            total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii"))
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
        total, free = min(total or limit, limit), min(free or limit, limit - used)
    except (OSError, ValueError):
        pass  # no container, or no limit ("max")
    return total, free


def _windows_memory():
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong) for name in ("total", "free", "pages", "free_pages", "v", "free_v", "extended")
        ]

    status = Status(length=ctypes.sizeof(Status))
    ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]  # Windows has it
    return status.total, status.free


def nvidia_gpus():
    """One line a GPU that the NVIDIA driver lists: name, memory, driver version."""
    text = _output("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return [", driver ".join(line.rsplit(", ", 1)) for line in text.splitlines() if line.count(", ") >= 2]


def pci_display_vendors():
    """Vendors of the display devices that Linux knows, each once."""
    found = []
    for path in sorted(Path("/sys/class/drm").glob("card[0-9]*/device/vendor")):
        try:
            vendor = PCI_VENDORS.get(path.read_text(encoding="ascii").strip())
        except OSError:
            continue
        if vendor and vendor not in found:
            found.append(vendor)
    return found


def _output(*command):
    """A command's standard output; nothing when it does not exist, fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def process_memory_bytes():
    """Memory that this process holds now (resident); its peak where the system tells only that; 0 where neither."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        pass  # not Linux
    try:
        import resource
    except ImportError:  # Windows
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS counts it in bytes


def library_memory_bytes():
    """What of process_memory_bytes() is code of libraries and other shared pages; 0 where nobody tells."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[2]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0  # not Linux


def give_back_memory():
    """Give the system what this process has freed and the C library kept: glibc keeps up to 64 MB a thread."""
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library has no such call
        ctypes.CDLL(None).malloc_trim(0)
