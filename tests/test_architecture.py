"""The arrows between packages (who may import whom), imports at the top of commands, and the README's commands."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import launch

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "engine": set(),
    "mos_study": set(),
    "distill": {"engine"},
    "webui": {"engine", "mos_study"},
    "reference": {"engine"},  # for its errors; what it documents is imported by name, by pdoc
    "study_plan.py": {"distill", "mos_study", "engine"},  # renders with the one, plans with the other
}
OURS = {name.removesuffix(".py") for name in MAY_IMPORT} | {"launch", "environment", "pip_install", "tests"}
HEAVY = {"torch", "gradio", "streamlit", "openvino", "onnxruntime", "cv2", "numpy", "PIL"}


def imports(path):
    """(line, top-level package) of every import in a file, also inside functions; relative ones count as their own."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name.split(".")[0]) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.lineno, node.module.split(".")[0]


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_imports_follow_the_arrows(package):
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in ([ROOT / package] if package.endswith(".py") else sorted((ROOT / package).rglob("*.py")))
        for line, name in imports(path)
        if name in OURS - {package} - MAY_IMPORT[package]
    ]
    assert not wrong


def test_imports_inside_functions_are_seen(tmp_path):
    path = tmp_path / "late.py"
    path.write_text("def f():\n    import webui.app\n    from distill import train\n    from . import near\n")
    assert list(imports(path)) == [(2, "webui"), (3, "distill")]


@pytest.mark.parametrize("command", launch.COMMANDS)
def test_help_imports_no_heavy_package(command):
    program = (
        f"import sys, launch\ntry: launch.main([*{command.split()!r}, '--help'])\nexcept SystemExit: pass\n"
        f"print('LOADED', *sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED"


def readme_commands(*names):
    """The words after `python launch.py` of every such line in the bash blocks of README, guide and CONTRIBUTING."""
    ours = ("README.md", "CONTRIBUTING.md", *(f"guide/{path.name}" for path in sorted((ROOT / "guide").glob("*.md"))))
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in names or ours]
    blocks = [block for text in texts for block in re.findall(r"```bash\n(.*?)```", text, flags=re.DOTALL)]
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True)[2:] for line in lines if line.strip().startswith("python launch.py")]


def test_the_readme_shows_commands():
    assert len(readme_commands("README.md")) >= 5 and len(readme_commands("CONTRIBUTING.md")) >= 3


@pytest.mark.parametrize("words", readme_commands(), ids=" ".join)
def test_readme_commands_are_understood(words):
    try:
        launch.parse(words)
    except SystemExit as ended:
        assert ended.code == 0 and ("--help" in words or "-h" in words), f"`python launch.py {' '.join(words)}`"
