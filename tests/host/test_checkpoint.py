"""Checkpoints: any tree comes back as it was, in small shards, whole or not at all."""

from __future__ import annotations

import json
import math

import pytest
import torch

from voxrack import checkpoint
from voxrack.errors import InputError, UsageError, VoxrackError

STATE = {
    "optimiser": {"state": {0: {"step": torch.tensor(3.0), "avg": torch.arange(6.0).reshape(2, 3)}, 1: {}},
                  "groups": [{"lr": 0.1, "betas": (0.9, 0.999), "params": [0, 1], "foreach": None}]},
    "odd": {"$tensor": "no tensor", "empty": torch.zeros(0, 4), "half": torch.ones(3, dtype=torch.bfloat16),
            "bools": torch.tensor([True, False]), "ints": torch.tensor([[2**62]]), "nested": [(), {"a": [1.5, "x"]}]},
    "numbers": {"third": 1 / 3, "inf": math.inf, "on": True, "big": 2**70},
}  # fmt: skip


def equal(one, other) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(equal, one, other))
    return type(one) is type(other) and one == other


def test_a_tree_comes_back_as_it_was(tmp_path):
    place = checkpoint.save(tmp_path, 3, 17, STATE)
    assert place.name == "0003-000017" and checkpoint.latest(tmp_path) == place
    assert equal(checkpoint.load(place), STATE)


def test_an_optimiser_and_its_schedule_go_on_from_it(tmp_path):
    def steps(count, state=None):
        weight = torch.nn.Parameter(torch.ones(3))
        optimiser = torch.optim.AdamW([weight], lr=0.1)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.1, total_steps=20)
        if state:
            weight.data = state["weight"]
            optimiser.load_state_dict(state["optimiser"])
            schedule.load_state_dict(state["schedule"])
        for _ in range(count):
            weight.square().sum().backward()
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
        return {"weight": weight.data, "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}

    place = checkpoint.save(tmp_path, 0, 4, steps(4))
    assert torch.equal(steps(5, checkpoint.load(place))["weight"], steps(9)["weight"])


def test_shards_stay_below_16_mb_and_a_large_tensor_lies_in_pieces(tmp_path):
    state = {"large": torch.arange(10_000_000.0), "small": [torch.full((1000, 1000), float(n)) for n in range(5)]}
    place = checkpoint.save(tmp_path, 0, 1, state)
    sizes = [file.stat().st_size for file in place.iterdir()]
    assert len(sizes) >= 5 and max(sizes) < 16_000_000 and sum(sizes) > 60_000_000
    assert equal(checkpoint.load(place), state)


def test_the_newest_one_stays_and_half_done_ones_are_removed(tmp_path):
    for epoch, step in ((0, 999_999), (0, 1_000_000), (10_000, 0)):
        place = checkpoint.save(tmp_path, epoch, step, STATE)
        assert [path.name for path in tmp_path.iterdir()] == [place.name]
    (tmp_path / ".part-0123").mkdir()
    assert checkpoint.latest(tmp_path) == place and [path.name for path in tmp_path.iterdir()] == ["10000-000000"]
    assert checkpoint.latest(tmp_path / "none") is None


def test_the_same_moment_can_be_saved_again(tmp_path):
    checkpoint.save(tmp_path, 1, 0, {"x": 1})
    assert checkpoint.load(checkpoint.save(tmp_path, 1, 0, {"x": 2})) == {"x": 2}


def test_an_error_while_writing_keeps_the_old_one(tmp_path, monkeypatch):
    checkpoint.save(tmp_path, 1, 0, STATE)

    def full(path, data):
        path.write_bytes(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "_write", full)
    with pytest.raises(VoxrackError, match=r"no space is left.*untouched"):
        checkpoint.save(tmp_path, 2, 0, STATE)
    assert [path.name for path in tmp_path.iterdir()] == ["0001-000000"]
    assert equal(checkpoint.load(tmp_path / "0001-000000"), STATE)


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "garble", "newer"])
def test_damage_is_told_and_how_to_go_on(tmp_path, harm):
    place = checkpoint.save(tmp_path, 1, 0, STATE)
    shard, head = place / "shard-000.safetensors", place / "state.json"
    data = bytearray(shard.read_bytes())
    if harm == "flip":
        data[-1] ^= 1
        shard.write_bytes(data)
    elif harm == "cut":
        shard.write_bytes(data[:-5])
    elif harm == "remove":
        shard.unlink()
    elif harm == "garble":
        head.write_text(head.read_text()[:50])
    else:
        head.write_text(json.dumps({**json.loads(head.read_text()), "version": 2}))
    said = {"flip": "is damaged.*remove", "cut": "is damaged.*remove", "newer": "upgrade voxrack"}
    with pytest.raises(InputError, match=said.get(harm, "cannot be read.*remove")):
        checkpoint.load(place)


def test_what_it_cannot_keep_is_named_by_its_place(tmp_path):
    with pytest.raises(UsageError, match="cannot keep the set at /task/queue"):
        checkpoint.save(tmp_path, 0, 0, {"task": {"queue": {1, 2}}})
    assert not list(tmp_path.iterdir())
