"""The folder of a training run: who may write there, its settings, its log and its last state.

RUN/settings.json   what was asked for
RUN/metrics.jsonl   one row an epoch
RUN/last.pt         everything needed to go on after the last finished epoch
"""

import io
import json
import pickle
from dataclasses import MISSING, asdict, fields
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from engine.atomic_write import write_atomically
from engine.errors import BadSetting

_MAY_CHANGE = (
    "data",
    "split",
    "workers",
    "device",
    "compile",
)  # from one start of a run to the next; the data itself is compared


class RunFolder:
    """A run's folder, held by this process alone inside its `with` block. Raises BadSetting when another holds it.

    is_main: False for the other processes of the same training, which only read.
    """

    def __init__(self, path, is_main=True):
        self.path, self._is_main = Path(path), is_main
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.path / "training.lock")

    def __enter__(self):
        if not self._is_main:
            return self
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BadSetting(
                f"another training is writing into {self.path}; wait for it or give another --out"
            ) from None
        return self

    def __exit__(self, *_):
        self._lock.release()

    def resume(self, settings, data_sha256):
        """What save() kept last, or None for a new run; the log is cut to the epochs that were kept.

        data_sha256: hashes of the pictures, by split. Raises BadSetting when the run was started with other settings or
        pictures, or when its files are damaged.
        """
        content = self._last()
        asked = json.loads(json.dumps(asdict(settings)))
        if content is not None:
            unknown_then = {field.name: field.default for field in fields(settings) if field.default is not MISSING}
            kept = unknown_then | content["settings"]  # a run of an earlier version was trained as the defaults are
            differ = [name for name in asked if kept.get(name) != asked[name] and name not in _MAY_CHANGE]
            if differ:
                was = ", ".join(f"{name} {kept.get(name)!r} (now {asked[name]!r})" for name in differ)
                raise BadSetting(f"{self.path} holds a run with other settings: {was}; give the same, or another --out")
            if content["data_sha256"] != data_sha256:
                raise BadSetting(
                    f"the pictures are not those that the run in {self.path} began with; "
                    "bring those back, or give another --out"
                )
        if not self._is_main:
            return content
        self._write("settings.json", (json.dumps(asked, indent=2) + "\n").encode())
        log = self.path / "metrics.jsonl"
        rows = log.read_text(encoding="utf-8").splitlines() if log.exists() and content else []
        self._write("metrics.jsonl", "".join(row + "\n" for row in rows[: content["epoch"] if content else 0]).encode())
        return content

    def save(self, settings, data_sha256, epoch, content):
        """Keep `content` (state dicts and plain values) as the state after `epoch`; whole or not at all."""
        kept = {"settings": asdict(settings), "data_sha256": data_sha256, "epoch": epoch} | content
        packed = io.BytesIO()
        torch.save(kept, packed)
        self._write("last.pt", packed.getvalue())

    def log(self, row):
        """Append a row to the log."""
        with open(self.path / "metrics.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _last(self):
        path = self.path / "last.pt"
        if not path.exists():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError):
            raise BadSetting(f"{path} is damaged; delete it to start the run anew, or give another --out") from None

    def _write(self, name, content):
        write_atomically(self.path / name, content, overwrite=True)
