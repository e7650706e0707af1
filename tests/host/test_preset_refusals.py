"""What is wrong with a preset is said with its JSON path; nothing else ever comes out of one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from preset_bench import bench_host, bench_rack

from voxrack import Preset
from voxrack.errors import PresetError, UsageError
from voxrack.preset_json import MAX_BYTES

MINIMAL = '{"format": "voxrack.preset", "version": 1, "rack": {"inserts": [{"name": "one", "device": "bench.every"}]}'


@pytest.fixture(scope="module")
def host():
    return bench_host()


@pytest.fixture
def tree(host):
    return json.loads(Preset.of(bench_rack(host)).text())


def refused(text: str, host, path: str, words: str) -> None:
    with pytest.raises(PresetError, match=words) as caught:
        Preset.from_text(text).rack(host)
    assert caught.value.path == path
    assert str(caught.value).startswith(path + ": ")


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("", "$", "not JSON: Expecting value at line 1, column 1"),
        ("RIFF....WAVE", "$", "not JSON"),
        ("[1, 2]", "$", r"a preset is a JSON object; this is \[1, 2\]"),
        ("null", "$", "this is null"),
        (MINIMAL, "$", "not JSON"),
        ("\ufeff" + MINIMAL + "}", "$", "byte-order mark"),
        (MINIMAL + ', "name": "\\ud800"}', "$.name", "surrogate"),
        (MINIMAL + ', "name": "a", "name": "b"}', "$.name", "given twice"),
        (MINIMAL + ', "parameters": {"dry": 0, "dry": 0}}', "$.parameters.dry", "given twice"),
        (MINIMAL + ', "parameters": {"dry": NaN}}', "$.parameters.dry", "NaN is no number of JSON"),
        (MINIMAL + ', "parameters": {"dry": -Infinity}}', "$.parameters.dry", 'the text "-inf"'),
        (MINIMAL + ', "parameters": {"one.table": [1e999]}}', '$.parameters["one.table"][0]', "double-precision"),
        (MINIMAL + ', "parameters": {"dry": 123456789012345678901}}', "$.parameters.dry", "more digits"),
        (MINIMAL + ', "parameters": {"dry": 9007199254740993}}', "$.parameters.dry", "more digits"),
        (MINIMAL + ', "about": ' + "[" * 100_000, "$", "nested"),
        (MINIMAL + ', "about": ' + "[" * 20 + "]" * 20 + "}", "$.about" + "[0]" * 11, "more than 12 levels"),
    ],
)
def test_text_that_is_no_preset(text, path, words, host):
    refused(text, host, path, words)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (MINIMAL.encode("utf-16"), "UTF-16"),
        (MINIMAL.encode("utf-16-le"), "UTF-16"),
        (MINIMAL.encode("utf-32"), "UTF-16 or UTF-32"),
        (b"\xef\xbb\xbf" + MINIMAL.encode() + b"}", "without one"),
        (MINIMAL.encode() + b', "name": "caf\xe9"}', r"not UTF-8 text \(byte \d+\)"),
        (b"", "not JSON"),
        (b"\x00" * 100, "UTF-16"),
        (b'{"a": "' + b"x" * MAX_BYTES, "larger than 32 MB"),
    ],
)
def test_files_in_another_encoding(data, words, tmp_path):
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(PresetError, match=words) as caught:
        Preset.load(path)
    assert "x.json" in str(caught.value)
    with pytest.raises(PresetError, match=words):
        Preset.load(_Packed(path))  # as from a wheel that is a zip file


class _Packed:
    """A file that is not in the file system."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read_bytes(self) -> bytes:
        return self.path.read_bytes()

    def __str__(self) -> str:
        return self.path.name


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(PresetError, match=r"no such file.*nowhere\.json"):
        Preset.load(tmp_path / "nowhere.json")
    with pytest.raises(PresetError, match="is a folder"):
        Preset.load(tmp_path)
    with pytest.raises(PresetError, match="cannot be read"):
        Preset.load(tmp_path / "a\x00b.json")
    locked = tmp_path / "locked.json"
    locked.write_text("{}")
    locked.chmod(0)
    if not os.access(locked, os.R_OK):  # root reads everything
        with pytest.raises(PresetError, match="cannot be read"):
            Preset.load(locked)


def test_from_text_takes_text():
    with pytest.raises(UsageError, match=r"Preset\.load"):
        Preset.from_text(Path("x.json"))


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"format": "ableton"}, "$.format", '"ableton"'),
        ({"format": None}, "$.format", "voxrack.preset"),
        ({"version": 7}, "$.version", "this preset is version 7; this voxrack reads up to 1: upgrade voxrack"),
        ({"version": True}, "$.version", "whole number"),
        ({"version": "1"}, "$.version", "whole number"),
        ({"version": 1.0}, "$.version", "whole number"),
        ({"version": 0}, "$.version", "whole number"),
        ({"nmae": "x"}, "$.nmae", "unknown key; did you mean 'name'"),
        ({"name": 5}, "$.name", "5 is not allowed here: it takes text"),
        ({"name": "x" * 201}, "$.name", "it takes at most 200 characters"),
        ({"tags": "vocal"}, "$.tags", '"vocal" is not allowed here: it takes a list'),
        ({"tags": [1]}, "$.tags[0]", "it takes text"),
        ({"tags": ["x"] * 65}, "$.tags", "it takes at most 64 entries, and it has 65"),
        ({"rack": []}, "$.rack", "not allowed here: it takes an object"),
        ({"rack": {"serts": []}}, "$.rack.serts", "did you mean 'inserts'"),
        ({"rack": {"input": "stereo"}}, "$.rack.input", "'as-is' or 'mono'"),
        ({"parameters": []}, "$.parameters", "it takes an object"),
        ({"automation": [{"sample": 0}]}, "$.automation[0]", "reserved"),
        ({"automation": {}}, "$.automation", "reserved"),
        ({"provenance": {"made": "x"}}, "$.provenance.made", "did you mean 'made_by'"),
        ({"provenance": {"losses": {"a b": True}}}, '$.provenance.losses["a b"]', "it takes a number"),
        ({"provenance": {"sources": [{"name": "x"}]}}, "$.provenance.sources[0].sha256", "missing"),
        ({"provenance": {"created": "2026-01-01"}}, "$.provenance.created", "such as 2026-01-31T12:00:00Z"),
        ({"provenance": {"devices": {"fx": 1}}}, "$.provenance.devices.fx", "it takes a device's id, such as fx.gain"),
        ({"provenance": {"devices": {"fx.x": "1"}}}, '$.provenance.devices["fx.x"]', "it takes a whole number"),
    ],
)
def test_a_key_or_type_that_does_not_belong(change, path, words, host, tree):
    text = json.dumps({**tree, **change})
    if "automation" in change:
        path = "$.automation"
    refused(text, host, path, words)


def test_a_key_that_is_missing(host, tree):
    for key in ("format", "version", "rack"):
        refused(json.dumps({k: v for k, v in tree.items() if k != key}), host, f"$.{key}", "missing")


@pytest.mark.parametrize(
    ("address", "value", "words"),
    [
        ("first.level", 12.5, "level.* got 12.5; it takes -inf \\(off\\) to 12 dB"),
        ("first.level", "-6 dB", "-inf"),
        ("first.level", True, "True"),
        ("first.level", [1], "-inf"),
        ("first.tone.frequency", "inf", "20 to 20000 Hz"),
        ("first.count", 2.5, "whole number"),
        ("first.count", 9, "1 to 8"),
        ("first.on", 1, "true or false"),
        ("first.shape", "Hard", "one of hard, soft"),
        ("first.label", 5, "text"),
        ("first.table", [[1, 2], [3, 4]], "shape \\(2, 2\\).*3 row × 2 column"),
        ("first.table", [[1, 2], [3, 4], [5]], "shape"),
        ("first.table", [[1, 2], [3, 4], [5, 6]], "index \\[2, 0\\]"),
        ("first.table", [[[1], [2]], [[3], [4]], [[1], [1]]], "shape"),
        ("first.table", "0.5", "shape"),
        ("first.recording", "/etc/passwd", "is no asset"),
        ("first.recording", {"name": "a.wav", "sha256": "0" * 64}, "missing; put the file back"),
        ("first.mix", 1.5, "0 to 1"),
        ("first.mix", "0.5", "mix"),
        ("first.bypass", 0, "true or false"),
        ("first.levle", 1, "no parameter 'levle'; did you mean 'level'"),
        ("frist.level", 1, "names no slot of the rack; did you mean 'first'"),
        ("master.first.level", 1, "names no slot of the rack"),
        ("first", 1, "<slot>.<parameter>"),
        ("", 1, "<slot>.<parameter>"),
        ("send.nowhere", 1, "no bus 'nowhere'"),
        ("send.late.early", 1, "cannot send back"),
        ("send.early.early", 1, "cannot send back"),
        ("send", 1, "no such address"),
        ("send.early.late.x", 1, "no such address"),
        ("send.early", 25, "to 24 dB"),
        ("send.early", None, "null is no value"),
        ("bus.early", 1, "no such address"),
        ("bus.early.gain", 1, "no such address"),
        ("bus.late.level", "loud", "'loud'"),
        ("dry", {}, "the key is missing .an asset is"),
        ("offset", 1e9, "ms"),
        ("input", "mono", r"\$\.rack\.input"),
    ],
)
def test_a_value_or_address_that_does_not_fit(address, value, words, host, tree):
    tree["parameters"][address] = value
    with pytest.raises(PresetError, match=words) as caught:
        Preset.from_text(json.dumps(tree)).rack(host)
    word = address if address.isalpha() else f'["{address}"]'
    assert caught.value.path.startswith(f"$.parameters.{word}" if address.isalpha() else f"$.parameters{word}")


@pytest.mark.parametrize(
    ("where", "value", "path", "words"),
    [
        (("inserts", 0, "name"), "Two Words", "$.rack.inserts[0].name", "it takes a name of a-z, 0-9, _ and -"),
        (("inserts", 0, "name"), "send", "$.rack.inserts[0].name", "begins other addresses"),
        (("inserts", 0, "name"), "every_2", "$.rack.buses[0].slots[0].name", "two slots are named"),
        (("inserts", 0, "device"), "gain", "$.rack.inserts[0].device", "it takes a device's id"),
        (("inserts", 0, "version"), 0, "$.rack.inserts[0].version", "greater than or equal to 1"),
        (("inserts", 0, "version"), 2, "$.rack.inserts[0].version", "version 2 of 'bench.every'.*upgrade the package"),
        (("buses", 1, "name"), "early", "$.rack.buses[1].name", "two buses"),
        (("buses", 0, "name"), "new", '$.parameters["bus.early.level"]', "no bus 'early'"),
        (("master", 0, "bypass"), True, "$.rack.master[0].bypass", "unknown key"),
    ],
)
def test_wiring_that_does_not_fit(where, value, path, words, host, tree):
    place = tree["rack"]
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    refused(json.dumps(tree), host, path, words)


def test_too_many_slots(host, tree):
    tree["rack"]["inserts"] = [{"name": f"s{i}", "device": "bench.every"} for i in range(257)]
    tree["parameters"] = {}
    refused(json.dumps(tree), host, "$.rack.inserts", "at most 256")


def test_a_whole_signal_device_outside_the_inserts_is_a_refusal_of_the_rack():
    from voxrack import DeviceSpec

    host = bench_host(DeviceSpec("bench.whole", "processor", "preset_bench:Wire", streaming=False))
    wiring = {"master": [{"name": "w", "device": "bench.whole"}]}
    refused(json.dumps({"format": "voxrack.preset", "version": 1, "rack": wiring}), host, "$.rack", "whole signal")


def test_the_first_of_many_offences_is_told_and_the_others_counted(host, tree):
    refused(json.dumps({**tree, "a": 1, "b": 2, "c": 3}), host, "$.a", r"\(2 more like this\)")
