"""The environment that launch.py makes: installed once, kept, repaired; with real pip and real virtual environments."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

import launch
from pip_install import progress
from tests.launch.small_product import SmallProduct

pty = pytest.importorskip("pty", reason="terminals are tested on POSIX alone")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="process groups and kill -9 are tested on POSIX alone")


@pytest.fixture
def new_product(tmp_path):
    """Nothing is made yet."""
    return SmallProduct(tmp_path)


@pytest.fixture(scope="session")
def empty_venv(tmp_path_factory):
    venv = tmp_path_factory.mktemp("empty") / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    return venv


@pytest.fixture
def product(new_product, empty_venv):
    """.venv is made, but nothing is installed: copied, for putting pip into it takes four seconds."""
    shutil.copytree(empty_venv, new_product.venv, symlinks=True)
    return new_product


def site_packages(product):
    (found,) = product.venv.glob("lib/python*/site-packages")
    return found


def forbid_pip(product):
    """Let any use of .venv's pip fail loudly."""
    (site_packages(product) / "pip" / "__main__.py").write_text("raise SystemExit('pip was called')\n")


def wait_for(condition, timeout_s=60):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.002)


def test_the_first_start_installs_and_the_second_uses_neither_pip_nor_network(new_product):
    new_product.add_wheel("whetstone-tiny", "1.0")
    status, out, err = new_product.start("doctor")
    assert (status, out) == (0, f"RAN {new_product.venv} 1.0\n"), err
    lines = err.splitlines()
    assert "making" in lines[0] and "installing requirements.txt into" in lines[1] and "installed in" in lines[-1]
    assert len(lines) <= 4 and all(line.startswith("whetstone: ") for line in lines)  # one more on an NVIDIA GPU
    assert "whetstone_tiny-1.0" in (new_product.venv / "whetstone-install.log").read_text()  # pip's own words

    shutil.rmtree(new_product.wheels)
    new_product.wheels.mkdir()
    forbid_pip(new_product)
    started_at = time.monotonic()
    status, out, err = new_product.start("doctor")
    assert (status, out, err) == (0, f"RAN {new_product.venv} 1.0\n", "")
    assert time.monotonic() - started_at < 5  # two interpreter starts; about 0.3 s on an idle machine


def test_an_interpreter_that_has_every_pin_is_used_as_it_is(new_product):
    new_product.require("base", f"pytest=={pytest.__version__}", 'whetstone-tiny==1.0 ; python_version < "3"')
    status, out, err = new_product.start("doctor")
    assert status == 1 and "No module named 'whetstone_tiny'" in err  # it ran, here, without an install
    assert not new_product.venv.exists() and "installing" not in err


def test_concurrent_first_starts_leave_one_whole_environment(new_product):
    new_product.add_wheel("whetstone-tiny", "1.0", files=300)
    starts = [new_product.popen("doctor") for _ in range(3)]
    ends = [(*start.communicate(timeout=120), start.returncode) for start in starts]
    assert [(out, status) for out, _, status in ends] == [(f"RAN {new_product.venv} 1.0\n", 0)] * 3, ends
    everything = "".join(err for _, err, _ in ends)
    assert everything.count("making") == 1 and everything.count("installing") == 1
    assert "another start is preparing" in everything


@pytest.mark.parametrize("victim", ["pip and launch.py", "launch.py alone"])
def test_an_install_killed_in_the_middle_is_repaired_by_the_next_start(product, victim):
    product.require("base", "whetstone-tiny==1.0", "whetstone-late==1.0")
    product.add_wheel("whetstone-tiny", "1.0", files=4000)
    product.add_wheel("whetstone-late", "1.0", needs=["whetstone-tiny"])
    start = product.popen("doctor")
    wait_for(lambda: list(product.venv.glob("lib/python*/site-packages/whetstone_tiny/part1*")))
    if victim == "launch.py alone":
        os.kill(start.pid, signal.SIGKILL)
    else:
        os.killpg(start.pid, signal.SIGKILL)
    start.communicate(timeout=120)
    assert not list(site_packages(product).glob("whetstone_late")) or victim == "launch.py alone"
    assert not list(product.venv.glob("*.stamp"))

    status, out, err = product.start("doctor")
    assert (status, out) == (0, f"RAN {product.venv} 1.0\n"), err
    assert len(list((site_packages(product) / "whetstone_tiny").glob("part*.py"))) == 4000
    assert (site_packages(product) / "whetstone_late" / "__init__.py").exists()


def test_a_start_waits_for_the_pip_that_a_killed_start_left_running(product):
    product.add_wheel("whetstone-tiny", "1.0", files=4000)
    start = product.popen("doctor")
    wait_for(lambda: list(product.venv.glob("lib/python*/site-packages/whetstone_tiny/part1*")))
    os.kill(start.pid, signal.SIGKILL)
    status, _, err = product.start("doctor")
    start.communicate(timeout=120)
    assert status == 0 and "another start is preparing" in err


def test_a_package_cut_off_before_its_last_file_is_installed_again(product):
    product.add_wheel("whetstone-tiny", "1.0")
    assert product.start("doctor")[0] == 0
    (product.venv / "whetstone-base.stamp").unlink()
    (site_packages(product) / "whetstone_tiny-1.0.dist-info" / "INSTALLER").unlink()
    (site_packages(product) / "whetstone_tiny" / "__init__.py").unlink()
    status, out, err = product.start("doctor")
    assert (status, out) == (0, f"RAN {product.venv} 1.0\n"), err


def test_an_environment_whose_python_is_gone_is_made_anew(product):
    product.add_wheel("whetstone-tiny", "1.0")
    assert product.start("doctor")[0] == 0
    (product.venv / "bin" / "python").unlink()
    (product.venv / "bin" / "python").symlink_to("/nowhere/python3")
    status, out, err = product.start("doctor")
    assert (status, out) == (0, f"RAN {product.venv} 1.0\n"), err
    assert "does not work: making it anew" in err


def test_an_environment_without_pip_gets_it_and_keeps_what_it_has(new_product):
    new_product.add_wheel("whetstone-tiny", "1.0")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", new_product.venv], check=True)
    kept = site_packages(new_product) / "of_the_user.py"
    kept.write_text("")
    status, _, err = new_product.start("doctor")
    assert status == 0, err
    assert kept.exists()


def test_a_changed_pin_is_followed(product):
    product.add_wheel("whetstone-tiny", "1.0")
    product.add_wheel("whetstone-tiny", "1.1")
    assert product.start("doctor")[1].endswith(" 1.0\n")
    product.require("base", "whetstone-tiny==1.1")
    assert product.start("doctor")[1].endswith(" 1.1\n")


def test_a_package_removed_by_hand_comes_back(product):
    product.add_wheel("whetstone-tiny", "1.0")
    assert product.start("doctor")[0] == 0
    for path in site_packages(product).glob("whetstone_tiny*"):
        shutil.rmtree(path)
    status, out, err = product.start("doctor")
    assert (status, out) == (0, f"RAN {product.venv} 1.0\n"), err


def test_a_later_layer_adds_to_the_same_environment_and_keeps_an_accepted_version(product):
    product.add_wheel("whetstone-tiny", "1.0")
    product.add_wheel("whetstone-deep", "2.11+cu126")
    product.add_wheel("whetstone-deep", "2.13.0")
    assert product.start("doctor")[0] == 0
    pip = [product.venv / "bin" / "python", "-m", "pip", "install", "-q", "whetstone-deep==2.11+cu126"]
    subprocess.run(pip, check=True, env=product.environment())
    product.require("torch", "whetstone-deep==2.13.0  # accepts >=2.10")
    status, _, err = product.start("doctor", "--torch")
    assert status == 0, err
    assert (site_packages(product) / "whetstone_deep-2.11+cu126.dist-info").exists()
    assert (product.venv / "whetstone-torch.stamp").exists()


def test_an_accepted_range_does_not_replace_the_pin_of_a_new_install(product):
    product.add_wheel("whetstone-tiny", "1.0")
    for version in ("2.10", "2.13.0", "3.0"):
        product.add_wheel("whetstone-deep", version)
    product.require("torch", "whetstone-deep==2.13.0  # accepts >=2.10")
    assert product.start("doctor", "--torch")[0] == 0
    assert (site_packages(product) / "whetstone_deep-2.13.0.dist-info").exists()


def test_what_pip_cannot_find_is_its_complaint_one_line_and_status_2(product):
    status, out, err = product.start("doctor")
    assert (status, out) == (2, "")
    assert "ERROR: No matching distribution found for whetstone-tiny==1.0" in err
    assert err.splitlines()[-1].startswith("whetstone: pip could not install everything")
    assert "Traceback" not in err


def test_a_package_that_is_not_the_locked_one_is_not_installed(product):
    product.add_wheel("whetstone-tiny", "1.0")
    product.lock()
    product.add_wheel("whetstone-tiny", "1.0", files=1)  # the same version with other contents
    status, _, err = product.start("doctor")
    assert status == 2 and "DO NOT MATCH THE HASHES" in err
    assert not list(site_packages(product).glob("whetstone_tiny*"))


def test_a_package_that_is_needed_but_not_locked_is_not_installed(product):
    product.add_wheel("whetstone-tiny", "1.0", needs=["whetstone-stowaway"])
    product.add_wheel("whetstone-stowaway", "1.0")
    status, _, err = product.start("doctor")
    assert status == 2 and "whetstone-stowaway" in err
    assert not list(site_packages(product).glob("whetstone_stowaway*"))


def test_a_python_newer_than_the_pins_is_told_which_one_to_take(product):
    older = (sys.version_info[0], sys.version_info[1] - 1)  # the newest that the pins know, one before this one
    text = (product.root / "launch.py").read_text(encoding="utf-8")
    assert f"NEWEST = {launch.OLDEST}, {launch.NEWEST}" in text
    text = text.replace(f"NEWEST = {launch.OLDEST}, {launch.NEWEST}", f"NEWEST = {launch.OLDEST}, {older}")
    (product.root / "launch.py").write_text(text, encoding="utf-8")
    status, _, err = product.start("doctor")
    assert status == 2
    assert "is newer than Whetstone's pins know" in err and "start with Python {}.{}".format(*older) in err


def test_progress_tells_megabytes_and_then_the_packages_that_are_unpacked():
    said = "Collecting a==1\n  Downloading a-1-py3-none-any.whl (2.4 MB)\n  Downloading b-1.tar.gz (600 kB)\n"
    assert progress("Collecting a==1\n") == "looking up packages"
    assert progress(said) == "3 MB fetched"
    assert progress(said + "Installing collected packages: a, b, c\n") == "3 MB fetched, unpacking 3 packages"


def test_on_a_terminal_one_line_moves_and_is_gone_at_the_end(product):
    product.add_wheel("whetstone-tiny", "1.0", files=4000)
    screen, terminal = pty.openpty()
    start = product.popen("doctor", stderr=terminal)
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError), open(screen, "rb", buffering=0) as file:  # at the end Linux answers EIO
        while chunk := file.read(4096):
            shown += chunk
    assert start.communicate(timeout=60)[0].startswith("RAN")
    first, *moves, wiped, last = shown.decode().replace("\r\n", "\n").split("\r")
    assert first.count("\n") == 1 and "installing" in first
    assert moves and all(re.fullmatch(r"whetstone: [^\n]+, \d+ s +", move) for move in moves)
    assert wiped.strip() == "" and len(wiped) >= max(map(len, moves))
    assert last.startswith("whetstone: installed in")


def test_skip_install_installs_nothing_and_says_what_lacks(new_product):
    status, _, err = new_product.start("doctor", "--skip-install")
    assert status == 1  # the small command cannot import its package, as was asked for
    assert err.startswith("whetstone: --skip-install: going on without whetstone-tiny")
    assert not new_product.venv.exists()


def test_skip_install_uses_the_environment_that_is_there(product):
    product.add_wheel("whetstone-tiny", "1.0")
    assert product.start("doctor")[0] == 0
    product.require("base", "whetstone-tiny==1.1")
    status, out, err = product.start("doctor", "--skip-install")
    assert (status, out) == (0, f"RAN {product.venv} 1.0\n")
    assert err == "whetstone: --skip-install: going on without whetstone-tiny in the pinned version\n"


def test_whetstone_venv_moves_the_environment(new_product, tmp_path):
    new_product.add_wheel("whetstone-tiny", "1.0")
    elsewhere = tmp_path / "elsewhere" / "env"
    status, out, _ = new_product.start("doctor", WHETSTONE_VENV=str(elsewhere))
    assert (status, out) == (0, f"RAN {elsewhere} 1.0\n")
    assert not new_product.venv.exists()


def test_a_folder_that_holds_something_else_is_left_alone(new_product, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "dear.jpg").write_bytes(b"dear")
    status, _, err = new_product.start("doctor", WHETSTONE_VENV=str(tmp_path / "photos"))
    assert status == 2 and "is no Python environment and not empty" in err
    assert (tmp_path / "photos" / "dear.jpg").read_bytes() == b"dear"


def test_a_place_that_cannot_be_written_is_one_line(new_product, tmp_path):
    (tmp_path / "a file").write_text("")
    status, _, err = new_product.start("doctor", WHETSTONE_VENV=str(tmp_path / "a file" / "env"))
    assert status == 2
    assert len(err.splitlines()) == 1 and "set WHETSTONE_VENV to a writable folder" in err


def test_ctrl_c_during_the_install_is_one_line_and_130_and_the_next_start_goes_on(product):
    product.add_wheel("whetstone-tiny", "1.0", files=4000)
    start = product.popen("doctor")
    wait_for(lambda: list(product.venv.glob("lib/python*/site-packages/whetstone_tiny/part1*")))
    os.killpg(start.pid, signal.SIGINT)  # what a terminal does
    _, err = start.communicate(timeout=60)
    assert start.returncode == 130
    assert err.splitlines()[-1] == "whetstone: stopped" and "Traceback" not in err
    assert product.start("doctor")[1] == f"RAN {product.venv} 1.0\n"
