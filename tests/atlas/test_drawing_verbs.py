"""`voxrack atlas prior|sample|nearest|map|dataset`: what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from atlas.small_sets import desk, vocals

from voxrack import Preset, write
from voxrack.cli import cli
from voxrack.testing import voice
from voxrack_atlas import Collection
from voxrack_atlas.prior import load_prior


def _run(*words: object) -> int:
    return cli.run(["atlas", *map(str, words)])


@pytest.fixture
def desks(tmp_path: Path) -> Path:
    """Forty desks in one file."""
    rng = np.random.default_rng(0)
    made = [desk(f"d{i}", gain_level=float(rng.normal(-9, 3)), pan_pan=float(rng.normal(0, 20))) for i in range(40)]
    held = Collection.of(made)
    held.meta["song"] = [f"s{i // 4}" for i in range(40)]
    held.save(tmp_path / "desks.parquet")
    return tmp_path / "desks.parquet"


def test_prior_and_what_is_drawn_from_it(desks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, picture = tmp_path / "mine.safetensors", tmp_path / "kinds.png"
    assert (
        _run("prior", desks, "-o", target, "--group", "song", "--judge", "--folds", 2, "--plot", picture, "--json") == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["prior"]["name"] == "mine" and told["presets"] == 40
    assert told["kinds"][0]["log_likelihood"] == max(row["log_likelihood"] for row in told["kinds"])
    assert {row["kind"] for row in told["judged"]} == {"gaussian", "shrunk", "mixture", "flow"}
    assert load_prior(target).sha256 == told["prior"]["sha256"] and picture.read_bytes()[:4] == b"\x89PNG"
    assert _run("sample", "-o", tmp_path / "new", "-n", 8, "--prior", target, "--against", desks, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["attempts"] == 8 + sum(told["refused"].values()) and 0 < told["quality"]["diversity"] < 3
    files = sorted((tmp_path / "new").iterdir())
    assert [Path(draw["path"]).name for draw in told["draws"]] == [file.name for file in files]
    assert all(Preset.load(file).provenance["sources"][0]["name"] == "mine.safetensors" for file in files)


def test_prior_as_a_table(desks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("prior", desks, "--kind", "gaussian") == 0
    out, err = capsys.readouterr()
    assert "gaussian" in out and "held-out" in out and "left out" in err
    assert _run("prior", desks, "--group", "singer") == 2
    assert "'singer'" in capsys.readouterr().err
    assert _run("prior", desks, "-o", "p.json") == 2


def test_sample_from_a_set_into_one_file(desks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, picture = tmp_path / "new.parquet", tmp_path / "new.png"
    assert _run("sample", "-o", target, "-n", 6, "--from", desks, "--against", desks, "--plot", picture) == 0
    out, err = capsys.readouterr()
    assert "6 presets" in out and "told apart" in out and "prior fitted" in err
    assert len(Collection.load(target)) == 6 and picture.exists()
    assert _run("sample", "-o", target, "--from", desks, "--prior", "x.safetensors") == 2
    assert _run("sample", "-o", tmp_path / "x.json") == 2
    assert _run("sample", "-o", target, "--prior", tmp_path / "absent.safetensors") == 3


def test_the_shipped_prior(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("sample", "-n", 2, "--seed", 3, "--no-check", "--json")
    assert _run(*words, "-o", tmp_path / "a", "--plot", tmp_path / "a.svg") == 0
    assert _run(*words, "-o", tmp_path / "b") == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[0]["prior"]["name"] == "vocal_flow" and told[0]["draws"][0]["stability"] is None
    a, b = ({file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in "ab")
    assert a == b and len(a) == 2


def test_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = vocals(9)
    held.save(tmp_path / "set.parquet")
    held.preset(4).save(tmp_path / "mine.json")
    words = ("nearest", tmp_path / "set.parquet", tmp_path / "mine.json", "-n", 3)
    assert _run(*words, "--plot", tmp_path / "n.png", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["nearest"][0]["name"] == "vocal 4" and told["nearest"][0]["distance"] < 1e-6
    assert _run("nearest", tmp_path / "set.parquet", "vocal 4", "--metric", "standardised") == 0
    assert "differs most in" in capsys.readouterr().out
    assert _run("nearest", tmp_path / "set.parquet", "vokal 4") == 2
    assert "did you mean 'vocal 4'" in capsys.readouterr().err


def test_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocals(9).save(tmp_path / "set.parquet")
    words = ("map", tmp_path / "set.parquet", "--seed", 2)
    for colour in ("compressor.ratio", "how"):
        picture = tmp_path / f"{colour}.png"
        assert _run(*words, "--colour", colour, "--plot", picture, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert len(told["presets"]) == 9 and 0 <= told["kept"] <= 1 and picture.exists()
    assert _run(*words) == 0
    assert "neighbours on the map" in capsys.readouterr().out
    assert _run(*words, "--colour", "compressor.ration") == 2
    assert "did you mean 'compressor.ratio'" in capsys.readouterr().err


def test_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dry").mkdir()
    write(tmp_path / "dry" / "one.wav", voice(1.0, 22050, seed=1))
    words = ("dataset", tmp_path / "dry", "-o", tmp_path / "pairs", "--length", 0.5)
    assert _run(*words, "-n", 2, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["made"], told["kept"], told["failed"]) == (2, 0, {})
    assert _run(*words, "-n", 3) == 0
    assert "1 made, 2 were there" in capsys.readouterr().out
    assert _run(*words, "-n", 3, "--seed", 9) == 2
    assert "another seed" in capsys.readouterr().err
    assert _run("dataset", tmp_path / "absent", "-n", 1, "-o", tmp_path / "x") == 3


@pytest.mark.parametrize(
    ("more", "told"),
    [(("--plot", "x.gif"), ".png, .svg or .pdf"), (("-n", 3, "--against", "set"), "more than 5 draws"),
     (("-n", 8, "--against", "set"), "holds no preset")],
)  # fmt: skip
def test_nothing_is_written_where_the_end_cannot_be_reached(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, more: tuple, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "set").mkdir()
    assert _run("sample", "-o", "new", "--no-check", *more) in (2, 3)
    assert told in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
