"""Collecting fits: every rule of the paper, from batches, run folders and presets; nothing is left out in silence."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from atlas.small_sets import desk

from voxrack import Preset
from voxrack.errors import InputError, UsageError
from voxrack_atlas import Collection, collect
from voxrack_atlas.collecting import Rules, survey

GOOD = (3.0, 2.0, 1.9, 1.85)


def _preset(name: str, level: float, *, track: str = "", created: str = "2026-01-31T12:00:00Z") -> Preset:
    sources = [{"name": f"{track}.wav", "sha256": (track.encode().hex() * 64)[:64]}] if track else []
    return Preset.of(desk(gain_level=level).rack(), name=name, how="fit", losses={"total": abs(level)},
                     created=created, sources=sources)  # fmt: skip


def _run(root: Path, name: str, losses: Sequence[float | None], level: float | None, **named: Any) -> None:
    """A run folder; without a level, one that was stopped before it had a preset."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "metrics.jsonl").write_text("".join(json.dumps({"step": i, "total": t}) + "\n"
                                                  for i, t in enumerate(losses)))  # fmt: skip
    if level is not None:
        _preset(name, level, **named).save(folder / "best.json")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """One fit that breaks each rule, and two that break none."""
    root = tmp_path / "runs"
    _run(root, "good", GOOD, -1.0, track="a", created="2026-02-01T00:00:00Z")
    _run(root, "first try", GOOD, -1.5, track="a", created="2026-01-01T00:00:00Z")
    _run(root, "ended", GOOD, None)
    _run(root, "far off", (9.0, 8.0, 7.9), -2.0)
    _run(root, "worse", (1.0, 1.1, 1.2), -3.0)
    _run(root, "restless", (3.0, 2.0, 3.0, 2.0, 3.0), -4.0)
    _run(root, "short", (2.0, None), -5.0)
    return root


def test_every_rule(runs: Path) -> None:
    found = {verdict.run.name: verdict.rule for verdict in survey(runs, Rules())}
    assert found == {"good": "", "first try": "earlier", "ended": "ended", "far off": "loss", "worse": "not converged",
                     "restless": "jitter", "short": ""}  # fmt: skip
    made = collect(runs)
    assert made.names == ("good", "short")
    assert len(made.remarks) == 5
    assert "restless left out (jitter): its total jumps by 1 a step, above 0.2" in made.remarks
    assert "first try left out (earlier): the same recordings were fitted again: good" in made.remarks
    assert made.meta["best_loss"].tolist() == [1.85, 2.0]
    assert made.meta["first_loss"].tolist() == [3.0, 2.0]


def test_rules_can_be_lifted(runs: Path) -> None:
    made = collect(runs, max_loss=math.inf, max_jitter=math.inf, converged=False, latest=False)
    assert made.names == ("far off", "first try", "good", "restless", "short", "worse")
    assert [remark.partition(":")[0] for remark in made.remarks] == ["ended left out (ended)"]
    assert collect(runs, max_loss=1.9, converged=False, max_jitter=math.inf).names == ("good", "worse")


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A batch of three songs, of which one failed and one kept no metrics."""
    root = tmp_path / "batch"
    for part in ("records", "presets", "runs/singer/one"):
        (root / part).mkdir(parents=True)
    (root / "job.json").write_text(json.dumps({"format": "voxrack.job", "version": 1, "verb": "fit"}))
    for name, level in (("singer/one", -1.0), ("two", -2.0), ("three", None)):
        record: dict[str, Any] = {"name": name, "about": {"singer": name[:3]}, "status": "failed", "error": "no\nway"}
        if level is not None:
            file = root / "presets" / f"{name}.json"
            file.parent.mkdir(exist_ok=True)
            _preset(name, level).save(file)
            record |= {"status": "done", "result": {"preset": f"presets/{name}.json"}}
        target = root / "records" / f"{name}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(record))
    lines = [json.dumps({"total": total}) for total in GOOD]
    (root / "runs/singer/one/metrics.jsonl").write_text("\n".join(lines) + '\n{"tot')  # the last one half written
    return root


def test_a_batch(batch: Path) -> None:
    made = collect(batch)
    assert made.names == ("singer/one", "two")
    assert made.meta["singer"].tolist() == ["sin", "two"]
    assert made.meta["best_loss"].tolist() == [1.85, 2.0]  # of the steps; as the preset tells it
    assert made.remarks == ("three left out (ended): no",)
    assert collect(batch, max_loss=1.9).names == ("singer/one",)


def test_presets_alone_and_several_folders(batch: Path, tmp_path: Path) -> None:
    for name, level in (("two", -6.0), ("lone", -7.0)):
        folder = tmp_path / "presets"
        folder.mkdir(exist_ok=True)
        _preset(name, level).save(folder / f"{name}.json")
    made = collect([batch, tmp_path / "presets"], max_loss=6.5)
    assert made.names == ("singer/one", "batch/two", "presets/two")
    made.save(tmp_path / "set.parquet")
    assert Collection.load(tmp_path / "set.parquet").meta["singer"].tolist() == ["sin", "two", ""]


def test_duplicates(tmp_path: Path) -> None:
    for name in ("a", "b"):
        _run(tmp_path / "runs", name, GOOD, -1.0)
    with pytest.raises(InputError, match="b = a"):
        collect(tmp_path / "runs")
    assert collect(tmp_path / "runs", duplicates="first").names == ("a",)


def test_refused(tmp_path: Path, batch: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no fit"):
        collect(tmp_path / "empty")
    with pytest.raises(InputError, match="is no folder"):
        collect(tmp_path / "absent")
    with pytest.raises(InputError, match="none of 3 fits is taken; singer/one left out"):
        collect(batch, max_loss=0.5)
    for options in ({"max_loss": 0.0}, {"max_jitter": -1.0}, {"max_loss": math.nan}):
        with pytest.raises(UsageError, match="a number above 0"):
            collect(batch, **options)
    with pytest.raises(UsageError, match="at least one folder"):
        collect([])
    (batch / "job.json").write_text('{"verb": "render"}')
    with pytest.raises(InputError, match="batch of 'render'"):
        collect(batch)


def test_a_damaged_file_is_named(runs: Path) -> None:
    (runs / "good" / "metrics.jsonl").write_text('{"total": 1}\nnonsense\n{"total": 1}\n')
    with pytest.raises(InputError, match=r"good/metrics\.jsonl, line 2"):
        collect(runs)
    (runs / "good" / "metrics.jsonl").write_text('{"total": 1}\n')
    (runs / "good" / "best.json").write_text("{}")
    with pytest.raises(InputError, match=r"good/best\.json"):
        collect(runs)
