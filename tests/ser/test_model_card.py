"""What is shipped: weights with a card whose every figure some command printed."""

from __future__ import annotations

import importlib
import json
import re
import sys
from pathlib import Path

import pytest
import torch
from ser.tiny_features import tiny_features

from voxrack import analyze, default_host, weights
from voxrack.errors import UsageError
from voxrack.instance import AnalyzerDevice
from voxrack.recipe import create, options
from voxrack.testing import voice
from voxrack.training import train_recipe
from voxrack_ser.evaluation import evaluate
from voxrack_ser.specs import RECIPES

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = ROOT / "plugins" / "voxrack_ser" / "weights"
SPEC = next(spec for spec in RECIPES if spec.id == "ser.mfcc_cnn")
VALUES = {"frames": 60, "batch": 16, "learning_rate": 2e-3}


@pytest.fixture(scope="module")
def tool():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "tools")  # where `python tools/ship_weights.py` looks first
        yield importlib.import_module("ship_weights")


def row(value: float) -> dict[str, object]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 9, "speakers": 2, "by": "clip", "level": 0.95}


ELSEWHERE = {
    "command": "python -m benchmarks.ser_elsewhere radio", "corpus": "radio", "speakers": 2, "weights": "",
    "conditions": {"clean": {"n": 9, "classes": ["sad", "happy"], "uar": row(0.5), "ece": row(0.25), "given": 2 / 3,
                             "right": None, "no_speech": 1 / 3}},
}  # fmt: skip


def test_the_card_holds_what_the_commands_printed(tool, tmp_path, monkeypatch, capsys):
    features = tiny_features(tmp_path / "f.safetensors", speakers=4)
    train_recipe(SPEC, features, tmp_path / "run", settings=VALUES, epochs=2, accelerator="cpu")
    report = evaluate(create(SPEC, options(SPEC, VALUES)), features, protocol="kfold:2", folder=tmp_path / "folds",
                      seeds=1, epochs=2, tier="cpu")  # fmt: skip
    (tmp_path / "elsewhere.json").write_text(json.dumps(ELSEWHERE))
    (tmp_path / "out").mkdir()
    words = ["ship_weights", "run", "folds", "--elsewhere", "elsewhere.json", "--out", "out"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", words)
    tool.main()
    made = weights.load(tmp_path / "out" / "ser.mfcc_cnn.safetensors")
    card = (tmp_path / "out" / "ser.mfcc_cnn.md").read_text()
    assert weights.card_problems(made.path) == [] and made.metadata["temperature"] != 1.0
    assert f"{made.metadata['temperature']:.3f} for whole recordings" in card
    report.tables()
    printed = capsys.readouterr().out
    for system in ("model", "logistic", "svm"):
        for measure in ("accuracy", "uar", "macro_auc", "ece"):
            found = report.figures[system]["test"][measure]
            figure = f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
            assert figure in card and found["value"] is not None
        assert f"{report.figures[system]['test']['uar']['value']:.3f}" in printed
    assert "| clean | 9 | 0.500 [0.400, 0.600] | 0.250 [0.150, 0.350] | 67% |  | 33% |" in card
    assert f"`{ELSEWHERE['command']}`" in card
    tool.main()
    assert weights.load(made.path).sha256 == made.sha256  # equal inputs, equal bytes


def test_a_run_of_the_evaluation_itself_is_shipped_with_the_speakers_it_left_out(tool, tmp_path, monkeypatch):
    features = tiny_features(tmp_path / "f.safetensors", speakers=6)
    settings = {**VALUES, "normalise": "none", "balance": "classes"}
    recipe = create(SPEC, options(SPEC, settings))
    evaluate(recipe, features, protocol="kfold:3", folds=["2"], folder=tmp_path / "one", seeds=1, epochs=3, tier="cpu")
    (tmp_path / "notes.md").write_text("`voxrack evaluate more`\n\n| a table |\n")
    (tmp_path / "out").mkdir()
    run = next((tmp_path / "one").glob("*/*/seed-0"))
    words = ["ship_weights", str(run), str(tmp_path / "one"), "--notes", "notes.md", "--out", "out"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", words)
    tool.main()
    card = (tmp_path / "out" / "ser.mfcc_cnn.md").read_text()
    evaluation = tool.Evaluation.load(tmp_path / "one")
    left = tool.heard_by(evaluation)
    assert len(left) == 2 and f"of all speakers but {left[0]} and {left[1]}" in card
    assert "32 clips of" in card and "Intervals are of 2 speakers" in card and "| a table |" in card
    assert "voxrack evaluate ser.mfcc_cnn --features features.safetensors --protocol kfold:3" in card
    halves = tool.apart(evaluation, "test")
    assert [set(half[0].speakers) for half in halves] == [{left[0]}, {left[1]}]
    made = weights.load(tmp_path / "out" / "ser.mfcc_cnn.safetensors").metadata
    assert made["temperature"] == pytest.approx(tool.fit_temperature(evaluation.pooled()[0]), abs=1e-3)


def test_a_run_that_left_speakers_out_needs_their_answers(tool, tmp_path, monkeypatch):
    features = tiny_features(tmp_path / "f.safetensors", speakers=4)
    recipe = create(SPEC, options(SPEC, VALUES))
    for name, seeds in (("one", 1), ("other", 1)):
        evaluate(recipe, features, protocol="kfold:2", folder=tmp_path / name, seeds=seeds, epochs=1, tier="cpu")
    run = next((tmp_path / "one").glob("*/*/seed-0"))
    for folder, says in (("one", "2 splits"), ("other", "is no run of")):
        monkeypatch.setattr(sys, "argv", ["ship_weights", str(run), str(tmp_path / folder), "--out", str(tmp_path)])
        with pytest.raises(SystemExit, match=says):
            tool.main()


def test_errors_are_the_largest_counts_off_the_diagonal(tool):
    found = {"confusion": [[9.0, 1.0], [4.0, 7.0]], "classes": ["sad", "happy"]}
    assert tool.errors(found) == "happy taken for sad 4, sad taken for happy 1"
    assert tool.errors(found, most=1) == "happy taken for sad 4"


@pytest.mark.parametrize("path", sorted(WEIGHTS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_what_is_shipped_works_right_after_the_installation(path: Path):
    assert path.stat().st_size < 30e6 and weights.card_problems(path) == []
    device = default_host().create(path.stem)
    assert isinstance(device, AnalyzerDevice)
    summary = analyze(device, voice(2.0, 22050, seed=1))[0].summary
    assert sum(summary["probabilities"].values()) == pytest.approx(1.0, abs=1e-3)
    card = path.with_suffix(".md").read_text()
    assert f"voxrack evaluate {path.stem}" in card and "non-commercial use only" in card
    if path.stem != "ser.best":
        assert re.search("`ser.best` is the (recogniser to use|better choice)", card)
    assert not re.search(r"\bnan\b|None", card)


def test_the_shipped_card_names_a_command_for_each_table():
    card = (WEIGHTS / "ser.best.md").read_text()
    tables = re.split(r"(?m)^\|(?:---\|)+$", card)
    assert len(tables) == 4
    for before, command in zip(tables, ("voxrack evaluate ser.best", *2 * ("python -m benchmarks.ser_elsewhere",))):
        assert command in before.rpartition("\n`")[2]
    assert not re.search(r"\d\.\d\d", card.partition("## Limits")[2].partition("## Licence")[0])


def test_a_card_without_figures_is_not_shipped(tool, tmp_path, capsys, monkeypatch):
    target = tmp_path / "toy.safetensors"
    weights.save(target, {"a": torch.zeros(2)}, {})
    sections = dict.fromkeys(weights.SECTIONS, "something")
    tool.carded(target, "toy", sections)
    assert json.loads(capsys.readouterr().out)["problems"] == []
    with pytest.raises(UsageError, match="Figures"):
        tool.carded(target, "toy", sections | {"Figures": ""})
    monkeypatch.setattr(weights, "LIMIT", 10)
    with pytest.raises(SystemExit):
        tool.carded(target, "toy", sections)
    assert "stay below 10" in json.loads(capsys.readouterr().out)["problems"][0]


def test_tables_of_a_card(tool):
    assert tool.markdown(("", "n"), [("clean", "3"), ("", "")]) == ["| | n |", "|---|---|", "| clean | 3 |", "|  |  |"]
    interval = importlib.import_module("shipping").interval
    assert interval({"mean": 2.654, "low": 2.5, "high": 2.75}, 1) == "2.7 [2.5, 2.8]"
    assert interval({"mean": 2.654, "low": None, "high": None}, 2) == "2.65"
    assert interval({"mean": float("inf"), "low": 1.0, "high": 2.0}, 2) == interval(None, 2) == ""
