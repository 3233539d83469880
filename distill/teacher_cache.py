"""What a teacher made of a picture, kept on disk: for validation and evaluation, where pictures and draws are fixed."""

import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import torch

from engine.atomic_write import write_atomically


class TeacherCache:
    """A teacher for single pictures that does each only once, also over restarts. folder: made when needed.

    A file is named by the hash of the picture, of what the teacher was told and of its weights, and holds the restored
    pixels, compressed; one that is damaged is made anew.
    """

    def __init__(self, teacher, folder):
        self._teacher, self._folder = teacher, Path(folder)

    def __call__(self, degraded, degradation=None):
        """degraded: (H, W, 3) uint8 RGB -> restored, same shape and type; degradation: Degradation or None.

        Raises BadOutput when the result cannot be written.
        """
        teacher = self._teacher
        told = None if degradation is None else degradation.vector()
        key = hashlib.sha256(json.dumps([teacher.weights_sha256, teacher.resize, degraded.shape, told]).encode())
        key.update(np.ascontiguousarray(degraded))
        path = self._folder / key.hexdigest()[:2] / key.hexdigest()
        if (restored := _read(path, degraded.shape)) is None:
            batch = torch.from_numpy(np.ascontiguousarray(degraded)).to(teacher.device).permute(2, 0, 1)[None] / 255
            pixels = teacher(batch, None if degradation is None else [degradation])[0].permute(1, 2, 0)
            restored = (255 * pixels).round().byte().cpu().numpy()
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, zlib.compress(restored.tobytes(), 1), overwrite=True)
        return restored


def _read(path, shape):
    """The pixels of a file, or None when it is not there or damaged: zlib keeps a checksum of them."""
    try:
        pixels = zlib.decompress(path.read_bytes())
    except (FileNotFoundError, zlib.error):
        return None
    return np.frombuffer(pixels, np.uint8).reshape(shape).copy() if len(pixels) == np.prod(shape) else None
