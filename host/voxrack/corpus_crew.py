"""Who does the work: workers on this machine, those of a scheduler that runs already, or SLURM jobs.

Each crew's ``connect()`` gives a Dask client, and ``tend()`` is called now and then; workers have one thread each. A
crew for GPUs asks for the worker resource ``GPU``, of which every worker announces one: so each GPU has one item at a
time.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .corpus_worker import THREADS
from .errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

PRELOAD = "voxrack.corpus_worker"
GPU = {"GPU": 1}
_ANSWER = 10.0  # seconds a scheduler gets to answer
_ENOUGH = 1_000_000  # deaths that Dask may count against a task: our own records tell who died at what
_CONFIG = {
    "distributed.scheduler.allowed-failures": _ENOUGH,
    "distributed.scheduler.worker-saturation": 1.0,  # an item waits at the scheduler, not behind a long one
    "distributed.deploy.lost-worker-timeout": "5s",  # a SLURM job whose worker is gone is replaced
    "distributed.scheduler.work-stealing-interval": "200ms",  # by a worker that has nothing to do
    "distributed.scheduler.worker-ttl": None,  # native code may keep a worker from answering for minutes
}


class Crew(Protocol):
    """Where workers come from.

    Attributes
    ----------
    most : int
        Items in hand at once, at most; 0 is one per worker that there is.
    resources : mapping
        What an item asks of a worker.
    own : bool
        The workers are ours: where none is left, none will come.
    """

    @property
    def most(self) -> int: ...
    @property
    def resources(self) -> Mapping[str, float]: ...
    @property
    def own(self) -> bool: ...
    def connect(self, folder: Path) -> Any: ...
    def tend(self, client: Any) -> None: ...


@dataclass(frozen=True)
class Local:
    """Workers on this machine.

    Parameters
    ----------
    workers : int
        0 is one per core that this process may use; with ``gpu``, one per GPU.
    gpu : bool
        Give every worker a GPU of its own.
    """

    workers: int = 0
    gpu: bool = False
    most = 0
    own = True

    @property
    def resources(self) -> Mapping[str, float]:
        return GPU if self.gpu else {}

    @contextmanager
    def connect(self, folder: Path) -> Iterator[Client]:
        need_dask()
        from dask.config import set as settings
        from distributed import Client, Nanny, Scheduler, SpecCluster

        cards = _cards() if self.gpu else []
        count = min(self.workers or len(cards), len(cards)) if self.gpu else self.workers or _cores()
        here = {"host": "127.0.0.1", "dashboard": False, "dashboard_address": "127.0.0.1:0"}
        options = {**here, "nthreads": 1, "memory_limit": 0, "preload": [PRELOAD], "silence_logs": _quiet()}
        spec = {}
        for index in range(count):
            env = dict.fromkeys(THREADS, "1") | ({"CUDA_VISIBLE_DEVICES": cards[index]} if self.gpu else {})
            spec[index] = {"cls": Nanny, "options": {**options, "env": env, "resources": dict(self.resources)}}
        scheduler = {"cls": Scheduler, "options": {**here, "port": 0}}
        with (
            settings(_CONFIG),
            SpecCluster(workers=spec, scheduler=scheduler, silence_logs=_quiet()) as cluster,
            Client(cluster) as client,
        ):
            yield client

    def tend(self, client: Any) -> None:
        """Nothing: a worker that dies is started again by its nanny."""


@dataclass(frozen=True)
class Remote:
    """The workers of a scheduler that runs already.

    Parameters
    ----------
    address : str
        ``"tcp://host:8786"``. Its workers need this voxrack, and the job's folder and the recordings under the same
        paths; for GPUs they announce them: ``dask worker tcp://host:8786 --nthreads 1 --resources GPU=1``.
    most : int
        Items in hand at once, at most; 0 is one per worker.
    gpu : bool
    """

    address: str
    most: int = 0
    gpu: bool = False
    own = False

    @property
    def resources(self) -> Mapping[str, float]:
        return GPU if self.gpu else {}

    @contextmanager
    def connect(self, folder: Path) -> Iterator[Client]:
        need_dask()
        from distributed import Client

        try:
            client = Client(self.address, timeout=_ANSWER)
        except (OSError, ValueError) as error:
            raise UsageError(
                f"no scheduler answers at {self.address} ({' '.join(str(error).split())[:200]}); start one with "
                "'dask scheduler', or leave out --scheduler to work on this machine"
            ) from None
        with client:
            yield client

    def tend(self, client: Any) -> None:
        """Nothing: whoever started the workers looks after them."""


@dataclass(frozen=True)
class Slurm:
    """SLURM jobs of one worker each, kept at their number until the work is done; submitted by dask-jobqueue.

    Parameters
    ----------
    workers : int
    settings : mapping of str to str
        ``queue`` (or ``partition``), ``account``, ``walltime``, ``memory``, ``cores``, ``interface``; any other key
        becomes a line ``#SBATCH --KEY=VALUE``. What is missing is taken from ``~/.config/dask/jobqueue.yaml``.
    gpu : bool
        Ask for one GPU a job (``--gres=gpu:1``, unless ``gres`` or ``gpus`` is among the settings).
    """

    workers: int = 1
    settings: tuple[tuple[str, str], ...] = ()
    gpu: bool = False
    most = 0
    own = False

    @property
    def resources(self) -> Mapping[str, float]:
        return GPU if self.gpu else {}

    def arguments(self, folder: Path) -> dict[str, Any]:
        """What dask-jobqueue's ``SLURMCluster`` is called with."""
        import dask_jobqueue  # noqa: F401  (its settings)
        from dask.config import get

        given = dict(self.settings)
        for alias, name in (("partition", "queue"), ("time", "walltime"), ("mem", "memory")):
            if alias in given:
                given[name] = given.pop(alias)
        named = {key: given.pop(key) for key in ("queue", "account", "walltime", "interface") if key in given}
        if self.gpu and not {"gres", "gpus"} & given.keys():
            given["gres"] = "gpu:1"
        memory = given.pop("memory", None) or get("jobqueue.slurm.memory", None) or "8GB"
        cores = given.pop("cores", "1")
        if not cores.isdigit() or int(cores) < 1:
            raise UsageError(f"--slurm cores={cores}; it takes a whole number, 1 or more")
        extra = ["--preload", PRELOAD, *(["--resources", "GPU=1"] if self.gpu else [])]
        return {
            **named, "memory": memory, "cores": 1, "processes": 1, "job_cpu": int(cores), "worker_extra_args": extra,
            "job_extra_directives": [f"--{key}={value}" if value else f"--{key}" for key, value in given.items()],
            "job_script_prologue": [f"export {name}=1" for name in THREADS],
            "log_directory": str(folder / "slurm"), "local_directory": "/tmp", "python": sys.executable,
            "scheduler_options": {"dashboard": False, "dashboard_address": ":0"}, "silence_logs": _quiet(),
        }  # fmt: skip

    @contextmanager
    def connect(self, folder: Path) -> Iterator[Client]:
        need_dask("dask_jobqueue")
        if shutil.which("sbatch") is None:
            raise UsageError("--slurm needs SLURM's command 'sbatch', which is not on the path; run it on a login node")
        from dask.config import set as settings
        from dask_jobqueue.slurm import SLURMCluster
        from distributed import Client

        with settings(_CONFIG), SLURMCluster(**self.arguments(folder)) as cluster, Client(cluster) as client:
            self.tend(client)
            yield client

    def tend(self, client: Any) -> None:
        """Submit a job in the place of each that was lost."""
        client.cluster.scale(jobs=self.workers)


def need_dask(module: str = "distributed") -> None:
    """Refuse where the extra is not installed, with the command that mends it."""
    from .availability import importable

    if not importable(module):
        raise UsageError(f"corpus jobs need the Python package '{module}', which is not installed: "
                         "pip install 'voxrack[corpus]'")  # fmt: skip


def _quiet() -> Any:  # a level; Dask declares a bool
    return logging.WARNING if os.environ.get("VOXRACK_DEBUG", "0") not in ("", "0") else logging.CRITICAL


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cards() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    count = torch.cuda.device_count()
    if not count:
        raise UsageError("there is no GPU: torch sees no CUDA device; leave out --device cuda")
    named = [card.strip() for card in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if card.strip()]
    return named[:count] or [str(index) for index in range(count)]
