"""The licences of everything that is installed for Whetstone, from the packages' own metadata."""

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What an identifier or a name of a licence says of the duty to pass on source code.
_STRONG = re.compile(r"\b(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)
_WEAK = re.compile(r"\b(LGPL|MPL|EPL|CDDL|(Lesser|Library) General Public|Mozilla Public)", re.IGNORECASE)
# Libraries inside wheels whose licence is stricter than the wheel's own metadata
_BUNDLED = {"libx264": "x264 (GPL-2.0-or-later)", "libx265": "x265 (GPL-2.0-or-later)"}
_LONGEST = 60  # characters; some packages put the whole text into that field


@dataclass(frozen=True)
class Licence:
    """One installed package. layer: "base", "study", ...: what it is installed for, the first that needs it.

    care: why whoever passes it on should look: "" for licences that ask for a notice alone.
    """

    name: str
    version: str
    licence: str
    layer: str
    care: str = ""


def licences(root=ROOT):
    """(Licences of what is installed, by name; names of the requirements' packages that are not installed)."""
    found, absent = {}, set()
    for layer, names in requirements(root).items():
        todo = list(names)
        while todo:
            name = _normal(todo.pop())
            if name in found or name in absent:
                continue
            try:
                package = metadata.distribution(name)
            except metadata.PackageNotFoundError:
                absent.add(name)
                continue
            text = licence_text(package.metadata)
            found[name] = Licence(package.metadata["Name"], package.version, text, layer, _care(text, package.files))
            todo += _needs(package)
    asked = {_normal(name) for names in requirements(root).values() for name in names}
    return [found[name] for name in sorted(found)], sorted(absent & asked)


def requirements(root=ROOT):
    """{"base": [names of packages], "study": ...} of the requirements files."""
    layers = {}
    for path in sorted(Path(root).glob("requirements*.txt"), key=lambda path: (len(path.stem), path.stem)):
        lines = path.read_text(encoding="utf-8").splitlines()
        layer = path.stem.removeprefix("requirements").strip("-") or "base"
        layers[layer] = [line.split("==")[0] for line in lines if "==" in line and not line.startswith("#")]
    return layers


def licence_text(fields):
    """The licence as an SPDX expression or in the package's own words, from its metadata; "unknown" without any."""
    if fields.get("License-Expression"):
        return fields["License-Expression"]
    classified = [
        text.rpartition(" :: ")[2] for text in fields.get_all("Classifier", []) if text.startswith("License ::")
    ]
    own = (fields.get("License") or "").strip()
    if own and "\n" not in own and len(own) <= _LONGEST and "::" not in own:
        return own
    return " AND ".join(classified) or "unknown"


def _care(text, files):
    inside = sorted({word for file in files or () for part, word in _BUNDLED.items() if part in file.name.lower()})
    if inside:
        return "bundles " + ", ".join(inside)
    if text == "unknown":
        return "its metadata names no licence"
    if _STRONG.search(text):
        return "what is passed on together with it comes under its terms"
    return "changes to the package itself must be passed on" if _WEAK.search(text) else ""


def _needs(package):
    """Names of what a package needs here, without its extras."""
    from packaging.requirements import Requirement

    needs = [Requirement(text) for text in package.requires or ()]
    return [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()
