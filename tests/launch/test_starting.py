"""How a start ends: exit statuses, old Pythons, help in an empty interpreter, wrong words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import launch
from tests.launch.small_product import ROOT, SmallProduct


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    product = SmallProduct(tmp_path_factory.mktemp("statuses"))
    product.add_wheel("whetstone-tiny", "1.0")
    assert product.start("doctor")[0] == 0
    return product


def test_what_the_user_can_fix_is_one_line_and_status_2(product):
    status, out, err = product.start("doctor", "--fail", "user")
    assert (status, out, err) == (2, "", "whetstone: the strength is 3; 0.0 to 2.0 is meant\n")


def test_our_fault_is_a_traceback_and_status_1(product):
    status, _, err = product.start("doctor", "--fail", "crash")
    assert status == 1
    assert err.startswith("Traceback") and err.endswith("RuntimeError: a bug of ours\n")


@pytest.mark.parametrize("how", ["interrupt", "wrapped"])  # wrapped: as Python before 3.12 does in __set_name__
def test_ctrl_c_is_one_line_and_status_130(product, how):
    status, _, err = product.start("doctor", "--fail", how)
    assert (status, err) == (130, "\nwhetstone: stopped\n")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["holiday.jpg"], "no command 'holiday.jpg'; the commands are app, sharpen"),
        (["doctor", "--fial", "user"], "unknown arguments: --fial user"),
        (["doctor", "--fail", "often"], "invalid choice: 'often'"),
    ],
)
def test_wrong_words_are_one_line_and_status_2(product, arguments, words):
    status, out, err = product.start(*arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1 and err.startswith("whetstone: ") and words in err


def test_a_reader_that_leaves_early_is_no_fault(product):
    start = product.popen("doctor")
    start.stdout.close()
    err = start.stderr.read()
    start.stderr.close()
    assert (start.wait(), err) == (141, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full and closed streams are POSIX")
@pytest.mark.parametrize(
    "words, status, err",
    [
        ("doctor >/dev/full", 2, "whetstone: the disk of standard output or the place of the results is full"),
        ("doctor >&-", 0, ""),
        ("doctor 2>&-", 0, ""),
        ("doctor --fail user 2>&-", 2, ""),
        ("doctor --fail user 2>/dev/full", 2, ""),
        ("doctor --fail interrupt >&- 2>/dev/full", 130, ""),
    ],
)
def test_a_stream_that_takes_nothing_is_one_line_or_none(product, words, status, err):
    command = f'"$0" "$1" {words}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, product.root / "launch.py"],
        env=product.environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith(err) and len(done.stderr.splitlines()) == bool(err), done.stderr


def test_a_file_that_looks_like_an_option_is_answered_with_how_to_name_it(tmp_path):
    (tmp_path / "-x.jpg").touch()
    command = [sys.executable, ROOT / "launch.py", "sharpen", "-x.jpg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert f"-x.jpg is taken for an option; the file of that name is {os.path.join('.', '-x.jpg')};" in done.stderr


def old_pythons():
    """Interpreters older than 3.10 that this machine happens to have."""
    found = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    return [path for path in found if tuple(map(int, path.parts[-3].split(".")[:2])) < launch.OLDEST]


@pytest.mark.parametrize("python", old_pythons() or [None], ids=lambda path: path.parts[-3] if path else "none here")
def test_an_old_python_is_told_what_is_needed_in_one_line(python):
    if python is None:
        pytest.skip("no Python older than 3.10 on this machine")
    done = subprocess.run([python, ROOT / "launch.py", "doctor"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("whetstone: Python 3.10 to 3.13 is needed, this is ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 9, 99)])
def test_the_version_check_refuses_what_is_older_than_3_10(version, capsys):
    with pytest.raises(SystemExit) as ended:
        launch.check_python(version)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 12, 9), (3, 14, 0)])
def test_the_version_check_lets_3_10_and_later_pass(version):
    launch.check_python(version)


@pytest.mark.parametrize("command", [None, *launch.COMMANDS])
def test_help_needs_no_package_at_all(command):
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
         f"import launch; sys.exit(launch.main({[*command.split(), '--help'] if command else ['--help']!r}))"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr  # -I -S: without site-packages nothing but the standard library imports
    assert done.stdout.startswith("usage: python launch.py")
    if command is None:
        assert all(f"  {name} " in done.stdout for name in launch.COMMANDS)


@pytest.mark.parametrize("words", [["study"], ["study", "--help"]])
def test_the_first_of_two_words_lists_the_commands_that_begin_so(words, capsys):
    with pytest.raises(SystemExit) as ended:
        launch.main(words)
    listed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()[1:]]
    assert ended.value.code == 0 and listed == [name.split() for name in launch.COMMANDS if name.startswith("study ")]


def test_words_that_test_does_not_know_go_to_pytest_in_their_order():
    words = ["tests/engine", "-k", "not slow", "-x", "--maxfail=3"]
    _, _, args = launch.parse(["test", "--lint", *words, "--no-torch"])
    assert (args.passed_on, args.lint, args.torch) == (words, True, False)
