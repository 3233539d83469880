"""How to get a virtual camera on each system, in the words that error messages and the doctor use."""

import sys

_OPTIONS = "devices=1 exclusive_caps=1 card_label=Whetstone"  # browsers need exclusive_caps=1
LOAD = f"sudo modprobe v4l2loopback {_OPTIONS}"
LINUX = f"`sudo apt install v4l2loopback-dkms linux-headers-$(uname -r) && {LOAD}` (browsers need exclusive_caps=1)"
MACOS = "install OBS 30 or newer (https://obsproject.com), press Start Virtual Camera once, then Stop, and quit OBS"
WINDOWS = "install OBS (https://obsproject.com) or Unity Capture (https://github.com/schellingb/UnityCapture)"


def how_to_install(system=sys.platform):
    """The exact steps for a system's virtual-camera driver."""
    if system == "darwin":
        return MACOS
    return WINDOWS if system == "win32" else LINUX


def keep_after_restart():
    """How Linux loads the driver at every start."""
    return (
        f"to keep it after a restart: `echo options v4l2loopback {_OPTIONS} | "
        "sudo tee /etc/modprobe.d/v4l2loopback.conf && "
        "echo v4l2loopback | sudo tee /etc/modules-load.d/v4l2loopback.conf`"
    )


def how_to_free(held, system=sys.platform):
    """What to do when the virtual camera is there but takes nothing. held: ["zoom (123)", ...] who has it open."""
    who = f" ({', '.join(held)})" if held else ""
    if system == "darwin":
        return "stop OBS's own virtual camera and quit OBS, then start again; only one program may feed it"
    if system == "win32":
        return "stop OBS's own virtual camera, then start again; only one program may feed it"
    return f"close the other program that feeds it{who}; only one may, calls that only watch it may stay open"
