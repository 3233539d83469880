"""The sharpeners of one page: each student is loaded once, when first asked for, and shared by all visitors."""

import threading
from pathlib import Path

from engine.cards import DEFAULT_MODEL, load_card, model_names
from engine.errors import UnknownModel

_WORDS = {"small": "best balance", "base": "finest", "report": "the project report's"}


class Sharpeners:
    """Loads students by name on one device and back end, and closes them all at the end."""

    def __init__(self, model=DEFAULT_MODEL, *, device="auto", backend="auto"):
        """model: the one chosen first, a shipped name or the path of a card. Raises UnknownModel or BadCard."""
        self.default = str(model)
        load_card(self.default)  # refuse it before anything is started
        self._device, self._backend = device, backend
        self._loaded = {}
        self._locks = {name: threading.Lock() for name in self.names()}

    def names(self):
        """What a visitor may choose: the shipped students, smallest first, and the one the page was started with."""
        shipped = model_names()
        return shipped if self.default in shipped else [*shipped, self.default]

    def get(self, name):
        """The sharpener of that name; its first call takes a second. Raises UnknownModel for what is not in names()."""
        if name not in self._locks:  # a path from a visitor is not a choice
            raise UnknownModel(f"model {str(name)[:60]!r} is not on this page; choose one of: {', '.join(self._locks)}")
        with self._locks[name]:
            if name not in self._loaded:
                from engine.sharpener import Sharpener

                self._loaded[name] = Sharpener(name, device=self._device, backend=self._backend)
            return self._loaded[name]

    def close(self):
        while self._loaded:
            self._loaded.popitem()[1].close()


def choices(names):
    """(what the page says, name) for each student: a word on it, faster or slower than the default, its size."""
    cards = {name: load_card(name) for name in names}
    reference = cards.get(DEFAULT_MODEL) or next(iter(cards.values()))
    usual = reference.config.macs_per_pixel()
    return [(_describe(name, card, card.config.macs_per_pixel() / usual), name) for name, card in cards.items()]


def short_name(name):
    """A student's name for the page: folder/stem of one that was given as a path, as it may be named like ours."""
    if not _is_own(name):
        return name
    path = Path(name).absolute()
    return f"{path.parent.name}/{path.stem}"


def _is_own(name):
    return Path(name).suffix == ".json"


def _describe(name, card, work):
    """work: multiply-accumulates a pixel, over the default student's; it says little about the time of whole pictures,
    so no number is made of it, and nothing of a stranger's card."""
    facts = [_WORDS[name]] if name in _WORDS else []
    if not _is_own(name) and work < 0.8:
        facts.append("faster")
    elif not _is_own(name) and work > 1.25:
        facts.append("slower")
    facts.append(f"{card.parameters / 1000:.0f} K weights")
    return f"{short_name(name)}: {', '.join(facts)}"
