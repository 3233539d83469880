"""What a volunteer's page asks for and gets: the state of the session, pictures under names of its own, answers in."""

import hashlib
import hmac
import threading
from dataclasses import dataclass
from pathlib import Path

from mos_study.session import Refused, checked_screen, own_results, step, visible
from mos_study.store import BEGUN, WITHDRAWN, Door


@dataclass(frozen=True)
class Terms:
    """What volunteers are told and how long they work: kept, contact: words; break_s: of work before a break."""

    kept: str = ""
    contact: str = ""
    break_s: int = 20 * 60


class StudyDesk:
    """Answers requests of volunteers' pages from the store and the stimuli; plain values in and out, from any thread.

    Nothing that goes out names a condition or a stimulus: a picture is called by a keyed hash of session, trial and
    side, and is there only while it is its turn.
    """

    def __init__(self, store, folder, door: Door, terms: Terms):
        self.store, self._folder, self._door, self._terms = store, Path(folder), door, terms
        self._sent = {}  # session -> the (trial, side) that were sent; a page loads anew what a restart forgot
        self._seen = {}  # token -> the Visitor as last seen, so that pictures need no question to the database
        self._lock = threading.Lock()
        sizes = store.plan.sizes.values()
        self._largest = [max(height for height, _ in sizes), max(width for _, width in sizes)]

    def state(self, token):
        """What the page shows next, a dict for JSON. Raises Refused."""
        visitor = self.store.find(token)
        if visitor is None:
            raise Refused("unknown_link")
        return self._state(visitor)

    def consent(self, token):
        """Begin the session; returns its state with the `token` that it goes by from now on. Raises Refused."""
        token = self.store.join(token, self._door)
        return {"token": token, **self.state(token)}

    def check(self, token, content):
        """Keep what the screen check found. Raises Refused."""
        self.store.check(token, checked_screen(content))
        return self.state(token)

    def known_picture(self, token, name):
        """The file of a picture that is on its turn, None where the store must be asked; it does not wait."""
        visitor = self._seen.get(token)
        return visitor and self._picture(visitor, name)

    def picture(self, token, name):
        """The file of a picture that is on its turn. Raises Refused."""
        visitor = self.store.find(token)
        if visitor is None or visitor.state != BEGUN:
            raise Refused("unknown_link")
        with self._lock:
            self._seen[token] = visitor
        path = self._picture(visitor, name)
        if path is None:
            raise Refused("no_picture")
        return path

    def _picture(self, visitor, name):
        """The file of a visible picture, counted as sent; None when none is called so."""
        planned = self.store.plan.sessions[visitor.position]
        for number in (visitor.progress.answered, visitor.progress.answered + 1):
            if number >= len(planned.trials) or not visible(planned, visitor.progress, number):
                continue
            for side, stimulus in enumerate(_stimuli(planned.trials[number])):
                if hmac.compare_digest(self._name(visitor.session, number, side).encode(), name.encode()):
                    with self._lock:
                        self._sent.setdefault(visitor.session, set()).add((number, side))
                    return self._folder / self.store.plan.files[stimulus]
        return None

    def _was_shown(self, visitor, trial):
        sides = len(_stimuli(self.store.plan.sessions[visitor.position].trials[trial]))
        with self._lock:
            return {(trial, side) for side in range(sides)} <= self._sent.get(visitor.session, set())

    def answer_all(self, given):
        """Keep answers, (token, content) each; returns a state or a Refused for each."""
        results = []
        for (token, _content), after in zip(given, self.store.answer_all(given, self._was_shown)):
            if isinstance(after, Refused):
                results.append(after)
                continue
            with self._lock:
                sent = {one for one in self._sent.pop(after.session, ()) if one[0] >= after.progress.answered}
                if sent:
                    self._sent[after.session] = sent
                self._seen[token] = after
            results.append(self._state(after))
        return results

    def withdraw(self, token):
        """Delete all of this volunteer. Raises Refused."""
        self.store.withdraw(token)
        with self._lock:
            self._seen.pop(token, None)
        return {"step": "withdrawn"}

    def results(self, token):
        """How this volunteer rated each condition; after the last trial alone. Raises Refused."""
        answers = self.store.answers_of(token)
        planned = self.store.plan.sessions[self.store.find(token).position]
        return {"results": own_results(planned, self.store.plan.settings.method, answers)}

    def _state(self, visitor):
        if visitor.state == WITHDRAWN:
            return {"step": "withdrawn"}
        plan = self.store.plan
        planned = plan.sessions[visitor.position]
        now = step(planned, visitor.progress)
        state = {
            "step": now,
            "method": plan.settings.method,
            "trials": len(planned.trials),
            "training": plan.settings.training,
            "answered": visitor.progress.answered,
            "largest": self._largest,
            "break_s": self._terms.break_s,
        }
        if now == "consent":
            state |= {"kept": self._terms.kept, "contact": self._terms.contact}
        if now == "check":
            state["plates"] = planned.plates
        if now in ("training", "trials"):
            numbers = range(visitor.progress.answered, min(visitor.progress.answered + 2, len(planned.trials)))
            state["next"] = [self._trial(visitor.session, number, planned.trials[number]) for number in numbers]
        return state

    def _trial(self, session, number, trial):
        """What the page may know of a trial; `ask` is what a trap asks for."""
        height, width = self.store.plan.sizes[trial.stimulus]
        return {
            "number": number,
            "pictures": [self._name(session, number, side) for side in range(len(_stimuli(trial)))],
            "height": height,
            "width": width,
            "ask": trial.expected if trial.kind == "trap" else None,
        }

    def _name(self, session, number, side):
        return hmac.new(self.store.key, f"{session}/{number}/{side}".encode(), hashlib.sha256).hexdigest()[:32]


def _stimuli(trial):
    """The stimuli of a trial, from left to right."""
    return (trial.stimulus, trial.other) if trial.other else (trial.stimulus,)
