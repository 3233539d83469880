"""Short clips for a study: the videos of a folder, and the first seconds of one as frames."""

import os
from pathlib import Path

from distill.data import PictureFile
from engine.errors import BadVideo
from engine.video.reader import VideoReader, upright_rgb

SUFFIXES = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"}
MOST_FRAMES = 120


def find_clips(folder):
    """Every video below folder, sorted by path, hidden ones left alone; categories as distill.data.find_pictures."""
    folder = Path(folder)
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(here, name) for name in names if not name.startswith(".")]
    clips = sorted(path for path in found if path.suffix.lower() in SUFFIXES)
    inner = [path.relative_to(folder).parts for path in clips]
    return [PictureFile(path, parts[0] if len(parts) > 1 else "other") for path, parts in zip(clips, inner)]


def read_clip(path, seconds):
    """(frames, milliseconds of one): the first seconds, MOST_FRAMES at most, (H, W, 3) uint8 RGB. Raises BadVideo."""
    with VideoReader(path) as reader:
        reader.stream.thread_type = "NONE"  # closing a decoder whose threads are at work hung, with PyAV 18
        count = min(MOST_FRAMES, max(1, round(seconds * float(reader.rate))))
        frames = []
        for frame in reader.frames():
            frames.append(upright_rgb(frame))
            if len(frames) == count:
                break
        if len({frame.shape for frame in frames}) != 1:
            raise BadVideo(f"{path} changes the size of its frames; give a clip of one size")
        return frames, 1000 / float(reader.rate)
