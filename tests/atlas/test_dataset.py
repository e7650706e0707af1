"""Training pairs: what a folder holds, that it goes on, and that the seed decides everything."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import data_root

from voxrack import Audio, Preset, read, render, write
from voxrack.errors import InputError, UsageError
from voxrack.report import loudness
from voxrack.testing import voice
from voxrack_atlas import Collection, dataset, default_prior
from voxrack_atlas import dataset as public
from voxrack_atlas.sampling import draws


@pytest.fixture
def vocals(tmp_path: Path) -> Path:
    """Two recordings, one of them stereo, in folders."""
    folder = tmp_path / "vocals"
    (folder / "b").mkdir(parents=True)
    write(folder / "one.wav", voice(2.0, 22050, seed=1))
    write(folder / "b" / "two.flac", Audio(np.repeat(voice(1.5, 22050, seed=2).samples, 2, axis=0), 22050))
    (folder / "notes.txt").write_text("no recording")
    return folder


def _prints(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".parquet"}


def test_a_pair_is_its_parameters(vocals: Path, tmp_path: Path) -> None:
    report = dataset(vocals, tmp_path / "pairs", 3, seed=4)
    assert (report.made, report.kept, report.failed) == (3, 0, {})
    for number in range(3):
        record = json.loads((tmp_path / "pairs" / f"{number:06d}.json").read_text())
        dry, wet = (read(tmp_path / "pairs" / record[key]) for key in ("dry", "wet"))
        preset = Preset.load(tmp_path / "pairs" / record["preset"])
        assert preset == next(draws(seed=4, first=number)).preset
        again = render(preset.rack(), dry, tail=False)
        np.testing.assert_array_equal(wet.samples, again.samples)
        assert dry.channels == 1 and wet.channels == 2 and dry.frames == wet.frames == record["frames"]
        assert loudness(dry) == pytest.approx(-18.0, abs=0.05)
        assert record["source"]["path"] in ("one.wav", "b/two.flac")
    held = Collection.load(tmp_path / "pairs" / "presets.parquet")
    assert held.names == ("000000", "000001", "000002")
    assert held.meta["wet_file"].tolist() == [f"{name}.wet.wav" for name in held.names]


def test_the_seed_decides_everything(vocals: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 4), ("b", 4), ("c", 5)):
        dataset(vocals, tmp_path / name, 2, seed=seed, length=0.5)
    a, b, c = (_prints(tmp_path / name) for name in "abc")
    assert a == b and a.keys() == c.keys()
    assert a["000000.wet.wav"] != c["000000.wet.wav"]
    assert read(tmp_path / "a" / "000000.dry.wav").duration == pytest.approx(0.5, abs=1e-4)


def test_it_goes_on_where_it_was(vocals: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    dataset(vocals, whole, 3, length=0.5)
    dataset(vocals, parts, 1, length=0.5)
    first = (parts / "000000.json").stat().st_mtime_ns
    report = dataset(vocals, parts, 3, length=0.5)
    assert (report.made, report.kept) == (2, 1) and (parts / "000000.json").stat().st_mtime_ns == first
    (parts / "000001.wet.wav").unlink()
    (parts / "000002.json").unlink()
    assert dataset(vocals, parts, 3, length=0.5).made == 2
    assert _prints(parts) == _prints(whole)


def test_two_processes_make_the_same(vocals: Path, tmp_path: Path) -> None:
    dataset(vocals, tmp_path / "one", 3, length=0.5)
    report = dataset(vocals, tmp_path / "two", 3, length=0.5, jobs=2)
    assert report.made == 3 and _prints(tmp_path / "one") == _prints(tmp_path / "two")


def test_another_recipe_is_refused(vocals: Path, tmp_path: Path) -> None:
    dataset(vocals, tmp_path / "pairs", 1, length=0.5)
    for other, told in (({"seed": 1}, "seed"), ({"length": 0.6}, "length"), ({"prior": default_prior()}, "prior")):
        with pytest.raises(UsageError, match=f"another {told}"):
            dataset(vocals, tmp_path / "pairs", 1, **{"length": 0.5, **other})
    write(vocals / "three.wav", voice(1.0, 22050, seed=3))
    with pytest.raises(UsageError, match="another dry"):
        dataset(vocals, tmp_path / "pairs", 1, length=0.5)


def test_a_recording_that_vanishes_fails_its_pairs_alone(
    vocals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    module = importlib.import_module("voxrack_atlas.dataset")
    before = module._dry

    def gone(path: str, *rest: object) -> Audio:
        if path.endswith("one.wav"):
            raise InputError(f"{path}: there is no such file")
        return before(path, *rest)

    monkeypatch.setattr(module, "_dry", gone)
    report = dataset(vocals, tmp_path / "pairs", 6, length=0.3)
    assert 0 < len(report.failed) < 6 and report.made == 6 - len(report.failed)
    assert all("no such file" in why for why in report.failed.values())
    monkeypatch.undo()
    again = dataset(vocals, tmp_path / "pairs", 6, length=0.3)
    assert again.made == len(report.failed) and not again.failed


def test_excerpts_are_not_silent(tmp_path: Path) -> None:
    samples = np.zeros((1, 22050 * 8), np.float32)
    samples[:, -22050:] = voice(1.0, 22050, seed=1).samples[:, :22050]
    write(tmp_path / "mostly.wav", Audio(samples, 22050))
    dataset(tmp_path / "mostly.wav", tmp_path / "pairs", 4, length=0.5)
    for path in sorted((tmp_path / "pairs").glob("*.dry.wav")):
        assert read(path).rms > 1e-3


def test_folders_without_recordings(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no recording"):
        dataset(tmp_path / "empty", tmp_path / "pairs", 1)
    (tmp_path / "empty" / "broken.wav").write_text("no audio")
    with pytest.raises(InputError, match=r"broken\.wav"):
        dataset(tmp_path / "empty", tmp_path / "pairs", 1)
    with pytest.raises(UsageError, match="more than 0"):
        dataset(tmp_path, tmp_path / "pairs", 0)
    assert public is dataset and not (tmp_path / "pairs").exists()


def test_real_vocals(tmp_path: Path) -> None:
    dry = data_root() / "data" / "diffvox_demo" / "Torres_NewSkin" / "dry.mp3"
    report = dataset(dry, tmp_path / "pairs", 2, length=2.0)
    assert report.made == 2 and report.seconds == pytest.approx(4.0, abs=1e-3)
    assert all(read(tmp_path / "pairs" / f"00000{i}.wet.wav").peak > 0.01 for i in range(2))
