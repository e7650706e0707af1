"""``voxrack convert``: recordings with another feeling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from voxrack.commands import common
from voxrack.errors import InputError, UsageError
from voxrack.files import FORMATS

from .segments import LONGEST

if TYPE_CHECKING:
    from voxrack.device import DeviceSpec

    from .converting import Job

DEFAULT = "evc.prosody"
"""The device that is taken where none is named: the one that was measured to be the better."""
ROWS = 100  # a longer table is not read


def _names(context: click.Context, option: click.Parameter, text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


@common.verb("convert", short_help="Give recordings of a voice another feeling.")
@click.argument("sources", metavar="SRC...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--out", required=True, type=click.Path(), help="A file for one recording, else a folder.")
@click.option("--emotion", "emotions", callback=_names, metavar="NAMES", help="Such as happy, or happy,sad,angry.")
@click.option("--reference", type=click.Path(), metavar="FILE", help="Instead: a recording with the feeling to take.")
@click.option("--device", default=DEFAULT, show_default=True,
              help="evc.prosody (statistics) or evc.diffevc (diffusion). The default is what was measured to be "
              "recognised more often at no lower quality.")  # fmt: skip
@click.option("--source", metavar="NAME", help="What is heard now: an emotion, or auto. Default: neutral. evc.prosody")
@click.option("--strength", type=float, help="Share of the way, 0 to 2. evc.prosody")
@click.option("--contrast", type=float, help="How far its timbre keeps from other emotions', 0 to 4. evc.prosody")
@click.option("--guidance", type=float, help="How far away from the source's feeling, 1 or more. evc.diffevc")
@click.option("--negative", help="What guidance leads away from: none, speaker, emotion, both. evc.diffevc")
@click.option("--steps", type=int, help="Of the sampler. evc.diffevc")
@click.option("--seed", type=int, help="Of its noise: equal seeds give equal files. evc.diffevc")
@click.option("--prosody/--no-prosody", default=None, help="Melody and tempo too, or the timbre alone. evc.diffevc")
@click.option("--pitch-range", type=float, help="Times as wide a melody as the emotion asks for; 0: one tone.")
@click.option("--energy", help="dB louder than it asks for.")
@click.option("--tempo", type=float, help="Times as fast as it asks for.")
@click.option("--set", "settings", metavar="PARAMETER=VALUE", multiple=True,
              help="Any other parameter of the device, such as weights; may be given again.")  # fmt: skip
@click.option("--segment", type=click.FloatRange(2.0, 600.0), default=LONGEST, show_default=True, metavar="SECONDS",
              help="Longer recordings are cut in pauses into pieces of at most this length.")  # fmt: skip
@click.option("--gate/--no-gate", default=True, help="Leave pieces without speech as they are.")
@common.jobs_option
@click.option("--format", "kind", type=click.Choice([suffix[1:] for suffix in FORMATS]), help="Of files in a folder.")
@click.option("--subtype", help="Sample format, such as PCM_16.")
def convert_command(
    sources: Sequence[str], out: str, emotions: tuple[str, ...], reference: str | None, device: str,
    source: str | None, prosody: bool | None, settings: Sequence[str], segment: float, gate: bool, jobs: int,
    kind: str | None, subtype: str | None, as_json: bool, **asked: Any,
) -> int:  # fmt: skip
    """The same words by the same voice with another feeling. SRC are recordings of one voice each, or folders.

    With several emotions each output bears its emotion's name: OUT/talk-happy.wav, OUT/talk-sad.wav. A recording is
    taken for one voice: of two that speak at once both are moved alike. Silence, music and noise are left as they
    are and told. A file that fails is reported, and the others are converted (exit code 1); with a single one the
    code is that of its error.

    \b
    Examples:
      voxrack convert talk.wav -o angry.wav --emotion angry
      voxrack convert talk.wav -o out/ --emotion happy,sad --strength 1.3
      voxrack convert talks/ -o out/ --emotion sad --tempo 0.9 --jobs 2 --json
      voxrack convert talk.wav -o like.wav --reference shout.wav
      voxrack convert talk.wav -o angry.wav --emotion angry --device evc.diffevc --guidance 1.5 --seed 1
    """
    from voxrack.host import default_host

    values: dict[str, Any] = dict(common.split_settings(settings))
    values |= {id: value for id, value in {**asked, "prosody": prosody}.items() if value is not None}
    spec = default_host().spec(device, values)
    if spec.role and spec.kind != "processor":
        raise UsageError(f"--device {device} is a {spec.kind}; a converter is a processor such as {DEFAULT}")
    values, remarks = _values(spec, values, source)
    todo = _jobs(spec, sources, out, kind, _wanted(spec, emotions, reference, remarks), values, {
        "longest": segment, "gate": gate, "listen": source == "auto", "subtype": subtype,
    })  # fmt: skip
    for job in todo[: 1 if reference else len(emotions)]:  # before anything is written: what is wrong for every file
        default_host().create(job.device, job.values)
    for remark in remarks:
        common.say(f"voxrack: {remark}")
    return _run(todo, common.workers(jobs), as_json)


def _values(spec: DeviceSpec, values: Mapping[str, Any], source: str | None) -> tuple[dict[str, Any], list[str]]:
    """Plain values of the device, and what is to be said."""
    from voxrack.params import read_value, suggest

    table = {param.id: param for param in spec.params}
    given, remarks = dict(values), []
    if source is not None:
        if "source" not in table:
            raise UsageError(f"--source: {spec.id} hears for itself what is in a recording; leave it out")
        if source != "auto":
            given["source"] = source
    if "seed" in given and "seed" not in table:
        remarks.append(f"{spec.id} draws nothing at random: --seed changes nothing")
        given.pop("seed")
    for id in given:
        if id not in table:
            raise UsageError(f"{spec.id} has no parameter '{id}'{suggest(id, table)}")
    return {id: read_value(table[id], value) for id, value in given.items()}, remarks


def _wanted(
    spec: DeviceSpec, emotions: tuple[str, ...], reference: str | None, remarks: list[str]
) -> dict[str, dict[str, Any]]:
    """Values of each output by the name that it bears."""
    from voxrack.files import info

    from .converting import referred_emotion

    known = spec.param("emotion").choices if any(p.id == "emotion" for p in spec.params) else ()
    if not known:
        raise UsageError(f"--device {spec.id} takes no emotion; converters are {DEFAULT} and evc.diffevc")
    if bool(emotions) == bool(reference):
        raise UsageError(f"name what is to be heard: --emotion NAMES (of {', '.join(known)}), or --reference FILE")
    for emotion in emotions:
        if emotion not in known:
            raise UsageError(f"--emotion: {spec.id} knows no '{emotion}'; it knows {', '.join(known)}")
    if reference is None:
        return {emotion: {"emotion": emotion} for emotion in emotions}
    info(reference)
    if any(param.id == "reference" for param in spec.params):
        return {"": {"reference": reference}}
    emotion, said = referred_emotion(Path(reference), known)
    remarks.append(f"{said}; {spec.id} takes its statistics")
    return {"": {"emotion": emotion}}


def _jobs(
    spec: DeviceSpec, sources: Sequence[str], out: str, kind: str | None, wanted: Mapping[str, Mapping[str, Any]],
    values: Mapping[str, Any], how: Mapping[str, Any],
) -> list[Job]:  # fmt: skip
    """Every emotion of every recording, recording by recording."""
    from voxrack.commands.targets import AUDIO, pair

    from .converting import Job

    if len(wanted) > 1 and Path(out).suffix.lower() in AUDIO and not Path(out).is_dir():
        raise UsageError(f"-o {out} is one file, and there are {len(wanted)} emotions; name a folder")
    several = len(wanted) > 1
    return [
        Job(
            spec.id, {**values, **own}, source,
            target.with_name(f"{target.stem}-{name}{target.suffix}") if several else target, **how,
        )
        for source, target in pair(sources, out, kind)
        for name, own in wanted.items()
    ]  # fmt: skip


def _run(todo: Sequence[Job], workers: int, as_json: bool) -> int:
    from voxrack.commands import pool
    from voxrack.commands.rendering import naming

    from .converting import convert

    if len(todo) == 1:
        try:
            with common.Bar(todo[0].source.name) as bar:
                report = convert(todo[0], bar.to)
        except InputError as error:
            raise InputError(naming(todo[0].source, str(error))) from None
        common.emit(report) if as_json else _print([report])
        return 0
    reports: dict[int, dict[str, Any]] = {}
    failed = 0
    with common.Bar("converting", len(todo)) as bar:
        for done, outcome in enumerate(pool.run(convert, todo, workers), 1):
            job = todo[outcome.index]
            if outcome.error:
                failed += 1
                common.say(f"voxrack: {naming(job.source, outcome.error)}")
            else:
                reports[outcome.index] = outcome.value
            if as_json:
                lost = {"source": str(job.source), "target": None, "error": outcome.error}
                common.emit(lost if outcome.error else outcome.value)
            bar.to(done, f"{done} of {len(todo)}")
    if not as_json and reports:
        _print([reports[index] for index in sorted(reports)])
    if failed:
        common.say(f"voxrack: {failed} of {len(todo)} conversions failed")
    return 1 if failed else 0


def _print(reports: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            report["target"], _heard(report["values"]), f"{report['seconds_in']:.2f} s",
            f"{report['seconds_out']:.2f} s", common.decibel(report["peak"]), f"{report['times_real_time']:.1f}×",
        )
        for report in reports[:ROWS]
    ]  # fmt: skip
    columns = ("output", "emotion", "length in", "length out", "peak", "real time")
    common.table(columns, rows, right=columns[2:])
    if len(reports) > ROWS:
        common.write(f"… and {len(reports) - ROWS} more")
    made = reports[0]
    digests = ", ".join(f"{name} {digest[:12]}" for name, digest in made["weights"].items())
    common.write(f"by {made['device']} version {made['version']}{f' ({digests})' if digests else ''}")
    for note in dict.fromkeys(note for report in reports for note in report["notes"]):
        common.say(f"voxrack: {note}")
    if clipped := [report for report in reports if report["clipped"]]:
        common.say(f"voxrack: {len(clipped)} of {len(reports)} outputs are clipped: write .wav, or take --energy -6")


def _heard(values: Mapping[str, Any]) -> str:
    return f"like {Path(values['reference']).name}" if values.get("reference") else str(values["emotion"])
