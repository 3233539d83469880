"""A batch on Ray: the jobs of a plan spread over the processes of a cluster; a killed one's picture is done again.

Every process sharpens one picture at a time on one core, as engine.batch.Batch does it. Only paths and outcomes travel:
the pictures are read and written where the work is done, so all machines must see the same folders and this checkout
under the same paths.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from pathlib import Path

from engine.batch import Batch, Job, Outcome, Settings, batch_of
from engine.errors import BadImage, BadOutput, ClusterLost, WhetstoneError

ROOT = Path(__file__).resolve().parent.parent
ATTEMPTS = 4  # a picture is begun at most so often, as it may be the one that kills its process (memory)
QUEUED = 2  # pictures a core that are handed out, one of them under way: what Ctrl-C waits for, what Ray has to hold
_STORE_BYTES = 80 * 2**20  # of shared memory, about Ray's least: no pixels pass through it


@dataclass(frozen=True)
class Work:
    """What a process must know to do a job. model: a shipped name, or the whole path of a card."""

    model: str
    backend: str = "auto"
    precision: str = "auto"
    settings: Settings = field(default_factory=Settings)
    told: dict[str, float] = field(default_factory=dict)

    def batch(self, jobs: tuple[Job, ...]) -> Batch:
        """The jobs through this process's sharpener, which is opened once. Raises as Sharpener and batch_of."""
        return batch_of(jobs, _sharpener(self.model, self.backend, self.precision), self.settings, self.told)


@cache
def _sharpener(model, backend, precision):
    import cv2

    from engine.sharpener import Sharpener

    cv2.setNumThreads(1)
    return Sharpener(model, device="cpu", backend=backend, precision=precision, threads=1)


@contextlib.contextmanager
def cluster(address: str | None = None, workers: int | None = None):
    """Ray: joined at an address ("auto", "HOST:PORT"), or started here for this process alone and ended with it.

    The cluster at an address must have this machine as a member. One started here has `workers` processes, listens on
    127.0.0.1 alone and answers nobody without its secret.
    Raises ClusterLost: Ray is not installed, there is none at the address, or it is of another version.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # else it reports to its makers
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # else it warns of its next version
    os.environ.setdefault("RAY_task_oom_retries", str(ATTEMPTS - 1))  # else without end
    with contextlib.ExitStack() as stack:
        if address is None:
            # Ray's switch for systems where it should stay on the loopback interface; node_ip_address does not do it
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
            os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)
            # the system's own temporary folder may have a name too long for the sockets that Ray puts there
            short = "/tmp" if os.name == "posix" else None
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="whetstone-ray-", dir=short))
            options = {"address": "local", "num_cpus": workers, "include_dashboard": False, "_temp_dir": folder}
            options |= {"_node_ip_address": "127.0.0.1", "object_store_memory": _STORE_BYTES}
        else:
            _knock(address)
            options = {"address": address}
        ray = _ray()
        with _in_folder(ROOT):  # Ray lets processes import from the current folder, where strange files may lie
            try:
                ray.init(log_to_driver=False, logging_level="ERROR", **options)
            except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
                told = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise ClusterLost(_no_cluster(address, told)) from error
        stack.callback(ray.shutdown)
        yield


def _ray():
    try:
        import ray
    except ImportError as error:
        raise ClusterLost(
            "Ray is not installed; `pip install -r requirements-batch.txt` (not for Macs with an Intel processor), "
            "or take `sharpen`, which does the same on one machine"
        ) from error
    return ray


def _knock(address):
    """Whether something listens there: Ray itself would ask for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterLost(_no_cluster(address, str(error))) from error


def _no_cluster(address, told):
    if address is None:
        return f"Ray could not be started here ({told}); `sharpen` does the same without it"
    return (
        f"no Ray cluster at {address} ({told.rstrip('.')}); this machine joins one by `ray start --address=HOST:PORT`"
    )


@contextlib.contextmanager
def _in_folder(folder):
    before = os.open(".", os.O_RDONLY) if os.name == "posix" else os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
        if isinstance(before, int):
            os.close(before)


@dataclass
class RayBatch:
    """The jobs of a plan on the cluster that this process has joined; as engine.batch.Batch, but in no order."""

    jobs: tuple[Job, ...]
    work: Work
    written: list[Path] = field(default_factory=list)

    def run(self) -> Iterator[Outcome]:
        """One outcome a job, as they come. A picture that cannot be read, or that kills its process every time, does
        not stop the others; BadOutput and a cluster that is lost do. Who stops earlier gets what is under way finished.
        """
        import ray

        sharpen = ray.remote(num_cpus=1, max_retries=ATTEMPTS - 1)(_sharpen)
        waiting, flying = iter(self.jobs), {}
        try:
            while True:
                room = max(1, QUEUED * _cores()) - len(flying)
                for job in islice(waiting, max(0, room)):
                    flying[sharpen.remote(self.work, _absolute(job))] = job
                if not flying:
                    return
                ready, _ = ray.wait(list(flying), num_returns=1)
                for reference in ready:
                    yield self._outcome(flying.pop(reference), reference)
        finally:
            for reference, job in flying.items():
                with contextlib.suppress(WhetstoneError):  # why it stops is known already
                    self._outcome(job, reference)

    def _outcome(self, job, reference):
        import ray

        try:
            found = ray.get(reference)
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError, ray.exceptions.NodeDiedError):
            reason = f"{job.source}: each of {ATTEMPTS} processes that sharpened it was killed, perhaps for its memory"
            return Outcome(job, error=BadImage(f"{reason}; `sharpen` it alone, or with fewer --workers"))
        except ray.exceptions.RayTaskError:
            raise  # our fault, with its traceback
        except ray.exceptions.RayError as error:
            raise ClusterLost(f"the Ray cluster went away ({str(error).splitlines()[0]}); start again") from error
        if isinstance(found, WhetstoneError):
            raise found
        if not found.error:
            self.written.append(job.target)
        return replace(found, job=job)


def _cores():
    """The cores of the cluster now: machines come and go."""
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


def _absolute(job):
    return replace(job, source=Path(os.path.abspath(job.source)), target=Path(os.path.abspath(job.target)))


def _sharpen(work: Work, job: Job) -> Outcome | WhetstoneError:
    """One job, in a process of the cluster. An error that ends the batch is returned: raised, Ray would wrap it."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    try:
        (outcome,) = work.batch((job,)).run()
    except BadOutput as error:
        if os.path.lexists(job.target) and not work.settings.overwrite:
            return Outcome(job)  # it was no result before: the process that made it was killed before it said so
        return error
    except WhetstoneError as error:
        return error
    return outcome
