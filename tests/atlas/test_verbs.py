"""The verbs of ``voxrack atlas``: text, JSON, pictures, refusals; and that listing them stays light."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from atlas.small_sets import desk, desks, vocals
from conftest import data_root
from PIL import Image

import voxrack_atlas
from voxrack import Preset
from voxrack.cli import cli
from voxrack_atlas import Collection


def _run(*words: object) -> int:
    return cli.run(["atlas", *map(str, words)])


@pytest.fixture
def singers(tmp_path: Path) -> Path:
    """Thirty vocal racks as one file."""
    vocals(30).save(tmp_path / "singers.parquet")
    return tmp_path / "singers.parquet"


def _picture(path: Path) -> bool:
    """Whether something is drawn: more than the paper and one ink."""
    colours = Image.open(path).convert("RGB").getcolors(1 << 24)
    return colours is not None and len(colours) > 20


def test_stats(singers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("stats", singers, "--plot", tmp_path / "s.png") == 0
    told = capsys.readouterr()
    assert "30 presets" in told.out and "compressor.threshold" in told.out
    assert "the same in every preset, left out: pre.level" in told.err
    assert _picture(tmp_path / "s.png")
    assert _run("stats", singers, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["presets"] == 30 and len(report["parameters"]) == 150
    first = {row["parameter"]: row for row in report["parameters"]}["peq.peak1.gain"]
    values = Collection.load(singers).frame()["peq.peak1.gain"]
    assert first["mean"] == pytest.approx(values.mean()) and first["unit"] == "dB"


def test_correlate(singers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocals(20, seed=9).save(tmp_path / "others.parquet")
    words = ("correlate", singers, "--with", tmp_path / "others.parquet", "--top", 3)
    assert _run(*words, "--plot", tmp_path / "c.png") == 0
    assert "others" in capsys.readouterr().out
    assert _picture(tmp_path / "c.png")
    assert _run(*words, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert [set(pair) for pair in report["pairs"]] == [{"first", "second", "correlation", "other"}] * 3
    assert len(report["effect_matrix"]) == len(report["effects"]) == 10
    assert report["effect_matrix"][7][7] is None  # a send is one number


def test_pca(singers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocals(20, seed=9).save(tmp_path / "others.parquet")
    words = ("pca", singers, "--with", tmp_path / "others.parquet", "--space", "perceptual", "--standardise")
    assert _run(*words, "--plot", tmp_path / "p.svg") == 0
    assert "29 components" in capsys.readouterr().out
    assert "<svg" in (tmp_path / "p.svg").read_text()
    assert _run("pca", singers, "--share", 0.5, "--top", 2, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["space"], report["components"], len(report["directions"])) == ("raw", 29, 2)
    assert report["cumulative"][report["needed"] - 1] > 0.5 >= report["cumulative"][report["needed"] - 2]


def test_the_chain_of_the_issue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = data_root() / "data" / "diffvox_presets" / "internal"
    words = ["--index", folder / "train_index.npy", "-o", tmp_path / "internal", "--plot", tmp_path / "i.png"]
    assert _run("import", "diffvox", folder / "raw_params.npy", folder / "info.json", *words) == 0
    assert _picture(tmp_path / "i.png")
    assert _run("collect", tmp_path / "internal", "-o", tmp_path / "set.parquet", "--plot", tmp_path / "l.png") == 0
    capsys.readouterr()
    assert _run("pca", tmp_path / "set.parquet", "--normality") == 0
    told = capsys.readouterr().out
    assert "13.858" in told and "77 of 130 components (59.23 %)" in told and "Royston" in told
    assert _run("correlate", tmp_path / "internal") == 0
    told = capsys.readouterr().out
    assert "−0.60" in told and "0.222" in told


def test_collect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "presets").mkdir()
    for name, level in (("a", -1.0), ("b", -9.0)):
        fitted = Preset.of(desk(gain_level=level).rack(), name=name, how="fit", losses={"total": -level})
        fitted.save(tmp_path / "presets" / f"{name}.json")
    assert _run("collect", tmp_path / "presets", "-o", tmp_path / "set.parquet", "--json") == 0
    told = capsys.readouterr()
    report = json.loads(told.out)
    assert (report["presets"], report["names"]) == (1, ["a"])
    assert report["left_out"] == [{"name": "b", "rule": "loss", "told": "its lowest total is 9, above 4"}]
    assert "b left out (loss)" in told.err
    assert Collection.load(tmp_path / "set.parquet").preset(0).name == "a"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("stats", "absent"), 3, "is not there"),
        (("pca", "SET", "--share", 1.5), 2, "between 0 and 1"),
        (("pca", "SET", "--space", "raw"), 2, "perceptual or logit"),
        (("pca", "SET", "--weigh", "total"), 3, "desk 0 has no 'total'"),
        (("pca", "SET", "--plot", "p.gif"), 2, ".png, .svg or .pdf"),
        (("correlate", "SET", "--with", "OTHER"), 3, "no parameter"),
        (("collect", "absent", "-o", "set.parquet"), 3, "is no folder"),
        (("collect", "absent", "-o", "set.csv"), 2, "write 'set.parquet'"),
        (("prior", "absent", "-o", "set.pkl"), 2, "write 'set.safetensors'"),
        (("match", "a.wav", "b.wav", "-o", "m.json", "--plot", "absent/m.png"), 1, "absent"),
        (("import", "diffvox", "SET", "-o", "folder"), 3, "is no array (.npy)"),
        (("stats", "TWICE"), 3, "--duplicates keep"),
        (("correlate", "ONE"), 3, "at least 3 presets; the set holds 1 preset (desk 0)"),
    ],
)
def test_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[Any, ...], code: int, told: str
) -> None:
    made = {"SET": desks([0.0, -1.0, -5.0], [0.0, 9.0, 4.0]), "OTHER": vocals(5), "ONE": desks([0.0]),
            "TWICE": Collection.of([desk("a"), desk("b")])}  # fmt: skip
    for name, collection in made.items():
        collection.save(tmp_path / f"{name}.parquet")
    assert _run(*(tmp_path / f"{word}.parquet" if word in made else word for word in words)) == code
    err = capsys.readouterr().err
    assert told in err and err.startswith("voxrack: ") and "\n" not in err.strip()


def test_a_preset_that_does_not_belong_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    desk("a").save(folder / "a.json")
    vocals(1).preset(0).save(folder / "b.json")
    assert _run("stats", folder) == 3
    assert "b.json has another rack than" in capsys.readouterr().err


def test_the_list_is_light_and_whole() -> None:
    probe = "import sys; from voxrack.cli import cli; cli.run(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    for words in (["atlas", "--help"], ["atlas", "pca", "--help"], ["atlas", "collect", "--help"]):
        result = subprocess.run([sys.executable, "-c", probe, *words], capture_output=True, text=True, check=True)
        loaded = {name.partition(".")[0] for name in result.stderr.split()}
        assert "voxrack_atlas" in loaded
        assert not loaded & {"pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "torch", "numba"}
        if words == ["atlas", "--help"]:
            for verb in ("collect", "import", "stats", "correlate", "pca", "sample", "nearest", "map", "match"):
                assert f"\n  {verb} " in result.stdout


def test_public_names_are_functions_whatever_was_imported_before() -> None:
    names = [name for name, module in voxrack_atlas._PLACES.items() if (Path(voxrack_atlas.__file__).parent /
             f"{module}.py").exists()]  # fmt: skip
    assert {"Collection", "stats", "correlate", "pca", "collect"} <= set(names)
    code = "import voxrack_atlas as a, importlib, sys\n"
    code += f"for name in {names!r}:\n    importlib.import_module('voxrack_atlas.' + a._PLACES[name])\n"
    code += "    assert callable(getattr(a, name)), name\n    assert callable(getattr(a, name)), name\n"
    subprocess.run([sys.executable, "-c", code], check=True)
