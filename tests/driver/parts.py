"""Builds once, into a cache, what the virtual machine boots: Debian 12's kernel and modules, v4l2loopback, busybox."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from importlib import util
from pathlib import Path

CACHE_VARIABLE = "WHETSTONE_DRIVER_CACHE"
QEMU = "qemu-system-x86_64"
TOOLS = ("apt-cache", "apt-get", "dpkg-deb", "gcc-12", "make")  # the kernel was built by gcc-12, so its modules are too
# In the order of loading: each needs those before it. First the disk shared by the host (9p over virtio), then video.
STOCK_MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"),
    *("9pnet", "9pnet_virtio", "netfs", "fscache", "9p"),
    *("mc", "videodev"),
)
DRIVER = "v4l2loopback"


@dataclass(frozen=True)
class Parts:
    """Files in a folder of the cache."""

    folder: Path

    @property
    def kernel(self):
        """An ELF file: QEMU starts it as it is, so that the emulated processor need not unpack it."""
        return self.folder / "vmlinux"

    @property
    def busybox(self):
        return self.folder / "busybox"

    @property
    def modules(self):
        """The files of all modules, in the order of loading."""
        return [self.folder / f"{name}.ko" for name in (*STOCK_MODULES, DRIVER)]


def obstacle():
    """Why the machine cannot be had here and what to install; None when it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "the virtual machine with v4l2loopback needs Linux on x86-64"
    if not shutil.which(QEMU):
        return f"needs {QEMU} (Debian: `apt install --no-install-recommends qemu-system-x86`)"
    if _folder().exists():
        return None
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        return f"needs {', '.join(missing)} (Debian 12: `apt install --no-install-recommends gcc-12 make libelf1`)"
    if util.find_spec("_lzma") is None:
        return "needs a Python that was built with lzma, to unpack the kernel"
    if _kernel_release() is None:
        return "needs Debian 12's lists of packages, for its kernel 6.1 (there: `apt-get update`)"
    return None


def prepared():
    """The Parts, built on first use: 86 MB are downloaded, 70 MB kept. Raises RuntimeError with a tool's complaint."""
    folder = _folder()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="whetstone-driver-") as workshop:  # the cache's path may hold spaces
            _build(Path(workshop))
            _move(Path(workshop) / "parts", folder)
    return Parts(folder)


def _folder():
    """Named by this file's contents, so that a change of the recipe builds anew."""
    root = Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache" / "whetstone-driver").absolute()
    return root / hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


def _move(made, folder):
    """Copied beside and renamed, so that an interrupted copy is never taken for the parts."""
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder.parent) as beside:
        whole = shutil.copytree(made, Path(beside) / "parts")
        if not folder.exists():  # else another run was faster
            whole.rename(folder)


def _build(workshop):
    downloads, unpacked, parts = (workshop / name for name in ("downloads", "unpacked", "parts"))
    for folder in (downloads, unpacked, parts):
        folder.mkdir()
    release = _kernel_release()
    image = f"linux-image-{release}"
    tools = ("linux-kbuild-6.1", f"{DRIVER}-dkms", "busybox-static")
    headers = (f"linux-headers-{release}", f"linux-headers-{release.removesuffix('-amd64')}-common")
    _download(downloads, image, *headers, *tools)
    for package in downloads.glob("*.deb"):
        if not package.name.startswith(image):
            _run("dpkg-deb", "-x", package, unpacked)
    _take_kernel_and_modules(next(downloads.glob(f"{image}_*.deb")), parts)
    shutil.copy(unpacked / "bin/busybox", parts)
    shutil.copy(_compile_driver(unpacked / "usr/src", release), parts)


def _kernel_release():
    """As in `uname -r`: 6.1.0-44-amd64; None where apt knows no such kernel."""
    asked = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", "linux-image-amd64"], capture_output=True, text=True, check=False
    )
    found = re.search(r"^Depends: linux-image-(6\.1\.\S+-amd64)\b", asked.stdout, flags=re.MULTILINE)
    return found and found[1]


def _download(folder, *packages):
    # The unprivileged user that apt-get downloads as when root calls it may not write here: it would only warn.
    sandbox = ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()
    _run("apt-get", "download", "-qq", *sandbox, *packages, cwd=folder)


def _take_kernel_and_modules(package, parts):
    """From the image's package, which unpacked would take 400 MB."""
    wanted = {f"{name}.ko" for name in STOCK_MODULES}
    unpack = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    with unpack, tarfile.open(fileobj=unpack.stdout, mode="r|") as archive:
        for member in archive:
            name = Path(member.name).name
            if name in wanted:
                (parts / name).write_bytes(archive.extractfile(member).read())
                wanted.remove(name)
            elif name.startswith("vmlinuz-"):
                (parts / "vmlinux").write_bytes(_vmlinux(archive.extractfile(member).read()))
        unpack.stdout.read()  # what fills up the archive's last block
    if unpack.returncode or wanted:
        raise RuntimeError(f"{package.name} is damaged or lacks {', '.join(sorted(wanted))}")


def _vmlinux(image):
    """The ELF kernel that a compressed image holds as an xz stream somewhere inside."""
    import lzma  # not every Python has it

    for found in re.finditer(re.escape(b"\xfd7zXZ\0"), image):
        try:
            kernel = lzma.LZMADecompressor().decompress(image[found.start() :])
        except lzma.LZMAError:  # six bytes that look like a stream's first
            continue
        if kernel.startswith(b"\x7fELF"):
            return kernel
    raise RuntimeError("the kernel image holds no ELF file packed by xz")


def _compile_driver(sources, release):
    """The path of v4l2loopback.ko, made with the unpacked headers of that kernel."""
    headers = sources / f"linux-headers-{release}"
    makefile = headers / "Makefile"
    makefile.write_text(makefile.read_text().replace("/usr/src", str(sources)))  # where they lie when installed
    driver = next(sources.glob(f"{DRIVER}-*"))
    _run("make", "-C", headers, f"M={driver}", "modules")
    return driver / f"{DRIVER}.ko"


def _run(*command, cwd=None):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(map(str, command))}` failed:\n{done.stdout}")
