"""The leader's view of a study: a password before it, progress without results, the links, the tables."""

import asyncio
import base64
import hashlib
import hmac
import json

from mos_study.export import plates_right

WRONG_S = 1.0  # seconds that a wrong password costs; all who guess wait in one line


class Password:
    """HTTP Basic with any name."""

    def __init__(self, password):
        self._digest = hashlib.sha256(password.encode()).digest()
        self._line = asyncio.Lock()

    async def admits(self, authorization):
        """Whether the header holds the password; a wrong one takes its time."""
        kind, _, coded = (authorization or "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            given = base64.b64decode(coded, validate=True).partition(b":")[2]
        except ValueError:
            given = b""
        if hmac.compare_digest(hashlib.sha256(given).digest(), self._digest):
            return True
        async with self._line:
            await asyncio.sleep(WRONG_S)
        return False


def progress(store, door, invites, public_url=""):
    """Plain values on how far the study is; nothing of what was answered."""
    plan = store.plan
    sessions = [_session(row, plan.sessions[row["position"]]) for row in store.sessions()]
    return {
        "study": store.study,
        "method": plan.settings.method,
        "conditions": plan.settings.conditions,
        "public_url": public_url,
        "planned": len(plan.sessions),
        "most": door.most,
        "ends_at": door.ends_at.isoformat() if door.ends_at else "",
        "began": len(sessions),
        "finished": sum(one["answered"] == one["trials"] for one in sessions),
        "withdrawn": store.withdrawn(),
        "answers": sum(one["answered"] for one in sessions),
        "sessions": sessions,
        "links": [{"number": number, "path": f"/s/{token}"} for number, token in invites]
        or [{"number": 0, "path": f"/s/{store.token}"}],
    }


def _session(row, planned):
    screen = json.loads(row["screen"]) if row["screen"] else {}
    return {
        "rater": row["rater"],
        "answered": row["answered"],
        "trials": len(planned.trials),
        "consented_at": row["consented_at"],
        "last_answer_at": row["last_answer_at"] or "",
        "screen": f"{screen['width']:g} x {screen['height']:g}, {screen['density']:g}" if screen else "",
        "plates": f"{plates_right(planned, screen['plates'])}/{len(planned.plates)}" if screen else "",
        "bars": screen.get("bars", ""),
    }
