"""What ``voxrack batch`` does with one item; runs in a worker and returns what its record holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..corpus_worker import Place
from . import work
from .common import json_ready
from .fronts import Front

WORDS = ("auto", "typical", "neutral")  # of ``--preset`` that are no presets


def fit(inputs: Mapping[str, str], options: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Fit a rack to ``dry`` and ``wet``: ``presets/NAME.json``, and ``runs/NAME/`` with the metrics of the fit.

    The run folder outlives a worker that dies, so the next one goes on at the last checkpoint.
    """
    from ..host import default_host
    from .racks import parse_preset

    service = default_host().service("fit")
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    given = {key: options[key] for key in ("steps", "time_budget", "seed", "device")}
    rack, start = options["rack"], options["start"]
    run = place.kept / "run"
    with work.heard() as remarks:
        result = service(
            inputs["dry"], inputs["wet"], parse_preset(**rack) if rack else None, **given,
            start=start if start in WORDS else parse_preset(**start), ablate=tuple(options["ablate"]),
            hold=tuple(options["hold"]), run=run, resume=True, name=place.name,
        )  # fmt: skip
    file = result.save(place.scratch / f"{PurePosixPath(place.name).name}.json")
    for asset in sorted(file.with_suffix(".assets").glob("*")):
        place.publish(asset, "presets", f".assets/{asset.name}")
    for log in ("config.json", "metrics.jsonl"):
        if (run / log).exists():
            place.publish(run / log, "runs", f"/{log}")
    summary = json_ready(result.summary())
    return {"preset": place.publish(file, "presets", ".json"), **summary, "notes": [*summary["notes"], *remarks]}


def render(inputs: Mapping[str, str], options: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Render ``source`` through the job's preset: ``audio/NAME.SUFFIX``."""
    source = Path(inputs["source"])
    suffix = suffix_for(source, options["format"])
    job = work.RenderJob(
        options["preset"]["text"], options["preset"]["path"], tuple(map(tuple, options["settings"])), source,
        place.scratch / f"out{suffix}", options["block"], options["tail"], options["subtype"],
    )  # fmt: skip
    report = json_ready(work.render(job))
    return {**report, "target": place.publish(job.target, "audio", suffix)}


def analyze(inputs: Mapping[str, str], options: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Read ``source`` with the job's analyzer: ``analyses/NAME.json``, which holds what ``analyze --json`` prints."""
    fronts = tuple(Front(*front) for front in options.get("fronts", ()))
    front_values = tuple(map(tuple, options.get("front_settings", ())))
    job = work.AnalyzeJob(
        options["device"], tuple(map(tuple, options["settings"])), Path(inputs["source"]), fronts, front_values
    )
    found = json_ready(work.analyze(job))
    file = place.scratch / "analysis.json"
    file.write_text(json.dumps(found, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    return {"analysis": place.publish(file, "analyses", ".json"), "summary": found["summary"],
            "notes": found.get("notes", [])}  # fmt: skip


def suffix_for(source: Path, kind: str | None) -> str:
    """Of the rendering: the one asked for, else the source's own where that is lossless, else wav."""
    from ..files import FORMATS
    from .targets import LOSSY

    own = source.suffix.lower()
    return f".{kind}" if kind else own if own in FORMATS and own not in LOSSY else ".wav"
