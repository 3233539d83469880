"""The page as the Spaces platform starts it: `python app.py` with the platform's environment variables."""

import contextlib
import sys
from pathlib import Path

from tests.webui.server_process import ROOT, ServerProcess

HOST = "someone-whetstone.hf.space"


def platform_environment(port, temporary, python=sys.executable):
    """The variables of a Gradio Space's process; home is a folder that does not exist and cannot be made."""
    return {
        "PATH": f"{Path(python).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/proc/home",
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "SYSTEM": "spaces",
        "SPACE_ID": "someone/whetstone",
        "SPACE_HOST": HOST,
        "SPACE_AUTHOR_NAME": "someone",
        "SPACE_REPO_NAME": "whetstone",
        "SPACE_TITLE": "Whetstone",
        "CPU_CORES": "2",
        "MEMORY": "16Gi",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_NUM_PORTS": "1",
        "GRADIO_THEME": "huggingface",
        "GRADIO_ALLOW_FLAGGING": "never",
        "GRADIO_ANALYTICS_ENABLED": "True",  # the page switches it off all the same
        "TQDM_POSITION": "-1",
    }


@contextlib.contextmanager
def running_space(port, temporary, python=sys.executable, root=ROOT, more_environment=None, **more):
    """A Space that answers on 127.0.0.1:port; more: of Popen (user)."""
    environment = platform_environment(port, temporary, python) | (more_environment or {})
    space = ServerProcess(["app.py"], python=python, cwd=root, env=environment, **more)
    space.address = f"http://127.0.0.1:{port}"
    space.temporary = temporary
    try:
        space.wait_for(r"Whetstone is at (http://\S+)")
        yield space
    finally:
        space.stop()
