"""The page that sharpens in the visitor's own browser: its files, for our own server and for a static host.

index.html, *.js, *.css      webui/static/here, as they are
models/students.json         the students and what the page has to know of them (engine.export_mixed)
models/*.onnx
runtime.json                 where ONNX Runtime Web lies, with the hash of each of its files
runtime/                     its files, where they are served along
"""

import json
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from engine.atomic_write import writing_into
from engine.errors import BadOutput
from webui.browser_runtime import CDN, FETCH, FILES, fetch_runtime, is_fetched
from webui.theme import FAVICON, STATIC

PAGE = STATIC / "here"
STUDENTS = ("nano", "small")  # the others are too large for a browser
CHOSEN = "small"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",  # not every system knows this one
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
# Without them a browser gives WebAssembly one thread.
ISOLATION = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
}
_WORDS = {"nano": "the fastest", "small": "the better picture"}


def page_files():
    """Name -> path of the files that are served as they are."""
    return {path.name: path for path in sorted(PAGE.iterdir()) if path.suffix in TYPES} | {FAVICON.name: FAVICON}


@lru_cache(maxsize=1)
def models():
    """Name below models/ -> bytes; takes two seconds once. Raises BadCard, UnknownBackend, BadOutput (unequal)."""
    from engine.cards import load_card
    from engine.export_mixed import mixed_files

    files, students = {}, []
    for name in STUDENTS:
        made, facts = mixed_files(load_card(name))
        files |= made
        students.append({**facts, "words": f"{name}: {_WORDS[name]}"})
    files["students.json"] = json.dumps({"chosen": CHOSEN, "students": students}, indent=1).encode() + b"\n"
    return files


def runtime_facts(base="runtime/"):
    """What runtime.json holds. base: of the files' addresses, relative to the page or whole."""
    return {"base": base, "files": FILES}


def served_runtime_facts():
    """As runtime_facts, for our own server, where the files may not have been fetched yet."""
    if is_fetched():
        return runtime_facts()
    return {"missing": f"ONNX Runtime Web is not here yet. Run `{FETCH}` once (33 MB by npm), then reload this page."}


def write_page(out, readme, *, runtime="cdn", overwrite=False):
    """Write the page into a folder that any static host can serve; a new one appears whole or not at all.

    readme: the text of its README.md; runtime: "cdn", or "local" for files of 41 MB in the folder. With overwrite the
    files of the page replace those of the same name, after all of them were made; others stay.
    Raises BadOutput: the folder holds something (without overwrite), disk full; and as models() and fetch_runtime().
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not overwrite)):
        kind = "is not empty" if out.is_dir() else "is a file"
        raise BadOutput(f"{out} {kind} and is left as it is; name a new folder, or add --overwrite to renew its page")
    parent = out.absolute().parent
    if not parent.is_dir():
        raise BadOutput(f"the folder {parent} does not exist; create it first, or choose another")
    runtime_files = fetch_runtime() if runtime == "local" else None
    with writing_into(parent), tempfile.TemporaryDirectory(prefix=".whetstone-", dir=parent) as workshop:
        made = Path(workshop) / "page"
        _make(made, readme, runtime_files)
        if out.is_dir() and any(out.iterdir()):
            for path in sorted(path for path in made.rglob("*") if path.is_file()):
                place = out / path.relative_to(made)
                place.parent.mkdir(exist_ok=True)
                path.replace(place)
        else:
            if out.is_dir():
                out.rmdir()
            made.replace(out)


def _make(folder, readme, runtime_files):
    (folder / "models").mkdir(parents=True)
    for name, path in page_files().items():
        shutil.copyfile(path, folder / name)
    for name, data in models().items():
        (folder / "models" / name).write_bytes(data)
    if runtime_files is not None:
        (folder / "runtime").mkdir()
        for name in FILES:
            shutil.copyfile(runtime_files / name, folder / "runtime" / name)
    else:
        page = folder / "index.html"
        own, allowed = "connect-src 'self'", f"connect-src 'self' {CDN}"
        text = page.read_text(encoding="utf-8")
        if text.count(own) != 1:
            raise RuntimeError("index.html does not say once what it may connect to")
        page.write_text(text.replace(own, allowed), encoding="utf-8")
    facts = runtime_facts("runtime/" if runtime_files is not None else CDN)
    (folder / "runtime.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(readme, encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        os.chmod(path, 0o755 if path.is_dir() else 0o644)
