"""The run folder: what it holds, and going on from it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from match.pairs import bright, dry, equaliser

from voxrack import Preset
from voxrack.errors import InputError, UsageError
from voxrack_match.fitting import fit
from voxrack_match.run import RunFolder


def _fit(run, steps, **more):
    return fit(dry(1.0), bright(1.0), equaliser(), steps=40, run=run, start="neutral", callback=_until(steps), **more)


def _until(steps):
    return lambda now: now.step < steps


def test_a_run_holds_config_metrics_checkpoint_and_best(tmp_path):
    result = _fit(tmp_path / "run", 30)
    assert {"config.json", "metrics.jsonl", "checkpoint.json", "best.json"} <= {
        p.name for p in (tmp_path / "run").iterdir()
    }
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(30))
    assert {"seconds", "total", "mss_lr", "mss_ms", "mldr_lr", "mldr_ms", "rate"} <= set(lines[0])
    best = Preset.load(tmp_path / "run" / "best.json")
    assert best.parameters == result.preset.parameters


def test_a_resumed_fit_is_the_uninterrupted_one_to_the_step(tmp_path):
    whole = _fit(tmp_path / "whole", 12)
    _fit(tmp_path / "parts", 5)
    parts = _fit(tmp_path / "parts", 12, resume=True)
    assert [line["total"] for line in parts.history] == pytest.approx(
        [line["total"] for line in whole.history], rel=1e-6
    )
    assert parts.steps == 12
    for address, value in whole.preset.parameters.items():
        if not isinstance(value, str):
            np.testing.assert_allclose(parts.preset.parameters[address], value, rtol=1e-4, atol=1e-6)


def test_steps_after_the_last_checkpoint_are_taken_again(tmp_path):
    _fit(tmp_path, 5)
    folder = RunFolder(tmp_path)
    folder.append({"step": 5, "total": 1.0})  # written, and then the machine went down
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "tot')
    result = _fit(tmp_path, 7, resume=True)
    assert [line["step"] for line in result.history] == list(range(7))
    assert [line["step"] for line in folder.metrics()] == list(range(7))


def test_a_folder_in_use_is_not_overwritten(tmp_path):
    _fit(tmp_path, 2)
    with pytest.raises(UsageError, match="holds a run already"):
        _fit(tmp_path, 2)


def test_another_problem_is_not_resumed(tmp_path):
    _fit(tmp_path, 2)
    with pytest.raises(UsageError, match="the run of another fit"):
        fit(dry(1.0), dry(1.0), equaliser(), steps=3, run=tmp_path, resume=True)
    with pytest.raises(UsageError, match="seed differs"):
        _fit(tmp_path, 3, resume=True, seed=9)


def test_a_broken_checkpoint_is_named(tmp_path):
    _fit(tmp_path, 2)
    (tmp_path / "checkpoint.json").write_text("{")
    with pytest.raises(InputError, match=r"checkpoint\.json cannot be read"):
        _fit(tmp_path, 3, resume=True)
