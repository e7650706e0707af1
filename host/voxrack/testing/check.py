"""``check_device``: a device against the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..device import DeviceSpec
from ..errors import PluginError, UsageError
from ..host import Host, default_host
from ..speccheck import check_spec
from . import analyzers, shared_checks, streaming, whole
from .hosts import host_with
from .report import Check, CheckReport
from .subject import Broken, NotApplicable, Subject

Invariance = Callable[[Subject], str]
STREAMING: dict[str, Invariance] = {
    "block size": streaming.block_size,
    "reset": streaming.reset,
    "latency": streaming.latency,
    "length": streaming.length,
    "extremes": streaming.extremes,
    "silence": streaming.silence,
    "set": streaming.set_values,
    "rates": streaming.rates,
    "one frame": streaming.one_frame,
    "denormals": streaming.denormals,
    "input kept": streaming.input_kept,
    "output kept": streaming.output_kept,
    "preset": shared_checks.preset,
    "module": shared_checks.module,
}
WHOLE: dict[str, Invariance] = {
    "reset": whole.repeat,
    "latency": whole.transparent,
    "length": whole.length,
    "extremes": whole.extremes,
    "silence": whole.silence,
    "set": whole.set_values,
    "rates": whole.rates,
    "one frame": whole.one_frame,
    "denormals": whole.denormals,
    "input kept": whole.input_kept,
    "progress": whole.progress,
    "preset": shared_checks.preset,
    "module": shared_checks.module,
}
ANALYZER: dict[str, Invariance] = {
    "block size": analyzers.block_size,
    "reset": analyzers.reset,
    "tracks": analyzers.tracks,
    "extremes": analyzers.extremes,
    "silence": analyzers.silence,
    "rates": analyzers.rates,
    "one frame": analyzers.one_frame,
    "denormals": analyzers.denormals,
    "input kept": analyzers.input_kept,
}
CHECKS = tuple(dict.fromkeys([*STREAMING, *WHOLE, *ANALYZER]))  # the names a waiver may bear
RATES = (8_000, 16_000, 44_100, 48_000, 96_000, 192_000)


def check_device(
    device: DeviceSpec | str,
    *,
    host: Host | None = None,
    values: Mapping[str, Any] | None = None,
    needs: Mapping[str, Any] | None = None,
    sample_rates: tuple[int, ...] = RATES,
    seconds: float = 0.25,
    seed: int = 0,
) -> CheckReport:
    """Run a device through every invariance of the contract that applies to its kind.

    Parameters
    ----------
    device : DeviceSpec or str
        A specification, whether its plugin is installed or not, or the id of a device of ``host``.
    host : Host, optional
        By default the installed plugins, and ``device`` where it is a specification.
    values : mapping
        Settings under all tests, for what cannot be left at its default (the file of an asset).
    needs : mapping
        Devices or ids for the roles it needs; by default the first available of that role.
    sample_rates : tuple of int
        In Hz, for a device that takes any.
    seconds : float
        Length of the test signal; longer finds more and takes longer.
    seed : int
        Of the signals and of the random settings.

    Returns
    -------
    CheckReport
        A check that the spec waives (``waivers=("silence: it adds noise",)``) is run and reported as
        ``waived`` whatever comes out; where it passes, the report calls the waiver unnecessary.

    Raises
    ------
    PluginError, UsageError
        Where there is no such device, its spec is not in order, or it is not available.
    """
    spec, host = _resolve(device, host)
    subject = Subject(spec, host, dict(values or {}), dict(needs or {}), tuple(sample_rates), seconds, seed)
    invariances = ANALYZER if spec.kind == "analyzer" else STREAMING if spec.streaming else WHOLE
    waivers = {name.strip(): reason.strip() for name, _, reason in (w.partition(":") for w in spec.waivers)}
    checks = [_one(name, check, subject, waivers.get(name)) for name, check in invariances.items()]
    unknown = sorted(waivers.keys() - invariances.keys())
    if unknown:
        detail = f"there is no check '{unknown[0]}' to waive; there are {', '.join(invariances)}"
        checks.append(Check("waivers", "failed", detail))
    return CheckReport(spec.id, tuple(checks))


def _resolve(device: DeviceSpec | str, host: Host | None) -> tuple[DeviceSpec, Host]:
    """The specification and a host that creates devices of it."""
    if isinstance(device, str):
        host = host or default_host()
        return host.spec(device), host
    if not isinstance(device, DeviceSpec):
        raise UsageError(f"check_device takes a voxrack.DeviceSpec or a device id; got {device!r}")
    problem = check_spec(device)
    if problem:
        raise PluginError(f"device '{device.id}': {problem}")
    known = {entry.spec.id: entry for entry in (host or default_host()).devices() if entry.status != "shadowed"}
    if host is None:
        installed = device.id in known
        # a changed spec of an installed device must not be tested against the installed one
        host = (
            default_host()
            if installed and known[device.id].spec is device
            else host_with(device, discover=not installed)
        )
    elif device.id not in known or known[device.id].spec is not device:
        raise UsageError(f"the host given does not offer this '{device.id}'; use voxrack.testing.host_with(spec)")
    return host.spec(device.id), host


def _one(name: str, check: Invariance, subject: Subject, waiver: str | None) -> Check:
    try:
        detail, outcome = check(subject), "passed"
    except NotApplicable as reason:
        detail, outcome = str(reason), "skipped"
    except Broken as broken:
        detail, outcome = str(broken), "failed"
    except Exception as error:  # the device is somebody else's code: whatever it raises is a finding
        detail, outcome = f"{type(error).__name__}: {error}", "failed"
    if waiver is None:
        return Check(name, outcome, detail)
    remark = f"({detail})" if outcome == "failed" else f"(the waiver is unnecessary: {outcome}, {detail})"
    return Check(name, "waived", f"{waiver} {remark}")
