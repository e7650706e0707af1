"""One file through a rack or an analyzer: what a worker process does."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..device import DeviceSpec
    from ..rack import Rack
    from .fronts import Front

TRACK = ("name", "unit", "labels", "times_s", "values")
Progress = Callable[[float], None]


@dataclass(frozen=True)
class RenderJob:
    """One file to render; all of it can be sent to another process.

    Parameters
    ----------
    preset : str
        The preset's text.
    path : str
        The preset's file, beside which its assets lie; empty for a factory preset.
    settings : tuple of (address, text)
    source, target : Path
    block : int
        Frames per block.
    tail : bool
        Go on after the end of the input until the sound has died away.
    subtype : str or None
        Sample format of the target (``"PCM_16"``).
    """

    preset: str
    path: str
    settings: tuple[tuple[str, str], ...]
    source: Path
    target: Path
    block: int = 4096
    tail: bool = True
    subtype: str | None = None


@dataclass(frozen=True)
class AnalyzeJob:
    """One file to read with an analyzer.

    Parameters
    ----------
    device : str
    values : tuple of (parameter, text)
    source : Path
    fronts : tuple of Front
        What the signal passes before it is heard.
    front_values : tuple of (address, text)
    """

    device: str
    values: tuple[tuple[str, str], ...]
    source: Path
    fronts: tuple[Front, ...] = ()
    front_values: tuple[tuple[str, str], ...] = ()

    def said(self) -> str:
        """The analyzer, with what stands in front of it: ``"enhance.light → ser.best"``."""
        return " → ".join([*(front.name for front in self.fronts), self.device])


def check_analysis(device: str, words: Iterable[str], fronts: Iterable[str]) -> AnalyzeJob:
    """The job that a command line stands for, without its file; what is wrong with it is wrong for every file.

    Parameters
    ----------
    device : str
    words : iterable of str
        Of ``--set``.
    fronts : iterable of str
        Of ``--front``.
    """
    from ..errors import UsageError
    from ..host import default_host
    from .common import split_settings
    from .fronts import find_fronts, split

    host = default_host()
    values, front_values = split(split_settings(words))
    spec = host.spec(device, dict(values))
    if spec.kind != "analyzer":
        known = ", ".join(entry.spec.id for entry in host.devices("analyzer")) or "none is installed"
        raise UsageError(f"'{device}' is a {spec.kind}; analyze takes an analyzer: {known}")
    host.create(device, typed(spec, values))
    return AnalyzeJob(device, values, Path(), find_fronts(tuple(fronts), front_values), front_values)


@contextmanager
def heard() -> Iterator[list[str]]:
    """Collect the warnings about files inside as texts; what a device prints goes to standard error."""
    from ..files import AudioWarning

    texts: list[str] = []
    with redirect_stdout(sys.stderr), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", AudioWarning)
        yield texts
        texts += dict.fromkeys(str(item.message) for item in caught if issubclass(item.category, AudioWarning))


@lru_cache(maxsize=1)
def _rack(preset: str, path: str, settings: tuple[tuple[str, str], ...]) -> Rack:
    """Built once per process: preparing it again for the next file clears its memory."""
    from .racks import parse_preset, ready_rack

    return ready_rack(parse_preset(preset, path), settings)


def render(job: RenderJob, progress: Progress | None = None) -> dict[str, Any]:
    """Render one file; the report as a dict, as ``render --json`` prints it."""
    from ..rendering import render_file
    from ..replace import make_folder

    rack = _rack(job.preset, job.path, job.settings)
    make_folder(job.target.parent)
    with heard() as remarks:
        report = render_file(
            rack, job.source, job.target, block=job.block, tail=job.tail, subtype=job.subtype, progress=progress
        )
    return report_dict(report, remarks)


def report_dict(report: Any, remarks: list[str]) -> dict[str, Any]:
    """A render report in plain JSON, with what it means in seconds and milliseconds."""
    rate = report.sample_rate
    return {
        "source": str(report.source),
        "target": str(report.target),
        "sample_rate": rate,
        "channels_in": report.channels_in,
        "channels_out": report.channels_out,
        "frames_in": report.frames_in,
        "frames_out": report.frames_out,
        "latency": report.latency,
        "latency_ms": 1000 * report.latency / rate,
        "tail": report.tail,
        "tail_s": report.tail / rate,
        "seconds": report.seconds,
        "times_real_time": report.times_real_time,
        "peak_in": report.peak_in,
        "peak_out": report.peak_out,
        "clipped": report.clipped,
        "notes": [*(note for note in report.notes if not any(note in said for said in remarks)), *remarks],
    }


def typed(spec: DeviceSpec, settings: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """``PARAMETER=VALUE`` texts as plain values of a device."""
    from ..errors import UsageError
    from ..params import suggest

    table = {param.id: param for param in spec.params}
    for id, _ in settings:
        if id not in table:
            raise UsageError(f"{spec.id} has no parameter '{id}'{suggest(id, table)}")
    return {id: table[id].from_text(text) for id, text in settings}


def analyze(job: AnalyzeJob, progress: Progress | None = None) -> dict[str, Any]:
    """Read one file; the object that ``analyze --json`` prints, with arrays not yet turned to lists."""
    from ..files import info
    from ..host import default_host
    from ..instance import AnalyzerDevice
    from ..rendering import analyze as run
    from .fronts import ready_fronts

    host = default_host()
    spec = host.spec(job.device, dict(job.values))
    values = typed(spec, job.values)
    analyzer = host.create(job.device, values)
    assert isinstance(analyzer, AnalyzerDevice)  # the verb has looked
    fronts = ready_fronts(job.fronts, job.front_values)
    with heard() as remarks:
        tracks = run(analyzer, job.source, front=fronts, progress=progress)
    rate = info(job.source).sample_rate
    if spec.rates and rate < min(spec.rates):
        remarks.append(
            f"{job.source}: recorded at {rate} Hz, so nothing above {rate / 2:g} Hz can be heard; {job.device} works "
            f"at {min(spec.rates)} Hz and may judge it wrongly"
        )
    if fronts:
        remarks += [f"in front, {note}" for rack in fronts for note in rack.notes(rate)]
    summary: dict[str, Any] = {}
    for track in tracks:
        summary.update(track.summary)
    return {
        "file": str(job.source),
        "device": job.device,
        **({"front": [front.name for front in job.fronts]} if fronts else {}),
        "summary": summary,
        "tracks": [{name: getattr(track, name) for name in TRACK} for track in tracks],
        **({"notes": remarks} if remarks else {}),
    }
