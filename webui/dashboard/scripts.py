"""Streamlit's scripts, served from memory, and named to the browser before its page asks for them.

Streamlit's page fetches itself first, then, when the first chart comes, some sixty more files in a second round, each
through all of Streamlit's layers. Both together were a third of the time to the first curve.
"""

import re
from pathlib import Path

PATH = "/static/js/"
_FIRST = (  # what the first page shows
    "PlotlyChart", "DataFrame", "ButtonGroup", "Slider", "Checkbox", "Selectbox", "Multiselect", "DownloadButton"
)  # fmt: skip
_IMPORT = re.compile(rb'(?:from|import)"\./([\w.-]+\.js)"')
_HEADERS = [(b"content-type", b"text/javascript"), (b"cache-control", b"public, max-age=31536000, immutable")]


class Scripts:
    """The scripts in a folder; their names hold hashes of what they are, so that browsers may keep them."""

    def __init__(self, folder):
        self._paths = {path.name: path for path in Path(folder).glob("*.js")}
        self._kept = {}

    def read(self, name):
        """The bytes of a script, None where there is none of that name."""
        if name in self._paths and name not in self._kept:
            self._kept[name] = self._paths[name].read_bytes()
        return self._kept.get(name)

    def links(self):
        """Values of Link headers that have the first page's scripts fetched early, with all that they import."""
        waiting = [name for name in self._paths if name.split(".")[0] in _FIRST]
        found = dict.fromkeys(waiting)
        while waiting:
            content = self.read(waiting.pop()) or b""
            new = [name for match in _IMPORT.findall(content) if (name := match.decode()) not in found]
            found |= dict.fromkeys(new)
            waiting += new
        return [f"<{PATH}{name}>; rel=modulepreload" for name in found if name in self._paths]

    async def answer(self, name, send, headers):
        """Send the script. headers: more of them, (name, value) in bytes."""
        body = self.read(name)
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length, *headers]})
        await send({"type": "http.response.body", "body": body})
