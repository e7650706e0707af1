"""Feature files: streamed, whole or not at all, equal to what was put in."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from voxrack.datasets import Item
from voxrack.errors import InputError, UsageError, VoxrackError
from voxrack.feature_file import FeatureFile, FeatureWriter


def item(name: str, label: str = "happy") -> Item:
    return Item(f"toy/{name}", "toy", f"toy/{name[0]}", label, 1.5, name.rjust(64, "0"), {"gender": "female"})


def write(path: Path, lengths: tuple[int, ...] = (3, 1, 4), **named) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    arrays = [generator.normal(size=(length, 5)).astype(np.float32) for length in lengths]
    with FeatureWriter(path, "toy.one", {"n_fft": 4096}, **named) as writer:
        for number, array in enumerate(arrays):
            writer.add(item(f"{number}"), {"mfcc": array, "view": array[:1, 0]})
    return arrays


def test_what_was_added_is_read_back_bit_for_bit(tmp_path):
    arrays = write(tmp_path / "f.safetensors")
    file = FeatureFile(tmp_path / "f.safetensors")
    assert file.recipe == "toy.one" and file.options == {"n_fft": 4096} and file.names == ("mfcc", "view")
    assert file.items == tuple(item(str(number)) for number in range(3)) and len(file) == 3
    assert file.lengths("mfcc").tolist() == [3, 1, 4] and file.shape("mfcc") == (5,) and file.shape("view") == ()
    for number, array in enumerate(arrays):
        assert np.array_equal(file.get("mfcc", number).numpy(), array)
        assert np.array_equal(file.get("view", number).numpy(), array[:1, 0])


@settings(max_examples=20)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), shape=st.lists(st.integers(1, 3), max_size=2))
def test_any_lengths_and_shapes_come_back(tmp_path_factory, lengths, shape):
    path = tmp_path_factory.mktemp("any") / "f.safetensors"
    arrays = [np.full((length, *shape), number, np.float32) for number, length in enumerate(lengths)]
    with FeatureWriter(path, "toy.one", {}) as writer:
        for number, array in enumerate(arrays):
            writer.add(item(str(number)), {"x": array})
    file = FeatureFile(path)
    for number, array in enumerate(arrays):
        assert np.array_equal(file.get("x", number).numpy(), array)


def test_any_safetensors_reader_can_read_it(tmp_path):
    from safetensors.torch import load_file

    arrays = write(tmp_path / "f.safetensors")
    tensors = load_file(tmp_path / "f.safetensors")
    assert tensors["mfcc.offsets"].tolist() == [0, 3, 4, 8]
    assert np.array_equal(tensors["mfcc.values"].numpy(), np.concatenate(arrays))


def test_values_are_mapped_and_what_is_read_may_be_changed(tmp_path):
    arrays = write(tmp_path / "f.safetensors")
    file = FeatureFile(tmp_path / "f.safetensors")
    if (maps := Path("/proc/self/maps")).exists():
        address = file._values["mfcc"].data_ptr()
        spans = [line.split() for line in maps.read_text().splitlines() if line.endswith(str(file.path))]
        assert any(
            low <= address < high for low, high in ((int(end, 16) for end in span[0].split("-")) for span in spans)
        )
    file.get("mfcc", 0).zero_()
    assert np.array_equal(file.get("mfcc", 0).numpy(), arrays[0])
    copy = pickle.loads(pickle.dumps(file))  # as a worker process gets it
    assert torch.equal(copy.get("mfcc", 2), file.get("mfcc", 2))


def test_half_precision_halves_the_file_and_refuses_what_it_cannot_hold(tmp_path):
    arrays = write(tmp_path / "full.safetensors", (400,))
    write(tmp_path / "half.safetensors", (400,), dtype="float16")
    full, half = ((tmp_path / f"{name}.safetensors").stat().st_size for name in ("full", "half"))
    assert full - half == 400 * 5 * 2 + 2
    read = FeatureFile(tmp_path / "half.safetensors").get("mfcc", 0)
    assert read.dtype == torch.float32 and np.allclose(read.numpy(), arrays[0], rtol=2**-10)
    with (
        pytest.raises(InputError, match=r"not finite as float16; store float32"),
        FeatureWriter(tmp_path / "big.safetensors", "toy.one", {}, dtype="float16") as writer,
    ):
        writer.add(item("a"), {"x": np.full((1, 1), 1e6)})


def test_equal_content_has_equal_bytes_and_digest_and_other_content_another(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.safetensors")
    write(tmp_path / "c.safetensors", (3, 1, 5))
    a, b, c = (tmp_path / f"{name}.safetensors" for name in "abc")
    assert a.read_bytes() == b.read_bytes()
    assert FeatureFile(a).digest == FeatureFile(b).digest != FeatureFile(c).digest


def test_statistics_are_those_of_all_frames_of_the_chosen(tmp_path):
    arrays = write(tmp_path / "f.safetensors", (30, 10, 40))
    mean, deviation = FeatureFile(tmp_path / "f.safetensors").statistics("mfcc", [0, 2])
    chosen = np.concatenate([arrays[0], arrays[2]])
    assert np.allclose(mean, chosen.mean(0), atol=1e-6) and np.allclose(deviation, chosen.std(0), atol=1e-6)


@pytest.mark.parametrize(
    "arrays, said",
    [
        ({"mfcc": np.full((2, 5), np.nan)}, "not finite"),
        ({"mfcc": np.zeros((0, 5))}, "at least 1 frame"),
        ({"mfcc": np.zeros((2, 6))}, r"the others \(frames, \(5,\)\)"),
        ({"other": np.zeros((2, 5))}, r"features \['other'\]; the others have \['mfcc'\]"),
        ({}, "the others have"),
    ],
)
def test_odd_features_are_refused_by_name_and_the_file_goes_on(tmp_path, arrays, said):
    with FeatureWriter(tmp_path / "f.safetensors", "toy.one", {}) as writer:
        writer.add(item("a"), {"mfcc": np.zeros((2, 5))})
        with pytest.raises(InputError, match=said) as caught:
            writer.add(item("b"), arrays)
        assert "toy/b" in str(caught.value)
        writer.add(item("c"), {"mfcc": np.ones((1, 5))})
    file = FeatureFile(tmp_path / "f.safetensors")
    assert [one.id for one in file.items] == ["toy/a", "toy/c"] and file.lengths("mfcc").tolist() == [2, 1]


def test_wrong_use_is_refused(tmp_path):
    with FeatureWriter(tmp_path / "f.safetensors", "toy.one", {}) as writer:
        writer.add(item("a"), {"x": np.zeros((1, 1))})
        with pytest.raises(UsageError, match="added twice"):
            writer.add(item("a"), {"x": np.zeros((1, 1))})
    file = FeatureFile(tmp_path / "f.safetensors")
    with pytest.raises(UsageError, match="no features 'y'; it has x"):
        file.get("y", 0)
    with pytest.raises(UsageError, match="utterances 0 to 0; got 1"):
        file.get("x", 1)
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        FeatureWriter(tmp_path / "f.npz", "toy.one", {})
    with pytest.raises(VoxrackError, match="does not exist"):
        FeatureWriter(tmp_path / "no" / "f.safetensors", "toy.one", {})


# ---- whole or not at all --------------------------------------------------------------------------
def test_nothing_usable_writes_nothing_and_says_the_first_reason(tmp_path):
    with (
        pytest.raises(InputError, match=r"not one usable utterance; the first of 1 failures: toy/a: cut short"),
        FeatureWriter(tmp_path / "f.safetensors", "toy.one", {}) as writer,
    ):
        writer.skip("toy/a", "cut short")
    assert not list(tmp_path.iterdir())


def test_an_error_keeps_the_old_file_and_leaves_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "f.safetensors"
    write(path)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), FeatureWriter(path, "toy.one", {}) as writer:
        writer.add(item("a"), {"x": np.zeros((1, 1))})
        raise KeyboardInterrupt
    assert path.read_bytes() == before

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("voxrack.feature_writer.shutil.copyfileobj", full)
    with pytest.raises(VoxrackError, match="no space is left"):
        write(path, (9,))
    assert path.read_bytes() == before and [file.name for file in tmp_path.iterdir()] == ["f.safetensors"]


KILLED = """
import os, signal, sys
import numpy as np
from voxrack.datasets import Item
from voxrack.feature_file import FeatureWriter
with FeatureWriter(sys.argv[1], "toy.one", {}) as writer:
    for number in range(3):
        writer.add(Item(str(number), "c", "s"), {"x": np.zeros((100, 100))})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_kill_9_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "f.safetensors"
    write(path)
    before = path.read_bytes()
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["f.safetensors"]


# ---- files that are something else ----------------------------------------------------------------
def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "f.safetensors"
    write(path)
    data = path.read_bytes()
    for cut in (0, 5, 100, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(InputError, match=r"truncated, or no safetensors file.*prepare it again"):
            FeatureFile(path)


def test_other_files_are_refused_each_in_its_own_words(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "f.safetensors"
    with pytest.raises(InputError, match="does not exist"):
        FeatureFile(path)
    with pytest.raises(InputError, match="is a folder"):
        FeatureFile(tmp_path)
    torch.save({"x": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"pickle or a torch\.save archive.*save_file"):
        FeatureFile(path)
    path.write_bytes(pickle.dumps({"x": 1}))
    with pytest.raises(InputError, match="pickle"):
        FeatureFile(path)
    save_file({"x": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"is no voxrack\.features file \(its metadata says 'nothing'\)"):
        FeatureFile(path)
    metadata = {"format": "voxrack.features", "version": "99", "about": json.dumps({})}
    save_file({"x": torch.zeros(2)}, path, metadata)
    with pytest.raises(InputError, match="version 99, this voxrack knows 1: upgrade voxrack"):
        FeatureFile(path)
