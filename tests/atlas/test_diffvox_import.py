"""`voxrack atlas import diffvox`: names, choice of rows, JSON, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import data_root

from voxrack import Preset
from voxrack.cli import cli
from voxrack.errors import InputError
from voxrack_atlas import import_diffvox, to_diffvox


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Three vectors and what is known of them, in a folder of their own."""
    folder = tmp_path / "songs"
    folder.mkdir()
    np.save(folder / "raw_params.npy", np.random.default_rng(1).normal(size=(3, 151)).astype(np.float32))
    runs = [f"~/processed/Artist/Song {name}/run_0" for name in ("A", "B", "bad", "C")]
    (folder / "info.json").write_text(json.dumps({
        "runs": runs, "alignment_shifts": [4, 0, -7], "problematic_runs": {"terminated": [["Artist/Song bad/run_0", 1]]}
    }))  # fmt: skip
    return folder / "raw_params.npy"


def _run(*words: object) -> int:
    return cli.run(["atlas", "import", "diffvox", *map(str, words)])


def test_names_come_from_the_runs(table: Path, tmp_path: Path) -> None:
    made = import_diffvox(table, table.with_name("info.json"), tmp_path / "out")
    assert [item.name for item in made] == ["Song A", "Song B", "Song C"]
    assert [item.path.name for item in made] == [f"songs-00{i}-Song_{x}.json" for i, x in enumerate("ABC")]
    preset = Preset.load(made[2].path)
    assert preset.provenance["how"] == "import"
    assert preset.provenance["sources"][0]["name"] == "raw_params.npy"
    assert "-7 samples" in preset.about
    np.testing.assert_allclose(to_diffvox(preset)[:17], np.load(table)[2, :17], atol=1e-6)


def test_without_info_rows_have_numbers(table: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    made = import_diffvox(table, None, tmp_path, rows=[2], progress=lambda *at: seen.append(at))
    assert [(item.row, item.name, item.path.name) for item in made] == [(2, "songs 2", "songs-002.json")]
    assert seen == [(1, 1)]


def test_command(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(table, table.with_name("info.json"), "-o", tmp_path / "out", "--rows", "0,2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["row"] for item in told] == [0, 2]
    assert all(Path(item["path"]).is_file() for item in told)


def test_index(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "train_index.npy", np.array([1]))
    assert _run(table, "-o", tmp_path / "out", "--index", tmp_path / "train_index.npy") == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["songs-001.json"]
    assert "1 presets" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [(["--rows", "9"], 2, "rows 0 to 2"), (["--rows", "a-b"], 2, "--rows takes"), (["--rows", ""], 2, "--rows takes")],
)
def test_wrong_rows(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    assert _run(table, "-o", tmp_path / "out", *words) == code
    assert told in capsys.readouterr().err


def test_what_is_no_table(table: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "small.npy", np.zeros((3, 7)))
    np.savez(tmp_path / "many.npz", a=np.zeros(3))
    (tmp_path / "text.npy").write_text("no array")
    for name in ("objects.npy", "small.npy", "many.npz", "text.npy", "absent.npy"):
        with pytest.raises(InputError, match=name):
            import_diffvox(tmp_path / name, None, tmp_path / "out")
    (tmp_path / "list.json").write_text("[1]")
    for name in ("text.npy", "list.json"):
        with pytest.raises(InputError, match=name):
            import_diffvox(table, tmp_path / name, tmp_path / "out")
    broken = np.zeros((2, 151))
    broken[1, 3] = np.inf
    np.save(tmp_path / "broken.npy", broken)
    with pytest.raises(InputError, match="row 1"):
        import_diffvox(tmp_path / "broken.npy", None, tmp_path / "out")


def test_the_published_names(tmp_path: Path) -> None:
    folder = data_root() / "data" / "diffvox_presets" / "medleydb"
    made = import_diffvox(folder / "raw_params.npy", folder / "info.json", tmp_path, rows=[0, 69])
    assert [item.name for item in made] == ["AClassicEducation_NightOwl_STEM_08", "Wolf_DieBekherte_STEM_01"]
