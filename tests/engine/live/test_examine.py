"""Laws of the doctor's look at live video: every lack comes with the exact fix of its system."""

import platform
import plistlib

import pytest

from engine.live import devices, examine


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A Linux machine whose devices are plain files: none at first."""
    for name in ("DEV", "SYS", "PROC"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(devices, name, tmp_path / name)
    monkeypatch.setattr(devices.sys, "platform", "linux")
    monkeypatch.setattr(examine, "MODULES", tmp_path / "modules")
    monkeypatch.setattr(examine.util, "find_spec", lambda name: object())
    return tmp_path


def plug(machine, number, name, virtual=False):
    (machine / f"DEV/video{number}").touch()
    for folder in ("class/video4linux", *(["devices/virtual/video4linux"] if virtual else [])):
        (machine / f"SYS/{folder}/video{number}").mkdir(parents=True)
    (machine / f"SYS/class/video4linux/video{number}/name").write_text(name)


def test_no_camera_and_no_driver_come_with_their_fixes(machine):
    (camera,), (virtual,) = examine.cameras("linux"), examine.virtual_camera("linux")
    assert camera.status == "note" and "--source pattern" in camera.fix
    assert virtual.status == "note" and "not installed" in virtual.text
    for word in ("apt install v4l2loopback-dkms", "devices=1 exclusive_caps=1 card_label=Whetstone", "modules-load.d"):
        assert word in virtual.fix


def test_a_driver_that_is_only_not_loaded_is_not_installed_again(machine):
    folder = machine / "modules" / platform.release() / "updates"
    folder.mkdir(parents=True)
    (folder / "v4l2loopback.ko.xz").touch()
    (virtual,) = examine.virtual_camera("linux")
    assert "not loaded" in virtual.text and "apt install" not in virtual.fix and "modprobe" in virtual.fix


def test_a_camera_is_told_with_its_modes_and_who_holds_it(machine, monkeypatch):
    plug(machine, 0, "HD Webcam")
    monkeypatch.setattr(devices, "modes", lambda path: [f"{side}x{side} at 30 in MJPG" for side in range(9, 0, -1)])
    monkeypatch.setattr(devices, "holders", lambda path: ["zoom (12)"])
    camera, held = examine.cameras("linux")
    assert camera.text.startswith("0: HD Webcam, 9x9 at 30 in MJPG, ") and camera.text.endswith("and 5 more")
    assert held.status == "note" and "zoom (12)" in held.text


def test_a_device_without_permission_names_the_group(machine, monkeypatch):
    plug(machine, 0, "HD Webcam")
    plug(machine, 9, "Whetstone", virtual=True)
    monkeypatch.setattr(examine.os, "access", lambda path, how: False)
    for findings in (examine.cameras("linux"), examine.virtual_camera("linux")):
        assert any("usermod -aG video" in finding.fix for finding in findings)


@pytest.mark.parametrize(
    "told, complains", [("Y,N,N", False), ("1", False), ("N,N,N", True), ("0", True), (None, False)]
)
def test_a_driver_that_browsers_do_not_list_is_told(machine, told, complains):
    plug(machine, 9, "Whetstone", virtual=True)
    if told is not None:
        (machine / "SYS/module/v4l2loopback/parameters").mkdir(parents=True)
        (machine / "SYS/module/v4l2loopback/parameters/exclusive_caps").write_text(told + "\n")
    first, *others = examine.virtual_camera("linux")
    assert first.status == "ok" and "video9: Whetstone (v4l2loopback)" in first.text
    assert any("modprobe -r v4l2loopback" in finding.fix for finding in others) == complains
    assert list(examine.cameras("linux"))[0].text == "no camera found"  # it is none of the cameras


def test_a_second_producer_is_named(machine, monkeypatch):
    plug(machine, 9, "Whetstone", virtual=True)
    monkeypatch.setattr(devices, "holders", lambda path: ["obs (77)"])
    _, held = examine.virtual_camera("linux")
    assert "obs (77)" in held.text and "only one may" in held.fix


def test_macos_wants_obs_30_started_and_stopped_once(machine, monkeypatch, tmp_path):
    app = tmp_path / "Info.plist"
    monkeypatch.setattr(examine, "OBS_APP", app)
    (none,) = examine.virtual_camera("darwin")
    assert "OBS 30 or newer" in none.fix and "Start Virtual Camera once, then Stop" in none.fix
    app.write_bytes(plistlib.dumps({"CFBundleShortVersionString": "29.1.3"}))
    (old,) = examine.virtual_camera("darwin")
    assert "29.1.3 is too old" in old.text
    app.write_bytes(plistlib.dumps({"CFBundleShortVersionString": "31.0.2"}))
    monkeypatch.setattr(examine, "_system_extensions", lambda: "")
    fine, off = examine.virtual_camera("darwin")
    assert fine.text == "OBS 31.0.2" and "Start Virtual Camera once" in off.fix
    monkeypatch.setattr(examine, "_system_extensions", lambda: "... [activated enabled]")
    assert len(list(examine.virtual_camera("darwin"))) == 1


def test_windows_wants_obs_or_unity_capture(machine, monkeypatch):
    (none,) = examine.virtual_camera("win32")
    assert "OBS" in none.fix and "Unity Capture" in none.fix
    monkeypatch.setattr(examine, "_registered", lambda key: key.startswith("{5C2CD55C"))
    (unity,) = examine.virtual_camera("win32")
    assert unity.text.startswith("Unity Capture is installed")


def test_a_missing_library_is_told(machine, monkeypatch):
    monkeypatch.setattr(examine.util, "find_spec", lambda name: None)
    assert next(examine.virtual_camera("linux")).text == "pyvirtualcam is not installed"
