"""voxrack preset and voxrack demo."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from command_line import done, lines, preset, run, tone

from voxrack import Preset


def test_list_names_every_factory_preset() -> None:
    found = json.loads(done("preset", "list", "--json").stdout)
    assert len(found) >= 12 and all(entry["about"] and not entry["error"] for entry in found)
    assert found[0]["name"] in done("preset", "list").stdout


def test_show_in_units_and_as_the_file(tmp_path: Path) -> None:
    file = preset(tmp_path, level=-6.0)
    text = done("preset", "show", file).stdout
    assert "slot.level" in text and "-6 dB" in text
    assert Preset.from_text(done("preset", "show", file, "--json").stdout) == Preset.load(file)


def test_check_tells_valid_from_invalid(tmp_path: Path) -> None:
    good, bad = preset(tmp_path, level=-6.0), preset(tmp_path, name="bad", level="loud")
    assert "is valid" in done("preset", "check", good).stdout
    alone = run("preset", "check", bad)
    assert alone.exit_code == 3 and "slot.level" in alone.stderr
    both = run("preset", "check", good, bad, "--json")
    assert both.exit_code == 1
    first, second = lines(both)
    assert first["valid"] and not second["valid"] and second["path"] == '$.parameters["slot.level"]'


def test_check_names_a_missing_device_and_passes(tmp_path: Path) -> None:
    result = done("preset", "check", preset(tmp_path, "gone.device"), "--json")
    assert any("gone.device" in remark for remark in lines(result)[0]["remarks"])


def test_upgrade_writes_what_the_current_version_writes(tmp_path: Path) -> None:
    file = preset(tmp_path, level=-6.0)
    assert "was upgraded" in done("preset", "upgrade", file).stdout
    assert file.read_text(encoding="utf-8") == Preset.load(file).upgraded().text()
    stamp = file.stat().st_mtime_ns
    assert "is up to date" in done("preset", "upgrade", file).stdout and file.stat().st_mtime_ns == stamp
    done("preset", "upgrade", file, "-o", tmp_path / "new.json")
    assert Preset.load(tmp_path / "new.json") == Preset.load(file)


def test_upgrade_of_a_factory_preset_wants_a_file_to_write_to(tmp_path: Path) -> None:
    refused = run("preset", "upgrade", "telephone")
    assert refused.exit_code == 2 and "'telephone' is a factory preset; give a file with -o" in refused.stderr
    done("preset", "upgrade", "telephone", "-o", tmp_path / "mine.json")
    assert Preset.load(tmp_path / "mine.json").name == "Telephone"


def test_upgrade_leaves_a_bad_file_alone(tmp_path: Path) -> None:
    file = preset(tmp_path, level="loud")
    before = file.read_bytes()
    assert run("preset", "upgrade", file).exit_code == 3 and file.read_bytes() == before
    assert run("preset", "upgrade", file, file, "-o", tmp_path / "x.json").exit_code == 2


def test_diff(tmp_path: Path) -> None:
    one, two = preset(tmp_path, name="one", level=-6.0), preset(tmp_path, name="two", level=3.0)
    text = done("preset", "diff", one, two).stdout
    assert "slot.level" in text and "-6 dB" in text and "3 dB" in text
    changes = json.loads(done("preset", "diff", one, two, "--json").stdout)
    level = next(change for change in changes if change["address"] == "slot.level")
    assert (level["before"], level["after"]) == (-6, 3)
    assert done("preset", "diff", one, one).stdout == ""


def test_schema_accepts_a_preset(tmp_path: Path) -> None:
    schema = json.loads(done("preset", "schema").stdout)
    assert schema == json.loads(done("preset", "schema", "--json").stdout)
    jsonschema.validate(json.loads(preset(tmp_path, level=-6.0).read_text()), schema)


def test_save_keeps_changes_and_parent(tmp_path: Path) -> None:
    file = preset(tmp_path, level=-6.0)
    done("preset", "save", file, "-o", tmp_path / "mine.json", "--set", "slot.level=-12dB", "--name", "Mine")
    mine = Preset.load(tmp_path / "mine.json")
    assert mine.name == "Mine" and mine.parameters["slot.level"] == -12
    assert mine.provenance["parents"] == [Preset.load(file).sha256]
    assert run("preset", "save", file, "-o", tmp_path).exit_code == 2
    assert run("preset", "save", file, "-o", tmp_path / "x.txt").exit_code == 2


# ---- demo --------------------------------------------------------------------------------------
def test_demo_makes_audio_picture_preset_and_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # the usual terminal: a row stays on one line
    mine = tone(tmp_path / "my voice ü.wav", 1.0, channels=2)
    table = done("demo", "-o", tmp_path / "out").stdout
    result = done("demo", "--in", mine, "-o", tmp_path / "out", "--json")  # it works twice in a row
    told = json.loads(result.stdout)
    assert Preset.load(told["preset_file"]).rack() is not None
    assert [Path(entry["source"]).name for entry in told["files"]] == ["voice.flac", mine.name]
    for entry in told["files"]:
        assert Path(entry["target"]).stat().st_size > 1000
        assert Path(entry["picture"]).read_bytes().startswith(b"\x89PNG")
        assert entry["loudness_in"] < 0 and entry["times_real_time"] > 0 and entry["latency_ms"] >= 0
    assert re.search(r"voice.flac .*s .*→ .*→ .* ms .* s .*×$", table, re.MULTILINE)
    for word in ("loudness", "LUFS", "peak", "latency", "tail", "real time"):
        assert word in table


def test_demo_takes_a_preset_file_and_a_file_named_as_the_clip(tmp_path: Path) -> None:
    mine = tone(tmp_path / "voice.wav", 0.1)  # too short for a loudness
    told = json.loads(done("demo", "--in", mine, "--preset", preset(tmp_path), "-o", tmp_path / "o", "--json").stdout)
    assert len({entry["target"] for entry in told["files"]}) == 2 and told["preset"] == "one"
    assert told["files"][1]["loudness_in"] is None


@pytest.mark.parametrize(
    ("words", "code"), [(["--in", "no-such.wav"], 3), (["--preset", "no-such"], 2), (["-o", "FILE"], 2)]
)
def test_demo_refuses_before_it_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("mine")
    assert run("demo", *words).exit_code == code
    assert [path.name for path in tmp_path.iterdir()] == ["FILE"]
