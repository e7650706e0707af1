"""Weights: saved whole, never unpickled, shipped only with a card that is theirs."""

from __future__ import annotations

import pickle
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import torch
from hatchling.builders.wheel import WheelBuilder
from torch import nn

from voxrack import DeviceSpec, Host, Param, weights
from voxrack.errors import InputError, PluginError, UsageError
from voxrack.testing.hosts import Bundle

TENSORS = {"layer.weight": torch.arange(6.0).reshape(2, 3), "counts": torch.tensor([1, 2]), "scale": torch.tensor(2.0)}
ABOUT = {"labels": ["happy", "sad"], "temperature": 1.25, "training": {"seed": 3}}
SECTIONS = {heading: f"About {heading.lower()}." for heading in weights.SECTIONS}


def test_what_was_saved_is_loaded(tmp_path):
    path = tmp_path / "toy.safetensors"
    weights.save(path, TENSORS, ABOUT)
    found = weights.load(path)
    assert found.metadata == ABOUT and found.path == path and found.sha256 == weights.sha256(path)
    assert found.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(found.tensors[key], tensor) for key, tensor in TENSORS.items())
    found.tensors["scale"].zero_()  # a copy, that may be changed
    assert weights.load(path).tensors["scale"] == 2


def test_equal_weights_give_equal_bytes_in_whatever_order(tmp_path):
    weights.save(tmp_path / "a.safetensors", TENSORS, ABOUT)
    weights.save(tmp_path / "b.safetensors", dict(reversed(TENSORS.items())), dict(reversed(ABOUT.items())))
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_tied_and_strided_tensors_are_saved(tmp_path):
    shared = nn.Linear(3, 3)
    weights.save(tmp_path / "t.safetensors", {"a": shared.weight, "b": shared.weight, "c": shared.weight.T}, {})
    found = weights.load(tmp_path / "t.safetensors").tensors
    assert torch.equal(found["a"], found["b"]) and torch.equal(found["c"], shared.weight.detach().T)


def test_a_run_folder_stands_for_its_model(tmp_path):
    weights.save(tmp_path / "model.safetensors", TENSORS, ABOUT)
    assert weights.load(tmp_path).metadata == ABOUT


@pytest.mark.parametrize(
    "name, tensors, metadata, said",
    [
        ("x.pt", TENSORS, {}, r"end in \.safetensors"),
        ("x.safetensors", {}, {}, "no tensors"),
        ("x.safetensors", {"w": torch.tensor([1.0, float("nan")])}, {}, "tensor 'w' holds values that are not finite"),
        ("x.safetensors", TENSORS, {"labels": {"a"}}, "cannot be kept as JSON"),
        ("x.safetensors", TENSORS, {"t": float("inf")}, "cannot be kept as JSON"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(tmp_path, name, tensors, metadata, said):
    with pytest.raises(UsageError, match=said):
        weights.save(tmp_path / name, tensors, metadata)
    assert not list(tmp_path.iterdir())


def test_other_files_are_refused_each_in_its_own_words(tmp_path):
    from safetensors.torch import save_file

    path = tmp_path / "w.safetensors"
    with pytest.raises(InputError, match="does not exist"):
        weights.load(path)
    with pytest.raises(InputError, match="is a folder"):
        weights.load(tmp_path)
    for data in (b"", b"PK", b"<html>not found</html>"):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"truncated, or no safetensors file"):
            weights.load(path)
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(InputError, match=r"Git LFS pointer.*git lfs pull"):
        weights.load(path)
    weights.save(path, TENSORS, ABOUT)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"truncated.*train again, or get the file again"):
        weights.load(path)
    save_file(TENSORS, path, {"made": "elsewhere"})
    with pytest.raises(InputError, match=r"is no voxrack\.weights file"):
        weights.load(path)
    save_file(TENSORS, path, {"format": "voxrack.weights", "version": "2", "about": "{}"})
    with pytest.raises(InputError, match="upgrade voxrack"):
        weights.load(path)
    save_file(TENSORS, path, {"format": "voxrack.weights", "version": "1", "about": "{"})
    with pytest.raises(InputError, match="not what voxrack writes"):
        weights.load(path)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize("how", [lambda path: torch.save({"w": Trap()}, path),
                                 lambda path: path.write_bytes(pickle.dumps(Trap()))])  # fmt: skip
def test_a_pickle_is_never_opened(tmp_path, how):
    path = tmp_path / "w.safetensors"
    how(path)
    with pytest.raises(InputError, match=r"pickle.*may run any code.*save_file"):
        weights.load(path)


def test_a_header_whose_length_looks_like_a_pickle_is_none(tmp_path):
    path = tmp_path / "w.safetensors"
    for padding in range(0, 1400, 4):
        weights.save(path, TENSORS, {"x": "x" * padding})
        if path.read_bytes()[:2] == b"\x80\x04":  # 1152 bytes: the first of a pickle of protocol 4
            break
    else:
        pytest.fail("no header of that length was made")
    assert weights.load(path).metadata == {"x": "x" * padding}


# ---- by name --------------------------------------------------------------------------------------
@pytest.fixture
def package(tmp_path, monkeypatch):
    """An importable package `voxrack_toy_learned` with weights of one device."""
    folder = tmp_path / "voxrack_toy_learned" / "weights"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    weights.save(folder / "toy.one.safetensors", TENSORS, ABOUT)
    monkeypatch.syspath_prepend(tmp_path)
    return "voxrack_toy_learned"


def test_shipped_weights_are_found_by_name(package):
    assert weights.load("toy.one", package).metadata == ABOUT
    with pytest.raises(InputError, match=r"ships no weights 'toy\.two' \(there are: toy\.one\).*train toy\.two"):
        weights.load("toy.two", package)
    with pytest.raises(InputError, match="no installed package 'voxrack_no_such'"):
        weights.find("toy.one", "voxrack_no_such")


def test_a_device_without_shipped_weights_takes_a_file_of_ones_own(package, tmp_path):
    param = Param("weights", "", kind="asset", help="a file")
    specs = [
        DeviceSpec(f"toy.{name}", "processor", "toys:Scale", own, weights=f"{package}/weights/toy.{name}.safetensors")
        for name, own in (("one", (param,)), ("two", (param,)), ("three", ()))
    ]
    host = Host({"toy": Bundle(specs)}, discover=False)
    assert [entry.status for entry in host.devices()] == ["available", "unavailable", "unavailable"]  # one three two
    assert host.create("toy.one")
    with pytest.raises(PluginError, match=r"needs the weights"):
        host.create("toy.two")
    file = tmp_path / "mine.safetensors"
    weights.save(file, TENSORS, ABOUT)
    assert host.create("toy.two", weights=str(file))
    with pytest.raises(PluginError, match="needs the weights"):
        host.spec("toy.three")


# ---- cards ----------------------------------------------------------------------------------------
def test_a_card_belongs_to_its_file(tmp_path, monkeypatch):
    path = tmp_path / "toy.one.safetensors"
    weights.save(path, TENSORS, ABOUT)
    assert weights.card_problems(path) == ["toy.one.safetensors has no model card toy.one.md beside it"]
    card = weights.write_card(path, "Toy", SECTIONS)
    assert weights.card_problems(path) == [] and "9 numbers" in card.read_text()
    weights.save(path, TENSORS, {})
    assert weights.card_problems(path) == [
        "toy.one.md is the card of another file: it does not name the sha256 of toy.one.safetensors"
    ]
    card.write_text(card.read_text().replace("## Limits", "## Boundaries"))
    monkeypatch.setattr(weights, "LIMIT", 100)
    problems = weights.card_problems(path)
    assert any("no section 'Limits'" in text for text in problems) and any("below 100" in text for text in problems)
    with pytest.raises(UsageError, match="'Licence' is missing or empty"):
        weights.write_card(path, "Toy", {**SECTIONS, "Licence": " "})


def shipped():
    """Weight files of all built-in plugins."""
    names = sorted(point.value.partition(":")[0] for point in entry_points(group="voxrack.plugins"))
    return [file for name in names for file in sorted(weights.folder_of(name).glob("*.safetensors"))]


def test_every_shipped_file_loads_and_has_its_card_and_belongs_to_a_device_or_a_recipe():
    host = Host()
    wanted = {entry.spec.weights for entry in host.devices() if entry.spec.weights}
    wanted |= {f"{id}.safetensors" for id in host.recipes()}  # of a part of devices: a vocoder
    for file in shipped():
        assert weights.card_problems(file) == []
        assert weights.load(file).tensors
        assert file.name in {name.rpartition("/")[2] for name in wanted}


def test_the_wheel_holds_weights_and_cards():
    """Nothing keeps hatch from taking .safetensors and .md of a plugin along."""
    root = Path(__file__).resolve().parents[2]
    builder = WheelBuilder(str(root))
    taken = {Path(file.path).resolve() for file in builder.recurse_included_files()}
    for file in shipped():
        assert {file.resolve(), file.with_suffix(".md").resolve()} <= taken
    inside = root / "plugins" / "voxrack_ser" / "weights"
    for name in ("x.safetensors", "x.md"):
        assert builder.config.include_path(str((inside / name).relative_to(root)))
