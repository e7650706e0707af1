"""Presets: what is saved is what is loaded, byte for byte, whether or not the devices are there."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from preset_bench import EVERY, bench_host, bench_rack

from voxrack import Bus, Chain, DeviceSpec, Param, Preset, Rack, Slot
from voxrack.errors import InputError, PresetError, UsageError, VoxrackError
from voxrack.instance import Missing
from voxrack.preset import PresetWarning
from voxrack.preset_json import canonical, parse

WHEN = "2026-01-02T03:04:05Z"


@pytest.fixture
def host():
    return bench_host()


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "Plate é 1.WAV"
    path.write_bytes(b"RIFF and so on")
    return path


def same_values(a: Rack, b: Rack) -> bool:
    x, y = a.values(), b.values()
    return x.keys() == y.keys() and all(np.array_equal(x[key], y[key]) for key in x)


# ---- round trips ---------------------------------------------------------------------------------
def test_a_rack_comes_back_with_every_value(host, tmp_path):
    rack = bench_rack(host)
    path = Preset.of(rack, name="Everything").save(tmp_path / "all.json")
    again = Preset.load(path).rack(host)
    assert same_values(rack, again)
    assert again.slots().keys() == rack.slots().keys()
    assert again.get("first.level") == -math.inf and again.get("first.table")[2, 0] == -math.inf
    assert again.get("first.label") == "-inf", "a text that looks like a number stays text"
    assert again.input == "mono" and again.slots()["master.end"].bypass is True
    assert again.sends == {"early": -12.5, "late": -math.inf} and again.buses[0].sends == {"late": -6.0}


def test_saving_what_was_loaded_gives_the_same_bytes(host, tmp_path):
    path = Preset.of(bench_rack(host), name="x", tags=["a", "b"], losses={"mss": 1.25}).save(tmp_path / "x.json")
    loaded = Preset.load(path)
    assert loaded.save(tmp_path / "y.json").read_bytes() == path.read_bytes()
    by_rack = Preset.of(
        loaded.rack(host), name="x", tags=["a", "b"], losses={"mss": 1.25}, created=loaded.provenance["created"]
    )
    assert by_rack.text().encode() == path.read_bytes()
    assert by_rack.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert by_rack == loaded and hash(by_rack) == hash(loaded)


def test_one_preset_has_one_text_however_it_was_written(host):
    text = Preset.of(bench_rack(host), created=WHEN).text()
    tree = json.loads(text)
    shuffled = json.dumps(dict(reversed(tree.items())), indent=7).replace('"dry": -1', '"dry": -1.0e0')
    assert shuffled != text
    assert Preset.from_text(shuffled).text() == text


def test_values_are_keyed_by_address_and_not_by_order(host):
    tree = json.loads(Preset.of(bench_rack(host), created=WHEN).text())
    tree["rack"]["inserts"].reverse()
    rack = Preset.from_text(json.dumps(tree)).rack(host)
    assert [slot.name for slot in rack.inserts] == ["every", "first"]
    assert rack.get("first.mix") == 0.25 and rack.get("every.count") == 5


number = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
flat = st.none() | st.booleans() | number | st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    flat,
    lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text('abé. "\\', max_size=4), v, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("xyz", max_size=3), values, max_size=5))
@settings(max_examples=200, deadline=None)
def test_canonical_json_reads_back_as_the_same_value_and_the_same_text(tree):
    text = canonical(tree)
    assert json.loads(text) == tree
    assert canonical(json.loads(text)) == text
    assert "-0," not in text and text.endswith("\n")


@given(
    level=st.floats(-1e6, 12.0) | st.just(-math.inf),
    frequency=st.floats(20.0, 20_000.0),
    table=st.lists(st.lists(st.floats(-1e9, 4.0) | st.just(-math.inf), min_size=2, max_size=2), min_size=3, max_size=3),
    label=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    mix=st.floats(0.0, 1.0),
)
@settings(max_examples=60, deadline=None)
def test_any_value_survives_a_preset(level, frequency, table, label, mix):
    host = bench_host()
    device = host.create("bench.every", {"level": level, "tone.frequency": frequency, "table": table, "label": label})
    preset = Preset.of(Rack([Slot(device, mix=mix)]), created=WHEN)
    rack = Preset.from_text(preset.text()).rack(host)
    assert same_values(rack, Rack([Slot(device, mix=mix)]))
    assert Preset.of(rack, created=WHEN).text() == preset.text()


levels = st.floats(-1e4, 24.0) | st.just(-math.inf)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_wiring_survives_a_preset(data):
    host = bench_host()

    def chain() -> list[Slot]:
        return [
            Slot(host.create("bench.every", count=data.draw(st.integers(1, 8))), bypass=data.draw(st.booleans()))
            for _ in range(data.draw(st.integers(0, 3)))
        ]

    names = data.draw(st.lists(st.from_regex("[a-z][a-z0-9_-]{0,8}", fullmatch=True), unique=True, max_size=4))
    buses = [
        Bus(
            name,
            chain(),
            {to: data.draw(levels) for to in names[i + 1 :] if data.draw(st.booleans())},
            data.draw(levels),
        )
        for i, name in enumerate(names)
    ]
    sends = {name: data.draw(levels) for name in names if data.draw(st.booleans())}
    rack = Rack(chain(), buses, sends, data.draw(levels), chain(), data.draw(st.sampled_from(["as-is", "mono"])))
    preset = Preset.of(rack, created=WHEN)
    again = Preset.from_text(preset.text()).rack(host)
    assert repr(again) == repr(rack) and again.input == rack.input
    assert same_values(rack, again)
    assert Preset.of(again, created=WHEN).text() == preset.text()


def test_a_device_or_a_chain_is_a_rack_too(host):
    device = host.create("bench.every")
    assert Preset.of(device, created=WHEN).text() == Preset.of(Chain([device]), created=WHEN).text()


def test_left_out_parameters_take_their_defaults_and_check_says_so(host):
    preset = Preset.from_text(
        '{"format": "voxrack.preset", "version": 1,'
        ' "rack": {"inserts": [{"name": "one", "device": "bench.every"}]},'
        ' "parameters": {"one.level": -6, "one.table": 2}}'
    )
    rack = preset.rack(host)
    assert rack.get("one.level") == -6.0 and rack.get("one.count") == 3
    assert rack.get("one.table").tolist() == [[2, 2]] * 3
    assert preset.check(host) == ["slot 'one': 6 of 8 parameters are not given: defaults are used"]
    assert preset.upgraded(host).check(host) == []
    assert preset.upgraded(host).parameters["one.count"] == 3


# ---- canonical text ------------------------------------------------------------------------------
def test_the_file_is_sorted_and_plain(host):
    text = Preset.of(bench_rack(host), created=WHEN).text()
    tree = json.loads(text)
    assert list(tree) == sorted(tree) and list(tree["parameters"]) == sorted(tree["parameters"])
    assert '  "version": 1\n}\n' in text
    assert '"dry": -1,' in text, "whole numbers have no point"
    assert '"send.late": "-inf"' in text
    assert "      [1, 2],\n" in text, "the innermost list stands on one line"
    assert '{"device": "bench.every", "name": "first", "version": 1}' in text


def test_minus_zero_is_zero():
    assert canonical({"a": -0.0, "b": [0.1, -0.0, 1e22, 5e-324]}) == '{\n  "a": 0,\n  "b": [0.1, 0, 1e+22, 5e-324]\n}\n'


def test_canonical_refuses_what_json_has_no_word_for():
    with pytest.raises(ValueError, match="no JSON form"):
        canonical({"a": math.nan})
    with pytest.raises(TypeError, match="cannot hold a complex"):
        canonical({"a": 1j})


# ---- devices that are not there ------------------------------------------------------------------
def test_a_missing_device_is_bypassed_kept_and_said(host, tmp_path):
    path = Preset.of(bench_rack(host), name="x", created=WHEN).save(tmp_path / "x.json")
    empty = bench_host(EVERY.__class__("other.thing", "processor", "preset_bench:Wire"))
    with pytest.warns(PresetWarning) as said:
        rack = Preset.load(path).rack(empty)
    assert len(said) == 5
    assert "slot 'first' is bypassed, its settings are kept: there is no device 'bench.every'" in str(said[0].message)
    assert all(isinstance(slot.device, Missing) and slot.bypass for slot in rack.slots().values())
    assert "bench.every is missing" in rack.notes(48_000)[0]
    assert Preset.of(rack, name="x", created=WHEN).text().encode() == path.read_bytes()
    remarks = Preset.load(path).check(empty)
    assert len(remarks) == 5 and all("bypassed" in remark for remark in remarks)
    with pytest.raises(PresetError, match="missing devices are refused here: slot 'first'") as caught:
        Preset.load(path).rack(empty, missing="refuse")
    assert caught.value.path == "$.rack.inserts[0]"


def test_a_missing_device_keeps_values_that_nobody_understands(host):
    text = Preset.of(bench_rack(host), created=WHEN).text()
    tree = json.loads(text)
    tree["rack"]["inserts"].append({"name": "magic", "device": "acme.magic", "version": 9})
    tree["parameters"] |= {
        "magic.wand": [[1, "-inf"], []],
        "magic.spell.word": "abra",
        "magic.mix": 0.5,
        "magic.x": True,
    }
    tree["provenance"]["devices"]["acme.magic"] = 9
    preset = Preset.from_text(json.dumps(tree))
    with pytest.warns(PresetWarning, match="acme.magic"):
        rack = preset.rack(host)
    rack.set("first.mix", 0.25)
    again = Preset.of(rack, created=WHEN)
    assert again.text() == preset.text()
    with pytest.warns(PresetWarning, match="acme.magic"):
        assert Preset.of(preset.rack(host).copy(), created=WHEN) == preset


def test_a_device_whose_helper_is_missing_is_missing(host):
    text = '{"format": "voxrack.preset", "version": 1, "rack": {"inserts": [{"name": "n", "device": "bench.needy"}]}}'
    assert "enhancer" in Preset.from_text(text).check(host)[0]


def test_a_learned_device_with_weights_of_ones_own_is_there(recording, tmp_path):
    learned = DeviceSpec(
        "bench.learned", "processor", "preset_bench:Wire", (Param("weights", "", kind="asset"),),
        weights="voxrack/no-such-file.safetensors",
    )  # fmt: skip
    host = bench_host(learned)
    own = Slot(host.create("bench.learned", weights=str(recording)), name="own")
    path = Preset.of(Rack([own]), created=WHEN).save(tmp_path / "x.json")
    recording.unlink()
    rack = Preset.load(path).rack(host, missing="refuse")
    assert Path(rack.get("own.weights")).read_bytes() == b"RIFF and so on"
    tree = Preset.load(path).tree() | {"parameters": {"own.weights": ""}}
    assert "needs the weights 'voxrack/no-such-file" in Preset.from_text(json.dumps(tree)).check(host)[0]


def test_an_analyzer_is_not_a_slot(host):
    text = '{"format": "voxrack.preset", "version": 1, "rack": {"inserts": [{"name": "n", "device": "bench.meter"}]}}'
    with pytest.raises(PresetError, match="analyzer") as caught:
        Preset.from_text(text).rack(host)
    assert caught.value.path == "$.rack.inserts[0]"


# ---- assets --------------------------------------------------------------------------------------
def test_an_asset_travels_beside_the_preset(host, recording, tmp_path):
    path = Preset.of(bench_rack(host, recording), created=WHEN).save(tmp_path / "x.json")
    digest = hashlib.sha256(recording.read_bytes()).hexdigest()
    stored = tmp_path / "x.assets" / f"{digest}.wav"
    assert stored.read_bytes() == recording.read_bytes()
    assert [file.name for file in (tmp_path / "x.assets").iterdir()] == [stored.name]
    assert Preset.load(path).parameters["first.recording"] == {"name": "Plate é 1.WAV", "sha256": digest}
    recording.unlink()
    rack = Preset.load(path).rack(host)
    assert Path(rack.get("first.recording")) == stored
    far = tmp_path / "far"
    far.mkdir()
    again = Preset.of(rack, created=WHEN).save(far / "y.json")
    assert again.read_bytes() == path.read_bytes(), "the name of the recording is kept as well"
    assert (far / "y.assets" / stored.name).read_bytes() == stored.read_bytes()


def test_assets_of_a_missing_device_travel_too(host, recording, tmp_path):
    path = Preset.of(bench_rack(host, recording), created=WHEN).save(tmp_path / "x.json")
    with pytest.warns(PresetWarning):
        rack = Preset.load(path).rack(bench_host(EVERY.__class__("other.thing", "processor", "preset_bench:Wire")))
    far = tmp_path / "far"
    far.mkdir()
    again = Preset.of(rack, created=WHEN).save(far / "x.json")
    assert again.read_bytes() == path.read_bytes()
    assert Path(Preset.load(again).rack(host).get("first.recording")).read_bytes() == recording.read_bytes()


def test_a_changed_or_missing_asset_is_refused_with_its_place(host, recording, tmp_path):
    path = Preset.of(bench_rack(host, recording)).save(tmp_path / "x.json")
    (stored,) = (tmp_path / "x.assets").iterdir()
    stored.write_bytes(b"something else")
    with pytest.raises(PresetError, match="has changed since the preset was saved") as caught:
        Preset.load(path).rack(host)
    assert caught.value.path == '$.parameters["first.recording"]'
    stored.unlink()
    with pytest.raises(PresetError, match=r"missing; put the file back at .*x\.assets") as caught:
        Preset.load(path).check(host)
    with pytest.raises(PresetError, match="missing"):
        Preset.load(path).save(tmp_path / "y.json")
    assert not (tmp_path / "y.json").exists()


def test_no_asset_name_leads_out_of_the_folder(host, recording, tmp_path):
    tree = json.loads(Preset.of(bench_rack(host, recording)).text())
    for name in ("../../evil", "a/b", "a\\b", "/etc/passwd", "", "a\x00b", "x" * 256):
        tree["parameters"]["first.recording"]["name"] = name
        with pytest.raises(PresetError) as caught:
            Preset.from_text(json.dumps(tree))
        assert caught.value.path == '$.parameters["first.recording"].name'
    for digest in ("../" * 22, "0" * 63, "G" * 64, 5):
        tree["parameters"]["first.recording"] = {"name": "a", "sha256": digest}
        with pytest.raises(PresetError) as caught:
            Preset.from_text(json.dumps(tree))
        assert caught.value.path == '$.parameters["first.recording"].sha256'
    for name in ("..", ".", "a.wav/", "evil.sh; rm"):
        tree["parameters"]["first.recording"] = {"name": name.strip("/"), "sha256": "0" * 64}
        from voxrack.preset_assets import stored_name

        assert Path(stored_name(tree["parameters"]["first.recording"])).stem == "0" * 64


def test_an_asset_that_cannot_be_read_is_named(host, tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        Preset.of(bench_rack(host, tmp_path / "nowhere.wav"))


# ---- saving --------------------------------------------------------------------------------------
def test_a_save_that_fails_leaves_the_old_file(host, tmp_path, monkeypatch):
    path = Preset.of(bench_rack(host), name="old").save(tmp_path / "x.json")
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(VoxrackError, match="no space"):
        Preset.of(bench_rack(host), name="new").save(path)
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ["x.json"]


def test_only_json_files_are_written(host, tmp_path):
    with pytest.raises(UsageError, match=r"x\.json"):
        Preset.of(bench_rack(host)).save(tmp_path / "x.wav")


# ---- provenance ----------------------------------------------------------------------------------
def test_provenance_says_where_it_comes_from(host, recording):
    first = Preset.of(bench_rack(host), created=WHEN)
    second = Preset.of(
        bench_rack(host), how="fit", losses={"mss": np.float32(0.5)}, sources=[recording], parents=[first]
    )
    told = second.provenance
    assert told["how"] == "fit" and told["losses"] == {"mss": 0.5} and told["parents"] == [first.sha256]
    assert told["sources"] == [{"name": recording.name, "sha256": hashlib.sha256(recording.read_bytes()).hexdigest()}]
    assert told["devices"] == {"bench.every": 1} and told["made_by"].startswith("voxrack ")
    assert told["created"].endswith("Z") and len(told["created"]) == 20


def test_provenance_that_does_not_fit_is_refused(host):
    rack = bench_rack(host)
    for wrong, path in (
        ({"how": "magic"}, "$.provenance.how"),
        ({"created": "yesterday"}, "$.provenance.created"),
        ({"losses": {"mss": math.nan}}, "$.provenance.losses.mss"),
        ({"parents": ["abc"]}, "$.provenance.parents[0]"),
        ({"name": "x" * 201}, "$.name"),
        ({"name": "\ud800"}, "$.name"),
    ):
        with pytest.raises(PresetError) as caught:
            Preset.of(rack, **wrong)
        assert caught.value.path == path
    with pytest.raises(UsageError, match="list of words"):
        Preset.of(rack, tags="vocal")


def test_replace_changes_what_it_is_called_and_nothing_else(host):
    first = Preset.of(bench_rack(host), name="a", created=WHEN)
    second = first.replace(name="b", tags=["x"])
    assert (second.name, second.tags) == ("b", ("x",)) and second.parameters == first.parameters
    assert [str(change) for change in first.diff(second, host)] == ['name: "a" -> "b"', 'tags: [] -> ["x"]']


# ---- differences ---------------------------------------------------------------------------------
def test_differences_are_told_in_units(host):
    rack = bench_rack(host)
    first = Preset.of(rack)
    rack.set("first.tone.frequency", 2500)
    rack.set("every.on", False)
    rack.set("send.early", -math.inf)
    rack.set("first.table", [[1, 2], [3, 3.5], [-math.inf, 0.25]])
    changed = {change.address: change for change in first.diff(Preset.of(rack), host)}
    assert {address: str(change) for address, change in changed.items()} == {
        "first.tone.frequency": "first.tone.frequency: 1 kHz -> 2.5 kHz",
        "every.on": "every.on: on -> off",
        "send.early": "send.early: -12.5 dB -> -inf dB",
        "first.table": "first.table: 1 of 6 numbers differ, most at [1, 1]: 4 dB -> 3.5 dB",
    }
    assert changed["send.early"].before == -12.5 and changed["send.early"].after == "-inf"


def test_differences_of_structure(host):
    first = Preset.of(bench_rack(host))
    tree = json.loads(first.text())
    tree["rack"]["inserts"] = [{"name": "new", "device": "bench.needy"}, *reversed(tree["rack"]["inserts"])]
    tree["rack"]["buses"].pop()
    tree["rack"]["input"] = "as-is"
    tree["parameters"] = {a: v for a, v in tree["parameters"].items() if "late" not in a and "every_3" not in a}
    told = [str(change) for change in first.diff(Preset.from_text(json.dumps(tree)), host)]
    assert told == [
        "input: mono -> as-is",
        "bus 'late' removed",
        "slot 'every_3' (bench.every) removed",
        "slot 'new' (bench.needy) added",
        "inserts: first, every -> every, first",
    ]


def test_a_preset_does_not_differ_from_one_that_leaves_its_defaults_out(host):
    full = Preset.of(Rack([host.create("bench.every")]), created=WHEN)
    tree = json.loads(full.text())
    tree["parameters"] = {}
    assert full.diff(Preset.from_text(json.dumps(tree)), host) == []


def test_differences_without_the_device_are_told_as_they_stand(host):
    rack = bench_rack(host)
    first = Preset.of(rack)
    rack.set("first.count", 7)
    empty = bench_host(EVERY.__class__("other.thing", "processor", "preset_bench:Wire"))
    assert [str(change) for change in first.diff(Preset.of(rack), empty)] == ["first.count: 3 -> 7"]


# ---- looking -------------------------------------------------------------------------------------
def test_rows_tell_values_in_units_in_signal_order(host):
    rows = Preset.of(bench_rack(host)).rows(host)
    assert [row.address for row in rows[:3]] == ["first.level", "first.tone.frequency", "first.count"]
    assert rows[0].text == "-inf dB" and not rows[0].default
    assert rows[1].text == "1 kHz" and rows[1].default
    assert {row.slot for row in rows} == {"first", "every", "every_2", "every_3", "master.end", ""}
    assert next(row for row in rows if row.address == "send.early.late").text == "-6 dB"


def test_it_shows_itself(host, monkeypatch):
    monkeypatch.setattr("voxrack.host.default_host", lambda: host)
    preset = Preset.of(bench_rack(host), name="<b>Sharp</b>", about="Bright & close")
    assert repr(preset) == (
        "<Preset '<b>Sharp</b>': first → every → { early(every_2), late(every_3) } → end; 57 parameters>"
    )
    html = preset._repr_html_()
    assert "&lt;b&gt;Sharp&lt;/b&gt;" in html and "Bright &amp; close" in html
    assert "tone.frequency <b>440 Hz</b>" in html and preset.sha256[:12] in html


def test_parse_and_text_agree_on_the_published_schema(host):
    jsonschema = pytest.importorskip("jsonschema", reason="needs the extra dev")
    validator = jsonschema.Draft202012Validator(Preset.schema())
    tree = parse(Preset.of(bench_rack(host)).text())
    validator.validate(tree)
    for wrong in (
        {"nam": 1},
        {"version": 2},
        {"tags": "a"},
        {"parameters": {"dry": None}},
        {"rack": {"inserts": [{}]}},
    ):
        assert not validator.is_valid(tree | wrong)


def test_reading_presets_imports_nothing_heavy():
    code = (
        "import sys, voxrack; voxrack.Preset.schema; "
        "assert 'pydantic' not in sys.modules; voxrack.Preset.schema(); "
        "print([m for m in ('torch', 'librosa', 'scipy', 'numba', 'matplotlib', 'pedalboard') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
