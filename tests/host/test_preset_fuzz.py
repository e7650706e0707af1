"""Thousands of damaged presets: each is read or refused with a path, and nothing else ever happens."""

from __future__ import annotations

import copy
import json
import random
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from voxrack import Host, Preset
from voxrack.errors import PresetError
from voxrack.preset_json import decode

FOLDER = Path(__file__).resolve().parents[2] / "presets"
TEXTS = [path.read_text("utf-8") for path in sorted(FOLDER.glob("*.json"))]
TREES = [json.loads(text) for text in TEXTS]
ROUNDS = 1500  # of each kind
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 1e300, -1e300, 1e-320, 0.5, 2**53,
    "", "-inf", "inf", "nan", "0", "1 kHz", "é", "\x00", "../../etc/passwd", "x" * 9000,
    "fx.compressor", "fx.loudness", "acme.unknown",
    [], [[]], [1], [[1, 2], [3]], ["-inf"], [None], [{}], [0] * 5000, [[[[[[[[[[1]]]]]]]]]],
    {}, {"a": 1}, {"name": "a"}, {"name": "a", "sha256": "0" * 64}, {"name": "../a", "sha256": "0" * 64},
)  # fmt: skip


def places(tree: Any, keys: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a tree, as a tuple of keys."""
    members = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [keys, *(place for key, value in members for place in places(value, (*keys, key)))]


PLACES = [places(tree)[1:] for tree in TREES]


def parent(tree: Any, place: tuple[Any, ...]) -> Any:
    for key in place[:-1]:
        tree = tree[key]
    return tree


def mutate_value(tree: Any, place: tuple[Any, ...], rng: random.Random) -> None:
    """Another value, of another type or far out."""
    parent(tree, place)[place[-1]] = copy.deepcopy(rng.choice(STRANGE))


def mutate_number(tree: Any, place: tuple[Any, ...], rng: random.Random) -> None:
    """A number a little or far away; anything else is nudged."""
    holder, key = parent(tree, place), place[-1]
    old = holder[key]
    if isinstance(old, (int, float)) and not isinstance(old, bool):
        holder[key] = old * rng.choice((-1, 0.5, 2, 10, 1e6, -1e6)) + rng.choice((0, 1, -1, 0.25))
    elif isinstance(old, str):
        cut = rng.randrange(len(old) + 1)
        holder[key] = old[:cut] + rng.choice(("", ".", "x", " ", "_2", "\n", "ÿ")) + old[cut + rng.randrange(2) :]
    else:
        mutate_value(tree, place, rng)


def mutate_structure(tree: Any, place: tuple[Any, ...], rng: random.Random) -> None:
    """Drop, double, rename, move, or swap."""
    holder, key = parent(tree, place), place[-1]
    what = rng.randrange(5)
    if what == 0:
        del holder[key]
    elif what == 1 and isinstance(holder, dict):
        holder[rng.choice(("x", key + "x", key.upper(), key[:-1], "", "send.hall", "automation"))] = holder.pop(key)
    elif what == 1:
        holder.append(copy.deepcopy(holder[key]))
    elif what == 2 and isinstance(holder, list):
        rng.shuffle(holder)
    elif what == 3:
        holder[key] = rng.choice(([holder[key]], {"value": holder[key]}))
    else:
        other = rng.choice(places(tree)[1:])
        holder[key] = copy.deepcopy(parent(tree, other)[other[-1]])


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """Flip, cut, double, insert."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, what = rng.randrange(len(raw)), rng.randrange(5)
        if what == 0:
            raw[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            del raw[at : at + rng.choice((1, 3, 40))]
        elif what == 2:
            raw[at:at] = raw[at : at + rng.choice((1, 10, 200))]
        elif what == 3:
            raw[at:at] = rng.choice(
                (b"[" * 2000, b"\xff", b"NaN", b"-", b"1e999", b'"', b",", b"{", b"\\ud800", b"0" * 400)
            )
        else:
            raw = raw[: max(1, at)]
    return bytes(raw)


def outcome(data: bytes, host: Host) -> str:
    """ "accepted", or where it was refused; every other exception fails the test."""
    try:
        preset = Preset.from_text(decode(data))
        preset.rack(host)
    except PresetError as error:
        assert error.path.startswith("$") and str(error).startswith(error.path + ": ") and len(str(error)) < 2000
        return error.path
    assert Preset.from_text(preset.text()) == preset, "what is accepted comes back"
    preset.rows(host)
    preset.diff(preset, host)
    repr(preset)
    return "accepted"


@pytest.fixture(scope="module")
def host() -> Host:
    return Host()


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # missing devices are told; here they are the rule
        yield


@pytest.mark.parametrize("mutate", [mutate_value, mutate_number, mutate_structure])
def test_damaged_trees_are_read_or_refused_with_a_path(mutate, host):
    rng = random.Random(mutate.__name__)
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        which = rng.randrange(len(TREES))
        tree = copy.deepcopy(TREES[which])
        mutate(tree, rng.choice(PLACES[which]), rng)
        seen[outcome(json.dumps(tree).encode(), host)] += 1
    assert seen.total() == ROUNDS
    assert 0 < seen["accepted"] < ROUNDS
    assert len(seen) > 40, "the damage was told at many different places"


def test_damaged_bytes_are_read_or_refused_with_a_path(host):
    rng = random.Random("bytes")
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        seen[outcome(mutate_bytes(rng.choice(TEXTS).encode(), rng), host)] += 1
    assert seen.total() == ROUNDS
    assert seen["accepted"] > 0 and seen["$"] > ROUNDS // 4 and len(seen) > 20


def test_damage_upon_damage(host):
    rng = random.Random("pile")
    tree = copy.deepcopy(TREES[0])
    for step in range(ROUNDS):
        if step % 12 == 0:
            tree = copy.deepcopy(rng.choice(TREES))
        here = places(tree)[1:]
        if here:
            rng.choice((mutate_value, mutate_number, mutate_structure))(tree, rng.choice(here), rng)
        outcome(json.dumps(tree).encode(), host)
