"""How ``voxrack analyze`` prints what was found: for people, and as rows of a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..timeline import NO_SPEECH, TRUST, Timeline, is_timeline
from . import common

if TYPE_CHECKING:
    from .work import AnalyzeJob

MOST_ROWS = 40  # of a timeline on the screen; a longer one is for --json, --csv or --plot
_SHORT = 44  # characters of a file's name in a list


class Csv:
    """Comma-separated rows with a header.

    One for each frame of the first track (and of those that share its times), or, of ``summary``, one for each file.
    A recogniser's rows say where the window begins and ends, its verdict, and a probability for each emotion.
    """

    def __init__(self, summary: bool) -> None:
        self.summary = summary
        self._columns: list[str] = []
        self._kept: list[dict[str, Any]] = []

    def show(self, result: Mapping[str, Any]) -> None:
        if self.summary:
            self._kept.append(summary_row(result))
            return
        columns, rows = window_rows(result) if _recognised(result) else frame_rows(result)
        if columns != self._columns:
            self._columns = columns
            common.write(_line(columns))
        for row in rows:
            common.write(_line(row))

    def failed(self, job: AnalyzeJob, error: str) -> None:
        """What failed has no row; standard error tells of it."""

    def close(self) -> None:
        if not self._kept:
            return
        columns = list(dict.fromkeys(key for row in self._kept for key in row))
        for row in [dict(zip(columns, columns, strict=True)), *self._kept]:
            common.write(_line([row.get(column, "") for column in columns]))


def window_rows(result: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Header and a row for each window of a recogniser; its trust, where it tells it, comes after the speech."""
    found = Timeline.of(result["tracks"], result["summary"])
    trust = () if found.trust is None else (TRUST,)
    columns = ["file", "start_s", "end_s", "emotion", "confidence", "speech", *trust, *found.labels]
    head = zip(found.spans().tolist(), found.verdicts(), found.confidences.tolist(), found.speech.tolist(), strict=True)
    more = found.probabilities if found.trust is None else np.column_stack((found.trust, found.probabilities))
    rows = [
        [result["file"], round(start, 4), round(end, 4), word, sure, speech, *common.json_ready(row)]
        for ((start, end), word, sure, speech), row in zip(head, more, strict=True)
    ]
    return columns, rows


def frame_rows(result: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """Header and a row for each frame; the columns of tracks other than the first bear the track's name."""
    tracks = result["tracks"]
    if not tracks:
        return ["file"], [[result["file"]]]
    times = list(tracks[0]["times_s"])
    shared = [track for track in tracks if list(track["times_s"]) == times]
    labels = [
        label if track is tracks[0] else f"{track['name']}.{label}" for track in shared for label in track["labels"]
    ]
    values = [common.json_ready(track["values"]) for track in shared]
    rows = [[result["file"], time, *(v for rows in values for v in rows[i])] for i, time in enumerate(times)]
    return ["file", "time_s", *labels], rows


def summary_row(result: Mapping[str, Any]) -> dict[str, Any]:
    """The summary as one flat row; lists are left out, an emotion's probability has its own column."""
    row: dict[str, Any] = {"file": result["file"], "device": result["device"]}
    if "front" in result:
        row["front"] = " ".join(result["front"])
    for key, value in result["summary"].items():
        if isinstance(value, Mapping):
            head = "" if key == "probabilities" else f"{key}."
            row |= {f"{head}{name}": item for name, item in value.items()}
        elif not isinstance(value, (list, tuple)):
            row[key] = value
    return row


def _line(cells: Sequence[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["" if cell is None else cell for cell in cells])
    return text.getvalue()


class Screen:
    """Text for people: a recogniser's verdicts as a table, other summaries as lines."""

    def __init__(self, several: bool) -> None:
        self.several = several
        self._begun = False

    def show(self, result: Mapping[str, Any]) -> None:
        if not ("emotion" in result["summary"] and "probabilities" in result["summary"]):
            lines_of(result)
        elif self.several:
            self._row(result)
        else:
            recognised(result)
        for note in result.get("notes", ()):
            common.say(f"voxrack: {note}")

    def failed(self, job: AnalyzeJob, error: str) -> None:
        """Standard error tells of it."""

    def close(self) -> None:
        """Nothing is kept back."""

    def _row(self, result: Mapping[str, Any]) -> None:
        if not self._begun:
            self._begun = True
            common.write(f"{'file':<{_SHORT}}  {'emotion':<12} {'sure':>5}  {'speech':>8}  then")
        summary = result["summary"]
        name = result["file"]
        name = name if len(name) <= _SHORT else "…" + name[-_SHORT + 1 :]
        sure = f"{summary['confidence']:.2f}" if summary["emotion"] != NO_SPEECH else "–"
        ranked = _ranked(summary)[0 if summary["emotion"] not in summary["probabilities"] else 1 :][:2]
        then = ", ".join(f"{label} {p:.2f}" for label, p in ranked) if sure != "–" else ""
        speech = f"{summary.get('speech_s', 0.0):.1f} s"
        common.write(f"{name:<{_SHORT}}  {summary['emotion']:<12} {sure:>5}  {speech:>8}  {then}".rstrip())


def recognised(result: Mapping[str, Any]) -> None:
    """One recording's verdict, and its segments as a table."""
    summary = result["summary"]
    common.write(_title(result))
    sure = f" ({summary['confidence']:.2f})" if summary["emotion"] in summary["probabilities"] else ""
    why = f": {summary['reason']}" if summary.get("reason") else ""
    common.write(f"  {summary['emotion']}{sure}{why}")
    if summary["emotion"] != NO_SPEECH:
        common.write("  " + ", ".join(f"{label} {p:.2f}" for label, p in _ranked(summary)))
    if "speech_s" in summary and "duration_s" in summary:
        by = f", by {summary['method']}" if summary.get("method") else ""
        common.write(f"  speech in {summary['speech_s']:.1f} of {summary['duration_s']:.1f} s{by}")
    if summary.get(TRUST) is not None:
        common.write(f"  trust {summary[TRUST]:.2f} in the recording as it came; 0 would be in the enhanced one alone")
    segments = summary.get("segments", ())
    if segments:
        rows = [
            (_clock(s["start"]), _clock(s["end"]), s["emotion"], f"{s['confidence']:.2f}" if s["confidence"] else "")
            for s in segments[:MOST_ROWS]
        ]
        common.table(("from", "to", "emotion", "confidence"), rows, right=("from", "to", "confidence"))
    if len(segments) > MOST_ROWS:
        common.write(f"… and {len(segments) - MOST_ROWS} more; --json, --csv and --plot show them all")


def lines_of(result: Mapping[str, Any]) -> None:
    """The summary as lines, the tracks as one line each."""
    common.write(_title(result))
    width = max((len(key) for key in result["summary"]), default=0)
    for key, value in result["summary"].items():
        if value in ({}, [], (), ""):
            continue
        common.write(f"  {key:<{width}}  {_text(value)}")
    for track in result["tracks"]:
        values = track["values"]
        labels = ", ".join(track["labels"])
        unit = f" ({track['unit']})" if track["unit"] else ""
        common.write(f"  track {track['name']}{unit}: {len(values)} frames of {labels or values.shape[1]}")


def _title(result: Mapping[str, Any]) -> str:
    name = Path(result["file"]).name if len(result["file"]) > 100 else result["file"]
    return f"{name}, through {', then '.join(result['front'])}" if "front" in result else name


def _recognised(result: Mapping[str, Any]) -> bool:
    return is_timeline(result["tracks"], result["summary"])


def _ranked(summary: Mapping[str, Any]) -> list[tuple[str, float]]:
    return sorted(summary["probabilities"].items(), key=lambda item: -item[1])


def _clock(seconds: float) -> str:
    """``"1:02:03.5"``; hours only where there are any."""
    minutes, rest = divmod(round(seconds, 1), 60.0)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) for item in value[:8]) + (" …" if len(value) > 8 else "")
    return str(value)
