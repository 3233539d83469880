"""What the picture tab tells a visitor's session, and what it hears back."""

from dataclasses import dataclass, field
from pathlib import Path

from engine.degradation import Degradation
from webui.preview import View


@dataclass(frozen=True)
class Settings:
    """What a visitor chose. strength: 0.0 leaves the picture as it is, 1.0 is as trained, 2.0 the most.

    told: numbers of a Degradation that go before the measured ones; a blind student does without them.
    """

    model: str
    strength: float
    told: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """One picture before and after: the preview files, and what happened."""

    name: str
    before: Path
    after: Path
    height: int  # of the picture
    width: int
    settings: Settings
    sharpen_ms: float | None  # None: the preview was made without sharpening the whole picture, settle() will do that
    view: View
    has_detail: bool  # whether a detail shows more than the whole picture does
    notices: tuple[str, ...]
    measured: Degradation | None  # None: the student is blind
    degradation: Degradation | None  # what it was restored from: measured, but for what the settings tell


@dataclass(frozen=True)
class Settled:
    """The newest result. path: NAME-sharp.EXT; shown: the exact previews where show() gave quick ones, else None."""

    path: Path
    shown: Shown | None


@dataclass(frozen=True)
class Progress:
    """How far run_all is."""

    done: int
    total: int
    name: str  # the picture being worked on
    left_s: float | None  # an estimate, once there is something to estimate from


@dataclass(frozen=True)
class Finished:
    """What run_all did. archive: None when not one picture came out."""

    archive: Path | None
    done: int
    total: int
    failures: tuple[str, ...]  # one line each
    stopped: bool
