"""Collections: what they hold, the way back to presets, Parquet, and everything that is refused."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from atlas.small_sets import desk, desks, vocals

from voxrack import Audio, Preset, Rack, default_host, write
from voxrack.errors import InputError, PresetError, UsageError
from voxrack_atlas import Collection, from_diffvox

DEVICE = "pedalboard.convolution"


def _write(folder: Path, **presets: Preset) -> Path:
    folder.mkdir(exist_ok=True)
    for name, preset in presets.items():
        preset.save(folder / f"{name}.json")
    return folder


def test_values_are_those_of_the_racks() -> None:
    presets = [from_diffvox(raw) for raw in np.random.default_rng(2).normal(size=(4, 151))]
    made = Collection.of(presets)
    assert made.values.shape == (4, 150) == (len(made), len(made.columns))
    for row, preset in enumerate(presets):
        rack = preset.rack()
        assert [rack.get(column) for column in made.columns] == made.values[row].tolist()


def test_a_row_is_its_preset_again(tmp_path: Path) -> None:
    presets = [from_diffvox(raw, name=f"é {i}", about="x", sources=[{"name": "a", "sha256": "0" * 64}])
               for i, raw in enumerate(np.random.default_rng(3).normal(size=(3, 151)))]  # fmt: skip
    made = Collection.of(presets)
    made.save(tmp_path / "set.parquet")
    for held in (made, Collection.load(tmp_path / "set.parquet")):
        assert [preset.sha256 for preset in held.presets()] == [preset.sha256 for preset in presets]
        assert held.meta["sha256"].tolist() == [preset.sha256 for preset in presets]
        assert held.names == ("é 0", "é 1", "é 2")


def test_what_no_optimiser_moves_is_kept(tmp_path: Path) -> None:
    presets = [desk("a", gain_bypass=True, pan_pan=1.0), desk("b", gain_level=-math.inf)]
    shifted = presets[1].rack()
    shifted.offset = -7.5
    presets[1] = Preset.of(shifted, name="b", created="2026-01-31T12:00:00Z")
    made = Collection.of(presets)
    assert made.meta["gain.bypass"].tolist() == [True, False]
    assert made.meta["offset"].tolist() == [0.0, -7.5]
    made.save(tmp_path / "set.parquet")
    assert list(Collection.load(tmp_path / "set.parquet").presets()) == presets
    assert made.values[1, made.columns.index("gain.level")] == -math.inf


def test_losses_are_told() -> None:
    fitted = Preset.of(desk().rack(), name="f", how="fit", losses={"total": 1.5, "mss_lr": 0.5})
    made = Collection.of([fitted, desk("h")])
    assert made.meta["how"].tolist() == ["fit", "hand"]
    assert made.meta["total"].tolist()[0] == 1.5
    assert math.isnan(made.meta["total"].tolist()[1])


def test_names(tmp_path: Path) -> None:
    assert Collection.of([desk("a"), desk("a"), desk()]).names == ("a", "a (2)", "preset 2")
    assert Collection.of([desk("a"), desk("b")], ["x", "y"]).names == ("x", "y")
    folder = _write(tmp_path / "set", one=desk("a"))
    _write(folder / "deeper", two=desk("a", gain_level=1.0))
    assert Collection.load(folder).names == ("deeper/two", "one")
    with pytest.raises(InputError, match="2 presets of the set are called 'x'"):
        Collection.of([desk(), desk()], ["x", "x"])
    with pytest.raises(UsageError, match="3 names were given for 2"):
        Collection.of([desk(), desk()], ["x", "y", "z"])


def test_parts() -> None:
    made = desks([0.0, 1.0, 2.0, 3.0])
    assert made.take([3, 1]).names == ("desk 3", "desk 1")
    assert made.take(made.values[:, 0] > 1.5).names == ("desk 2", "desk 3")
    assert made.row("desk 2") == 2 == made.row("2")
    with pytest.raises(UsageError, match="no preset 'desk 9' in the set of 4; did you mean 'desk"):
        made.row("desk 9")
    with pytest.raises(UsageError, match="rows 0 to 3"):
        made.preset(4)
    assert made.frame().loc["desk 1", "gain.level"] == 1.0


# ---- refused -------------------------------------------------------------------------------------
def test_mixed_racks(tmp_path: Path) -> None:
    other = Preset.of(Rack([default_host().create("fx.gain")]))
    folder = _write(tmp_path / "set", a=desk(), b=other)
    with pytest.raises(PresetError, match=r"b\.json has another rack than .*a\.json: inserts is gain \(fx\.gain\)"):
        Collection.load(folder)
    sends = from_diffvox(np.zeros(151)).tree()
    del sends["parameters"]["send.delay.reverb"]
    with pytest.raises(PresetError, match=r"send\.delay\.reverb.*preset 1.* lacks this send, unlike preset 0"):
        Collection.of([from_diffvox(np.zeros(151)), Preset.from_text(json.dumps(sends))])


def test_a_missing_device(tmp_path: Path) -> None:
    tree = desk().tree()
    tree["rack"]["inserts"][1]["device"] = "elsewhere.pan"
    folder = _write(tmp_path / "set", a=desk(gain_level=1.0))
    (folder / "b.json").write_text(json.dumps(tree))
    with pytest.raises(PresetError, match=r"b\.json has another rack"):
        Collection.load(folder)
    (folder / "a.json").unlink()
    with pytest.raises(PresetError, match=r"b\.json: missing devices are refused here: slot 'pan'"):
        Collection.load(folder)


@pytest.mark.parametrize(("value", "told"), [(999.0, "has 999; it takes"), ("-inf", "has -inf; it takes"),
                                             (["x"], "pan.pan"), ("nan", "pan.pan")])  # fmt: skip
def test_values_out_of_range(tmp_path: Path, value: object, told: str) -> None:
    tree = desk().tree()
    tree["parameters"]["pan.pan"] = value
    folder = _write(tmp_path / "set", a=desk())
    (folder / "b.json").write_text(json.dumps(tree))
    with pytest.raises(PresetError) as caught:
        Collection.load(folder, duplicates="keep")
    assert told in str(caught.value)
    assert "pan.pan" in caught.value.path
    assert "b" in str(caught.value)


def test_an_unknown_parameter(tmp_path: Path) -> None:
    tree = desk().tree()
    tree["parameters"]["pan.width"] = 1.0
    folder = _write(tmp_path / "set", a=desk())
    (folder / "b.json").write_text(json.dumps(tree))
    with pytest.raises(PresetError, match=r"b\.json: device 'fx\.pan' has no parameter 'width'"):
        Collection.load(folder)


def test_what_a_preset_does_not_give_is_said() -> None:
    tree = desk(gain_level=-4.0).tree()
    del tree["parameters"]["pan.pan"]
    made = Collection.of([desk("a"), *[Preset.from_text(json.dumps(tree | {"name": name})) for name in "bcdefgh"]])
    assert made.values[1, made.columns.index("pan.pan")] == 0.0
    assert len(made.remarks) == 1
    assert made.remarks[0].startswith("not given, so the default stands in: pan.pan in preset 1 'b', preset 2 'c', ")
    assert made.remarks[0].endswith("and 2 more")


def test_duplicates(tmp_path: Path) -> None:
    folder = _write(tmp_path / "set", a=desk("one"), b=desk("two", gain_level=1.0), c=desk("three"))
    with pytest.raises(InputError, match=r"1 of 3 presets.*: c = a; keep them"):
        Collection.load(folder)
    assert len(Collection.load(folder, duplicates="keep")) == 3
    first = Collection.load(folder, duplicates="first")
    assert first.names == ("a", "b")
    assert "c = a; the first of each is kept" in first.remarks[0]
    Collection.load(folder, duplicates="keep").save(tmp_path / "set.parquet")
    with pytest.raises(InputError, match="c = a"):
        Collection.load(tmp_path / "set.parquet")


def test_a_switch_tells_presets_apart() -> None:
    made = Collection.of([desk("a"), desk("b", gain_bypass=True)], duplicates="refuse")
    assert len(made) == 2


@pytest.mark.parametrize("make", ["absent", "empty", "text"])
def test_no_set(tmp_path: Path, make: str) -> None:
    place = tmp_path / "set"
    if make == "empty":
        place.mkdir()
    if make == "text":
        place = tmp_path / "set.csv"
        place.write_text("a,b")
    with pytest.raises(InputError, match=str(place.name)):
        Collection.load(place)
    with pytest.raises(InputError, match="at least one preset"):
        Collection.of([])
    with pytest.raises(UsageError, match="write \\[preset\\]"):
        Collection.of(desk())  # pyright: ignore[reportArgumentType]


# ---- Parquet -------------------------------------------------------------------------------------
def _changed(path: Path, column: str, value: object) -> None:
    table = pyarrow.parquet.read_table(path)
    values = table[column].to_pylist()
    values[1] = value
    place = table.schema.get_field_index(column)
    pyarrow.parquet.write_table(table.set_column(place, column, pyarrow.array(values)), path)


@pytest.mark.parametrize(("value", "told"), [(math.nan, "no number"), (None, "no number"), (1e9, "has 1e")])
def test_a_table_with_a_wrong_number(tmp_path: Path, value: float | None, told: str) -> None:
    path = tmp_path / "set.parquet"
    desks([0.0, 1.0, 2.0]).save(path)
    _changed(path, "gain.level", value)
    with pytest.raises(PresetError, match=rf"gain\.level.*set\.parquet, desk 1 has.*{told.removeprefix('has ')}"):
        Collection.load(path)


def test_tables_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), path)
    with pytest.raises(InputError, match="something else"):
        Collection.load(path)
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        Collection.load(path)
    made = desks([0.0, 1.0])
    made.save(path)
    table = pyarrow.parquet.read_table(path)
    pyarrow.parquet.write_table(table.drop_columns(["pan.pan"]), path)
    with pytest.raises(InputError, match=r"lacks the column 'pan\.pan'"):
        Collection.load(path)
    words = pyarrow.array(["x", "y"])
    pyarrow.parquet.write_table(table.set_column(table.schema.get_field_index("pan.pan"), "pan.pan", words), path)
    with pytest.raises(InputError, match=r"pan\.pan"):
        Collection.load(path)
    about = json.loads(table.schema.metadata[b"voxrack.atlas"])
    wrong = [("version", 2, "upgrade voxrack"), ("template", "{}", "format"), ("columns", ["a"], "other versions of")]
    for key, value, told in wrong:
        metadata = {b"voxrack.atlas": json.dumps(about | {key: value}).encode()}
        pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), path)
        with pytest.raises(InputError, match=told):
            Collection.load(path)


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "set.parquet"
    desks([0.0, 1.0]).save(path)
    before = path.read_bytes()

    def fail(table: object, where: Path, **named: object) -> None:
        Path(where).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyarrow.parquet, "write_table", fail)
    with pytest.raises(OSError, match="No space"):
        desks([5.0, 6.0]).save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["set.parquet"]


def test_only_parquet_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"write 'set\.parquet'"):
        desks([0.0, 1.0]).save(tmp_path / "set.csv")


def test_one_preset_is_a_collection_and_no_statistics() -> None:
    from voxrack_atlas import correlate, normality, pca

    one = vocals(1)
    assert one.preset(0).name == "vocal 0"
    for action, told in ((pca, "at least 2"), (correlate, "at least 3"), (normality, "at least 12")):
        with pytest.raises(InputError, match=rf"{told} presets; the set holds 1 preset \(vocal 0\)"):
            action(one)


@pytest.mark.parametrize("first", ["hall", ""])
def test_files_of_the_presets_go_along(tmp_path: Path, first: str) -> None:
    pytest.importorskip("pedalboard", reason="needs a device that takes a file: the extra pedalboard")
    made = {}
    for number, word in enumerate([first, "room", "hall"]):
        answer = tmp_path / f"{word}.wav"
        if word:
            write(answer, Audio(np.full((1, 32), 0.01 * len(word), dtype=np.float32), 44100))
        values = {"impulse_response": str(answer) if word else ""}
        rack = Rack([default_host().create("fx.gain", level=-number), default_host().create(DEVICE, values)])
        made[f"p{number}"] = Preset.of(rack, name=f"p{number}", created="2026-01-31T12:00:00Z")
    folder = _write(tmp_path / "set", **made)
    for file in tmp_path.glob("*.wav"):
        file.unlink()
    (tmp_path / "kept").mkdir()
    Collection.load(folder).take([2, 1, 0]).save(tmp_path / "kept" / "set.parquet")
    shutil.rmtree(folder)
    held = Collection.load(tmp_path / "kept" / "set.parquet")
    for row, preset in enumerate(reversed(made.values())):
        assert held.preset(row) == preset
        held.preset(row).save(tmp_path / f"{row}.json")
        Preset.load(tmp_path / f"{row}.json").rack(missing="refuse")
    for file in (tmp_path / "kept" / "set.assets").iterdir():
        file.write_bytes(b"another")
    with pytest.raises(PresetError, match=r"impulse_response.*has changed"):
        Collection.load(tmp_path / "kept" / "set.parquet").preset(0).rack()


def test_a_preset_without_its_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pedalboard", reason="needs a device that takes a file: the extra pedalboard")
    write(tmp_path / "hall.wav", Audio(np.full((1, 32), 0.1, dtype=np.float32), 44100))
    device = default_host().create(DEVICE, {"impulse_response": str(tmp_path / "hall.wav")})
    preset = Preset.of(Rack([device]), name="p")
    folder = _write(tmp_path / "set", one=preset, two=preset)
    shutil.rmtree(folder / "two.assets")
    with pytest.raises(PresetError, match=r"two\.json: asset 'hall\.wav' is missing"):
        Collection.load(folder, duplicates="keep")
