"""The real dashboard for tests: `python launch.py dashboard` in a process of its own on a free port."""

from tests.webui.server_process import ServerProcess


class DashboardProcess(ServerProcess):
    """The command as a user starts it; answers inside its `with` block. address: where."""

    def __init__(self, *options, environment=None):
        port = [] if "--port" in options else ["--port", "0"]
        super().__init__(["launch.py", "dashboard", "--skip-install", "--no-browser", *options, *port], environment)

    def __enter__(self):
        self.address = self.wait_for(r"dashboard is at (http://\S+)\.\s")[1]
        return self

    def __exit__(self, *_):
        self.stop()
