"""ONNX Runtime Web, what runs students in a browser: its files, where they come from, and fetching them once by npm."""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from engine.errors import BadOutput, UnknownBackend

VERSION = "1.30.0"
# of the package, as npm's own lists have it
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
MODULE = "ort.wasm.min.mjs"
# name: its hash as browsers check it; three files for the processor, three for a GPU (they also run on a processor)
FILES = {
    MODULE: "sha384-SfFfy/pvthiOsgaw3KX0bV5TfQ6Iq+oY9KutMe4SxIuHH4cl+DCSD4rTsYOoG1tJ",
    "ort-wasm-simd-threaded.mjs": "sha384-XcXA/MtAf0WpB8e023xQH9CM7RIjiugakT7x99DIwpFf7k56BIFFcAPerIF7FDad",
    "ort-wasm-simd-threaded.wasm": "sha384-vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM",
    "ort.webgpu.min.mjs": "sha384-FPQBMbud8ICuP0Ii+Gr95KWEX9pKHtUC3lacIp0aPI8WYluKvTsEGQ3AE2Ze3QlL",
    "ort-wasm-simd-threaded.asyncify.mjs": "sha384-qViEcCGzsR/m8nlQwIsbYh7afN4thuraqFYDQY6huvmoLVoZq/eYawQ1wrv8nnhA",
    "ort-wasm-simd-threaded.asyncify.wasm": "sha384-EPVDLTxuO663dkZO/pcKJF6vOyyfq/5z9FY1oksN0UWFX2ABH4wDDZQHeNoUleWR",
}
CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
FETCH = "python launch.py space --fetch-runtime"
FOLDER_VARIABLE = "WHETSTONE_ORT_WEB_CACHE"
_FETCH_TIMEOUT_S = 600


def runtime_folder():
    """Where fetched files lie: `.runtime` beside launch.py, or below what WHETSTONE_ORT_WEB_CACHE says."""
    root = os.environ.get(FOLDER_VARIABLE) or Path(__file__).resolve().parent.parent / ".runtime"
    return Path(root).absolute() / f"onnxruntime-web-{VERSION}"


def is_fetched():
    """Whether the files are there."""
    folder = runtime_folder()
    return all((folder / name).is_file() for name in FILES)


def fetch_runtime():
    """The folder with FILES; npm fetches the package of 33 MB when they are not there, 41 MB are kept.

    Raises UnknownBackend (no npm, no network, another package than the pinned one), BadOutput (cannot be written).
    """
    folder = runtime_folder()
    if is_fetched():
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise UnknownBackend("npm is needed once, to fetch ONNX Runtime Web; install it (Debian: `apt install npm`)")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as workshop:
            for name, data in _unpacked(_packed(npm, Path(workshop))):
                part = Path(workshop) / name
                part.write_bytes(data)
                part.replace(folder / name)
    except OSError as error:
        raise BadOutput(
            f"ONNX Runtime Web cannot be kept in {folder} ({error.strerror or error}); free some space, or name "
            f"another folder in {FOLDER_VARIABLE}"
        ) from error
    return folder


def _packed(npm, workshop):
    """The path of the package, as npm brings it and with the pinned hash."""
    words = ["npm", "pack", "--loglevel=error", f"onnxruntime-web@{VERSION}"]
    try:
        done = subprocess.run([npm, *words[1:]], cwd=workshop, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise UnknownBackend(f"`{' '.join(words)}` did not end; check the network and start again") from None
    if done.returncode:
        reason = " ".join(done.stderr.split())[:200]
        raise UnknownBackend(f"`{' '.join(words)}` failed ({reason}); check the network and start again")
    (packed,) = workshop.glob("*.tgz")
    if base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode() != SHA512:
        raise UnknownBackend(
            f"what npm brought is not the onnxruntime-web {VERSION} whose SHA-512 is pinned; use it not"
        )
    return packed


def _unpacked(packed):
    with tarfile.open(packed) as archive:
        for name in FILES:
            file = archive.extractfile(f"package/dist/{name}")
            assert file is not None  # the package's hash is the pinned one
            yield name, file.read()
