"""Boots the virtual machine, runs one of our Python programs in it against /dev/video0, and hands back what it printed.

The machine sees the host's file tree, read-only, so that the running environment and its packages are there as they
are. While it computes its clock counts instructions, not seconds: so a busy host costs no frames, and what is measured
says nothing about throughput. Only when it waits may a host that is busy wake it late.
"""

import json
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.driver.initramfs import archive
from tests.driver.parts import DRIVER, QEMU

ROOT = Path(__file__).resolve().parents[2]
RESULT = "WHETSTONE-RESULT "  # begins the line of the console that holds the program's JSON
DRIVER_OPTIONS = "devices=1 video_nr=0 exclusive_caps=1 max_buffers=8 card_label=Whetstone"  # as users are told to
ENVIRONMENT = (
    # what may be written: not /tmp, as the project itself may lie there
    *("HOME=/dev/shm", "TMPDIR=/dev/shm", "PATH=/usr/bin:/bin", f"PYTHONPATH={ROOT}"),
    *("PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"),
)

INIT = """#!/bin/busybox sh
# The first program of the machine: loads the drivers, makes the host's files its own, runs ours, ends the machine.
exec 2>&1
set -e
bb=/bin/busybox
trap '$bb sync; $bb reboot -f' EXIT
for name in {modules}; do
    $bb insmod /modules/$name.ko $([ $name = {driver} ] && echo {driver_options})
done
$bb mount -t 9p -o trans=virtio,version=9p2000.L,ro,cache=loose,msize=512000 host /host
$bb mount -t proc proc /host/proc
$bb mount -t sysfs sys /host/sys
$bb mount -t devtmpfs dev /host/dev
[ -d /host/dev/shm ] || $bb mkdir /host/dev/shm
$bb mount -t tmpfs tmp /host/dev/shm
$bb env -i {environment} $bb chroot /host {program}
"""


class MachineFailed(Exception):
    """The machine or the program in it ended without a result, or not in time; str() ends with its console."""


def run_inside(parts, module, timeout_s):
    """What the program `python -m module` gives to `report` when it runs inside the machine."""
    init = INIT.format(
        modules=" ".join(path.stem for path in parts.modules),
        driver=DRIVER,
        driver_options=DRIVER_OPTIONS,
        environment=shlex.join(ENVIRONMENT),
        program=shlex.join([sys.executable, "-m", module]),
    )
    with tempfile.TemporaryDirectory(prefix="whetstone-driver-") as folder:
        initramfs = Path(folder) / "initramfs"
        initramfs.write_bytes(archive(_files(parts, init)))
        console = _boot(parts.kernel, initramfs, timeout_s)
    for line in console.splitlines():
        if line.startswith(RESULT):
            return json.loads(line.removeprefix(RESULT))
    raise MachineFailed(f"{module} gave no result in the machine; its console:\n{console}")


def report(result):
    """Called inside the machine, once: give the program's result, of JSON's types, to `run_inside`."""
    print(f"\n{RESULT}{json.dumps(result)}", flush=True)


def _files(parts, init):
    """Path in the initial file system -> its contents; None: a folder."""
    files = dict.fromkeys(("bin", "modules", "host", "dev"))
    files["init"] = init.encode()
    files["bin/busybox"] = parts.busybox.read_bytes()
    return files | {f"modules/{path.name}": path.read_bytes() for path in parts.modules}


def _boot(kernel, initramfs, timeout_s):
    """Everything that the machine wrote to its console until it ended."""
    command = [
        # QEMU ends with the process that started it, whatever happens to that
        *("setpriv", "--pdeathsig", "KILL", QEMU),
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"),
        # Emulated without /dev/kvm, which is not everywhere; "max": NumPy's wheels need more than the first x86-64
        *("-accel", "tcg,thread=single", "-cpu", "max", "-smp", "1", "-m", "768"),
        # An instruction takes 2 ns, waiting what it takes outside; with sleep=off a wait for the host's files would
        # last until some far timer's end
        *("-icount", "shift=1,sleep=on", "-rtc", "clock=vm"),
        *("-kernel", kernel, "-initrd", initramfs, "-append", "console=ttyS0 quiet panic=-1 mitigations=off"),
        *("-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap"),
        *("-device", "virtio-9p-pci,fsdev=host,mount_tag=host"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as machine:
        try:
            console, _ = machine.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            machine.kill()
            console, _ = machine.communicate()
            raise MachineFailed(f"the machine did not end within {timeout_s} s; its console:\n{console}") from None
        finally:
            machine.kill()
    return console
