"""Container, conda and Space: their files name what is there, agree with each other, and start as nobody special."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import environment
import launch
from tests.launch.container import copied, in_context, read, words_of
from tests.test_architecture import MAY_IMPORT
from tests.webui.server_process import ROOT
from webui.commands.app import PORT
from webui.server import ABOUT_PATH

ARGUMENTS, STAGES = read()
COPIES = [copied(value) for stage in STAGES.values() for name, value in stage.steps if name == "COPY"]


def version(text):
    return tuple(map(int, re.findall(r"\d+", text)[:2]))


def front_matter():
    """The Space's settings, at the top of README.md."""
    return yaml.safe_load((ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def test_every_file_that_the_image_takes_is_there_and_in_its_context():
    sources = [source for stage, sources, _target in COPIES if stage is None for source in sources]
    assert len(sources) > 10
    for source in sources:
        found = list(ROOT.glob(source))
        assert found and all(in_context(path.relative_to(ROOT)) for path in found), source
    for outside in (".git/config", ".venv/bin/python", "runs/a.json", "tests/conftest.py", "study/answers.sqlite"):
        assert not in_context(Path(outside)), outside


def test_the_image_holds_every_module_that_a_command_is_made_of():
    sources = {source for stage, sources, _target in COPIES if stage is None for source in sources}
    assert set(MAY_IMPORT) | {"launch.py", "environment.py", "pip_install.py", environment.HASHES} <= sources
    homes = {home.replace(".", "/") + ".py" for home, _layers in launch.COMMANDS.values()}
    assert {home for home in homes if home not in sources and home.split("/")[0] not in sources} == {
        "tests/run.py"
    } - sources


def test_both_images_run_as_an_ordinary_user_and_tell_whether_the_page_answers():
    program = STAGES["program"]
    assert list(STAGES)[-1] == "cpu"  # what `docker build .` makes
    assert STAGES["cuda"].base == STAGES["cpu"].base == "program"
    assert program.last("USER") == "1000" and STAGES["cpu"].last("USER") is STAGES["cuda"].last("USER") is None
    assert program.last("EXPOSE") == str(PORT)
    probe = words_of(program.last("HEALTHCHECK"))[-1]
    assert f"'127.0.0.1', {PORT}," in probe and f"'{ABOUT_PATH}'" in probe
    assert words_of(program.last("ENTRYPOINT")) == ["python", "launch.py"]
    launch.parse(words_of(program.last("CMD")))


def test_what_it_installs_has_hashes_and_for_cuda_torchs_pins():
    (install,) = [value for name, value in STAGES["packages"].steps if name == "RUN"]
    assert f"--require-hashes -r {environment.HASHES}" in install
    assert STAGES["packages-cuda"].base == "packages"
    assert environment.LAYERS["torch"] in STAGES["packages-cuda"].last("RUN")


def test_conda_takes_pips_pins():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, _pip, pip = conda["dependencies"]
    assert pip == {"pip": [f"-r {environment.LAYERS['base']}"]}
    assert launch.OLDEST <= version(python) <= launch.NEWEST
    assert python == f"python={ARGUMENTS['PYTHON']}" == f"python={front_matter()['python_version']}"


def test_the_space_starts_our_file_with_the_pinned_gradio():
    settings = front_matter()
    (gradio,) = [item for item in environment.read_layer("base") if item.name == "gradio"]
    assert settings["sdk"] == "gradio" and settings["sdk_version"] == gradio.pinned
    assert (ROOT / settings["app_file"]).is_file()
    assert len(settings["short_description"]) <= 60  # the platform refuses more
    colours = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {settings["colorFrom"], settings["colorTo"]} <= colours


def test_the_tools_check_for_the_oldest_python():
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'target-version = "py{}{}"'.format(*launch.OLDEST) in settings


def test_hadolint_finds_nothing():
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}")
    if hadolint is None:
        pytest.skip("hadolint has a wheel for Linux on x86-64 alone")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
