"""A PostgreSQL server for tests, from Debian's package, in a temporary folder, as a user who is not root."""

import contextlib
import getpass
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path


def obstacle():
    """Why there can be no server here, None when there can be one."""
    if _programs() is None:
        return "needs PostgreSQL (Debian: `apt install postgresql`)"
    if os.geteuid() == 0 and _user() is None:
        return "needs the user postgres, because PostgreSQL does not run as root"
    return None


@contextlib.contextmanager
def postgres():
    """The address of an empty database; the server ends and its folder goes with the block."""
    programs, user = _programs(), _user()
    with tempfile.TemporaryDirectory(prefix="whetstone-postgres-") as folder:
        data = Path(folder) / "data"
        if user:
            os.chown(folder, user.pw_uid, user.pw_gid)
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
        own = {**who, "cwd": folder, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": folder}}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        name = user.pw_name if user else getpass.getuser()
        make = [programs / "initdb", "-D", data, "-A", "trust", "-U", name, "-E", "UTF8", "--no-sync"]
        subprocess.run(make, check=True, capture_output=True, **own)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
        control = [programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
        subprocess.run(
            [*control, "-l", f"{folder}/log", "-o", options, "start"], check=True, capture_output=True, **own
        )
        try:
            yield f"postgresql://{name}@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, **own)


def _programs():
    """The folder of initdb and pg_ctl, of the newest version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if found:
        return found[-1].parent
    path = shutil.which("initdb")
    return Path(path).resolve().parent if path else None


def _user():
    """Whom root runs the server as; None for others, or where there is no such user."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres")
    return None
