"""``voxrack demo``: the main job in one command, on the bundled voice and on a file of the user's."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import common, complete

if TYPE_CHECKING:
    from ..audio import Audio
    from ..preset import Preset
    from ..rack import Rack

PRESET = "close-vocal-plate"
SEEN = 300.0  # seconds of a file that are measured and drawn; a longer one is rendered whole all the same
SLOW = 2.0  # seconds of preparation that call for a word


@common.verb("demo", short_help="Hear and see a rack on the bundled voice.")
@click.option("--in", "source", metavar="FILE", type=click.Path(), help="A recording of yours, rendered as well.")
@click.option("--preset", default=PRESET, show_default=True, shell_complete=complete.preset_names,
              help="File or factory preset.")  # fmt: skip
@click.option("-o", "--out", type=click.Path(), default="out", show_default=True, help="Folder for what is made.")
def demo(source: str | None, preset: str, out: str, as_json: bool) -> None:
    """Render the bundled voice through a factory preset: audio, picture, preset and a table of figures.

    \b
    Examples:
      voxrack demo
      voxrack demo --in my-voice.wav --preset big-hall
      voxrack demo --json
    """
    from ..clip import clip_path
    from ..errors import UsageError
    from ..files import info
    from ..replace import make_folder
    from .racks import find_preset, ready_rack

    common.need("matplotlib", "the demo's picture", "notebook")
    chosen = find_preset(preset)
    rack = ready_rack(chosen)
    for remark in chosen.check():
        common.say(f"voxrack: {preset}: {remark}")
    sources = [clip_path(), *([Path(source)] if source else [])]
    for path in sources:
        info(path)  # a file that cannot be read is refused before anything is written
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"-o {out} is a file; the demo writes several files, so name a folder")
    make_folder(folder)
    label = _label(chosen, preset)
    kept = chosen.save(folder / f"{label}.json")
    _compile(rack)
    made = [_make(rack, path, folder, label, chosen.name or label, number) for number, path in enumerate(sources, 1)]
    if as_json:
        common.emit({"preset": label, "preset_file": str(kept), "files": made})
        return
    _print(made)
    for entry in made:
        common.write(f"listen   {entry['target']}\nlook     {entry['picture']}")
    common.write(f"preset   {kept}")


def _label(preset: Preset, given: str) -> str:
    """A name for files: the preset file's stem, or the factory preset's name."""
    word = preset.path.stem if preset.path else Path(given).stem
    return re.sub(r"[^\w.-]+", "-", word).strip("-") or "preset"


def _compile(rack: Rack) -> None:
    """Run a moment of silence through, so that the speed in the table is that of rendering alone."""
    import numpy as np

    from ..audio import Audio
    from ..rendering import render

    started = time.monotonic()
    if common.stderr_is_terminal():
        common.say("preparing the effects (the first time they are compiled, which takes a while) …")
    render(rack, Audio(np.zeros((1, 4410), dtype=np.float32), 44_100), tail=False)
    if time.monotonic() - started > SLOW:
        common.say(f"prepared in {time.monotonic() - started:.0f} s; they are kept for the next time")


def _make(rack: Rack, source: Path, folder: Path, label: str, name: str, number: int) -> dict[str, Any]:
    """Render one file and draw it."""
    from ..notebook.plots import before_after
    from ..rendering import render_file
    from ..report import figures
    from .work import heard, report_dict

    stem = source.stem if number == 1 or source.stem != "voice" else f"{source.stem}-{number}"
    target, picture = folder / f"{stem}-{label}.wav", folder / f"{stem}-{label}.png"
    with heard() as remarks:
        with common.Bar(source.name) as bar:
            report = render_file(rack, source, target, progress=bar.to)
        before, after = _beginning(source), _beginning(target)
    cut = f", first {SEEN / 60:.0f} minutes" if report.frames_out > SEEN * report.sample_rate else ""
    before_after(before, after, picture, title=f"{source.name} through “{name}”{cut}")
    was, now = figures(before), figures(after)
    out = report_dict(report, remarks)
    out.update(picture=str(picture), loudness_in=was.loudness, loudness_out=now.loudness)
    for note in out["notes"]:
        common.say(f"voxrack: {source.name}: {note}")
    return out


def _beginning(path: Path) -> Audio:
    from ..files import info, read

    return read(path, frames=int(SEEN * info(path).sample_rate))


def _print(made: list[dict[str, Any]]) -> None:
    from ..report import decibel, signed

    rows = []
    for entry in made:
        loud = f"{signed(entry['loudness_in'])} → {signed(entry['loudness_out'])}"
        peak = f"{signed(decibel(entry['peak_in']))} → {signed(decibel(entry['peak_out']))}"
        rows.append((
            Path(entry["source"]).name, f"{entry['frames_in'] / entry['sample_rate']:.1f} s", loud, peak,
            f"{entry['latency_ms']:.1f} ms", f"{entry['tail_s']:.2f} s", f"{entry['times_real_time']:.0f}×",
        ))  # fmt: skip
    columns = ("file", "length", "loudness", "peak", "latency", "tail", "speed")
    common.table(columns, rows, right=columns[1:])
    common.write("loudness in LUFS and peak in dBFS, before → after; speed in times real time\n")


COMMANDS = (demo,)
