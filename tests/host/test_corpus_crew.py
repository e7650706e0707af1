"""Where workers come from: a scheduler that runs already, GPUs, SLURM (a stand-in for its commands)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import corpus_items
import psutil
import pytest

from voxrack import corpus, corpus_crew, corpus_dispatch
from voxrack.corpus import Item, JobFolder, Local, Remote, Slurm, State, run
from voxrack.errors import UsageError, VoxrackError

pytest.importorskip("distributed", reason="distributed is not installed: pip install 'voxrack[corpus]'")

SBATCH = """#!/bin/sh
for word; do script=$word; done
cp "$script" "{folder}/script"
sh "{folder}/script" >"{folder}/log" 2>&1 &
echo $! >>"{folder}/jobs"
echo "Submitted batch job $!"
"""
SCANCEL = """#!{python}
import psutil, sys
with open("{folder}/cancelled", "a") as file:
    print(sys.argv[-1], file=file)
try:
    job = psutil.Process(int(sys.argv[-1]))
except psutil.NoSuchProcess:
    sys.exit("no such job")
for process in [job, *job.children(recursive=True)]:
    process.kill()
"""


class Cluster:
    """A scheduler and its workers, as processes of their own."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []
        scheduler = self._start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        assert scheduler.stderr is not None
        for line in scheduler.stderr:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", line):
                self.address = found[1]
                break
        threading.Thread(target=scheduler.stderr.read, daemon=True).start()  # so that its pipe never fills
        self.scheduler = scheduler

    def worker(self, *words: str) -> subprocess.Popen[str]:
        options = ("--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--preload", corpus_crew.PRELOAD)
        return self._start("dask_worker", self.address, *options, *words, quiet=True)

    def _start(self, module: str, *words: str, quiet: bool = False) -> subprocess.Popen[str]:
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
        errors = subprocess.DEVNULL if quiet else subprocess.PIPE
        command = [sys.executable, "-m", f"distributed.cli.{module}", *words]
        process = subprocess.Popen(command, env=env, text=True, stdout=subprocess.DEVNULL, stderr=errors)
        self.processes.append(process)
        return process

    def stop(self) -> None:
        for process in self.processes:
            for each in [*_children(process.pid), process]:
                each.kill()
            process.wait()


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    yield made
    made.stop()


def test_a_running_scheduler_loses_a_worker_mid_run_and_no_item(tmp_path: Path, cluster: Cluster) -> None:
    ledger, todo, killed = tmp_path / "ledger", corpus_items.items(40, native="crashes"), []
    workers = [cluster.worker(), cluster.worker()]

    def watch(state: State) -> None:
        if state.done == 12 and not killed:
            for process in [psutil.Process(workers[0].pid), *_children(workers[0].pid)]:  # the nanny first
                process.kill()
            killed.append(time.monotonic())

    job = corpus_items.job(ledger, 0.1)
    report = run(tmp_path / "job", job, todo, Remote(cluster.address), tries=2, watch=watch)
    assert killed and (report.items, report.done, report.failed, report.left) == (41, 40, 1, 0)
    assert "Segmentation fault" in report.failures[0]["error"]
    records = {record["name"]: record for record in JobFolder(tmp_path / "job").records()}
    assert set(records) == {item.name for item in todo}
    assert corpus_items.counts(ledger, "end") == {item.name: 1 for item in todo if item.name != "native"}
    assert 2 <= report.deaths <= 3  # the crashes, and the item that the killed worker had in hand, if it had one
    cluster.scheduler.send_signal(0)  # it is not ours and runs on
    assert cluster.scheduler.poll() is None


def test_a_scheduler_that_goes_away_ends_the_job_and_loses_nothing(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_dispatch, "_GONE", 3.0)
    ledger, todo = tmp_path / "ledger", corpus_items.items(40)
    cluster.worker()

    def watch(state: State) -> None:
        if state.done == 5:
            cluster.scheduler.kill()

    with pytest.raises(VoxrackError, match="the scheduler or its workers are gone"):
        run(tmp_path / "job", corpus_items.job(ledger, 0.1), todo, Remote(cluster.address), watch=watch)
    cluster.stop()
    report = run(tmp_path / "job", corpus_items.job(ledger, 0.1), todo, Local(2))
    assert report.skipped >= 5 and report.skipped + report.done == 40
    assert corpus_items.counts(ledger, "end").keys() == {item.name for item in todo}


def test_nobody_at_the_address_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_crew, "_ANSWER", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(UsageError, match=f"no scheduler answers at {address} .* start one with 'dask scheduler'"):
            run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), corpus_items.items(1), Remote(address))


def test_workers_of_another_voxrack_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "version", lambda name: "99.1")
    with pytest.raises(UsageError, match=r"has voxrack .*, the job comes from 99.1: install the same on both"):
        run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), corpus_items.items(1), Local(1))


def test_a_job_for_gpus_goes_to_workers_that_announce_one(tmp_path: Path, cluster: Cluster) -> None:
    with_gpu = cluster.worker("--resources", "GPU=1", "--name", "card")
    cluster.worker("--name", "plain")
    report = run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), corpus_items.items(12),
                 Remote(cluster.address, gpu=True))  # fmt: skip
    assert report.done == 12
    pids = {int(line[2]) for line in corpus_items.lines(tmp_path / "ledger")}
    assert pids <= {process.pid for process in _children(with_gpu.pid)} and len(pids) == 1


def test_every_gpu_of_this_machine_gets_one_item_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_crew, "_cards", lambda: ["2", "GPU-5f"])
    ledger = tmp_path / "ledger"
    report = run(tmp_path / "job", corpus_items.job(ledger, 0.1), corpus_items.items(12), Local(gpu=True))
    assert report.done == 12 and report.workers == 2
    by_card: dict[str, list[str]] = {}
    for line in sorted(corpus_items.lines(ledger), key=lambda line: float(line[3])):
        by_card.setdefault(line[4], []).append(line[0])
    assert set(by_card) == {"2", "GPU-5f"}
    for words in by_card.values():
        assert words == ["begin", "end"] * (len(words) // 2)


def test_without_a_gpu_the_job_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    import torch

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(UsageError, match="there is no GPU: torch sees no CUDA device"):
        run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), corpus_items.items(1), Local(gpu=True))


# ---- SLURM ------------------------------------------------------------------------------------
def test_slurm_settings_become_those_of_the_job(tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed: pip install 'voxrack[corpus]'")
    given = (("partition", "long"), ("time", "08:00:00"), ("mem", "6GB"), ("cores", "2"), ("qos", "low"), ("x11", ""))
    asked = Slurm(3, given, gpu=True).arguments(tmp_path)
    assert (asked["queue"], asked["walltime"], asked["memory"]) == ("long", "08:00:00", "6GB")
    assert (asked["cores"], asked["processes"], asked["job_cpu"]) == (1, 1, 2)  # one worker of one thread a job
    assert asked["job_extra_directives"] == ["--qos=low", "--x11", "--gres=gpu:1"]
    assert asked["worker_extra_args"][-2:] == ["--resources", "GPU=1"]
    assert "--gres=gpu:1" not in Slurm(1, (("gpus", "2"),), True).arguments(tmp_path)["job_extra_directives"]
    with pytest.raises(UsageError, match="cores=many; it takes a whole number"):
        Slurm(1, (("cores", "many"),)).arguments(tmp_path)


def test_without_slurm_the_missing_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="needs SLURM's command 'sbatch', which is not on the path"):
        run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), corpus_items.items(1), Slurm())


def test_jobs_are_submitted_replaced_when_lost_and_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed: pip install 'voxrack[corpus]'")
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text.replace("{folder}", str(tmp_path)).replace("{python}", sys.executable))
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    killed: list[int] = []

    def watch(state: State) -> None:
        if state.done == 5 and not killed:  # the whole job, as at the end of its time
            killed.append(int((tmp_path / "jobs").read_text().split()[0]))
            for process in [psutil.Process(killed[0]), *_children(killed[0])]:
                process.kill()

    todo = corpus_items.items(20)
    report = run(tmp_path / "job", corpus_items.job(tmp_path / "ledger"), todo,
                 Slurm(1, (("partition", "long"), ("mem", "2GB"))), watch=watch)  # fmt: skip
    assert killed and (report.done, report.failed, report.left) == (20, 0, 0)
    jobs = [int(job) for job in (tmp_path / "jobs").read_text().split()]
    assert len(jobs) >= 2  # one in the place of the one that was lost
    script = (tmp_path / "script").read_text()
    assert "#SBATCH -p long" in script and "--nthreads 1" in script and "--preload voxrack.corpus_worker" in script
    assert {int(job) for job in (tmp_path / "cancelled").read_text().split()} >= {jobs[-1]}
    assert [Item(item.name, item.inputs) for item in todo] == [
        Item(record["name"], record["inputs"]) for record in JobFolder(tmp_path / "job").records()
    ]
