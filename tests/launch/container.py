"""The Dockerfile as its builder reads it: stages of instructions, and which files its context holds."""

import io
import json
import re
import shlex
from dataclasses import dataclass, field

from dockerfile_parse import DockerfileParser

from tests.webui.server_process import ROOT


@dataclass
class Stage:
    """One FROM and what follows. steps: (instruction, value) in order; comments are left out."""

    name: str
    base: str
    steps: list = field(default_factory=list)

    def last(self, instruction):
        """The value of the last such instruction here, None without one."""
        return next((value for name, value in reversed(self.steps) if name == instruction), None)


def read(path=ROOT / "Dockerfile"):
    """(global arguments with their defaults, {name: Stage} in order)."""
    arguments, stages = {}, {}
    for row in DockerfileParser(fileobj=io.BytesIO(path.read_bytes())).structure:
        instruction, value = row["instruction"], row["value"]
        if instruction == "ARG" and not stages:
            name, _, default = value.partition("=")
            arguments[name] = default
        elif instruction == "FROM":
            base, _, name = re.fullmatch(r"(\S+)( AS (\S+))?", value).groups()
            for argument, default in arguments.items():
                base = base.replace("${" + argument + "}", default)
            stages[name] = Stage(name, base)
        elif instruction != "COMMENT":
            list(stages.values())[-1].steps.append((instruction, value))
    return arguments, stages


def copied(value):
    """(stage or None, sources, target) of a COPY."""
    words = shlex.split(value)
    stage = next((word.removeprefix("--from=") for word in words if word.startswith("--from=")), None)
    *sources, target = [word for word in words if not word.startswith("--")]
    return stage, sources, target


def words_of(value):
    """The words of an ENTRYPOINT, CMD or HEALTHCHECK CMD in the form of a JSON list."""
    return json.loads(value[value.index("[") :])


def in_context(path, root=ROOT):
    """Whether .dockerignore, which begins by leaving out everything, lets a path of the repository in."""
    first, *lines = [
        line for line in (root / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"
    ]
    assert first == "*"
    return any(
        re.fullmatch(line[1:].replace(".", r"\.").replace("*", "[^/]*"), str(parent))
        for line in lines
        if line.startswith("!")
        for parent in [path, *path.parents]
    )
