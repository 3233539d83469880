"""What `benchmark` and the measuring scripts left: times by model, engine and size, and the machine of each.

Columns are read as far as they are there: the format grows (precision, memory, peers).
"""

import json
from dataclasses import dataclass
from typing import Any

from webui.dashboard.file_cache import FileCache
from webui.dashboard.folders import existing, walk

SAMPLES = ("each_ms", "times_ms", "samples_ms", "latencies_ms")  # names under which single times are kept
_PARTS = ("backend", "precision", "variant")  # what tells rows of one model apart


@dataclass(frozen=True)
class Timing:
    """One row. label: model and what tells it apart; size: 480p, ...; fps: from the median; made: the whole file's."""

    label: str
    model: str
    size: str
    median_ms: float
    p95_ms: float | None
    fps: float
    machine: str
    source: str
    row: dict[str, Any]
    made: dict[str, Any]


@dataclass(frozen=True)
class Samples:
    """Single times. what: of what."""

    what: str
    times_ms: tuple[float, ...]
    machine: str


def find_benchmarks(folders):
    """([Timing, ...], [Samples, ...], [what could not be read, one line each]) of every JSON with times."""
    timings, samples, problems = [], [], []
    for folder in existing(folders, "--results", problems):
        for place, names in walk(folder, problems):
            for name in names:
                if name.endswith(".json"):
                    try:
                        content = _content(place / name)
                    except (OSError, ValueError) as error:
                        problems.append(f"{place / name} cannot be read ({error})")
                        continue
                    if isinstance(content, dict):
                        _collect(content, name, timings, samples)
    return timings, samples, problems


def _collect(content, source, timings, samples):
    rows = content.get("rows")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    base = machine_of(content)
    for row in rows:
        machine = base + (f", {row['device']}" if row.get("device") and str(row["device"]).lower() != "cpu" else "")
        median, size = row.get("median_ms"), row.get("size")
        if _is_time(median) and isinstance(row.get("model"), str) and isinstance(size, str):
            label = " · ".join([row["model"], *(str(row[part]) for part in _PARTS if row.get(part))])
            p95 = row["p95_ms"] if _is_time(row.get("p95_ms")) else None
            timing = Timing(label, row["model"], size, median, p95, 1000 / median, machine, source, row, content)
            timings.append(timing)
            _sample(row, f"{label}, {size}", machine, samples)
    _sample(content, f"{source.removesuffix('.json')}, {content.get('model', '')}".rstrip(", "), base, samples)


def _sample(holder, what, machine, samples):
    for key in SAMPLES:
        times = holder.get(key)
        if isinstance(times, list) and len(times) > 1 and all(map(_is_time, times)):
            samples.append(Samples(what, tuple(times), machine))


def machine_of(made):
    """A machine in a few words: `AMD EPYC, AVX2, 2 cores, Linux x86_64`; what is not known is said."""
    machine = made.get("machine")
    if not isinstance(machine, dict):
        return str(machine) if machine else "unknown machine"
    words = {**machine, "cores": f"{machine['cores']} cores"} if "cores" in machine else machine
    return ", ".join(", ".join(word) if isinstance(word, list) else str(word) for word in words.values() if word)


def _is_time(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _read(path):
    return json.loads(path.read_text(encoding="utf-8"))


_content = FileCache(_read)
