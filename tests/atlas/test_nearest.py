"""Neighbours and maps."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from atlas.small_sets import desk, desks, vocals

from voxrack.availability import importable
from voxrack.errors import InputError, PresetError, UsageError
from voxrack_atlas import Collection, embedding_map, from_diffvox, nearest
from voxrack_atlas.embedding_map import kept


def test_the_nearest_is_the_most_alike() -> None:
    held = desks([-30.0, -20.0, -12.0, -6.0, 0.0])
    for metric in ("mahalanobis", "standardised", "euclidean"):
        found = nearest(held, desk(gain_level=-11.0), 2, metric=metric)
        assert found["name"].tolist() == ["desk 2", "desk 3"], metric
        assert found["differs"][0].startswith("gain.level")
    euclidean = nearest(held, desk(gain_level=-11.0), 1, metric="euclidean", space="perceptual")
    assert euclidean["distance"][0] == pytest.approx(1.0)


def test_what_varies_much_counts_less() -> None:
    held = desks([-10.0, -8.0, -10.0, -9.0], [0.0, 0.0, 60.0, -60.0])
    assert nearest(held, "desk 0", 1, metric="standardised")["name"][0] == "desk 2"
    assert nearest(held, "desk 0", 1, metric="euclidean")["name"][0] == "desk 1"


def test_a_preset_of_the_set_is_not_its_own_neighbour() -> None:
    held = vocals(8)
    by_name, by_row = nearest(held, "vocal 3", 7), nearest(held, 3, 7)
    assert 3 not in by_name["row"].tolist() and len(by_name) == 7
    assert by_name.equals(by_row) and (np.diff(by_name["distance"]) >= 0).all()


def test_a_published_preset_is_nearest_to_itself(internal: Collection) -> None:
    found = nearest(internal, internal.preset(17), 3)
    assert found["row"][0] == 17 and found["distance"][0] < 1e-6 < found["distance"][1]


def test_refusals() -> None:
    held = desks([-10.0, -8.0])
    with pytest.raises(UsageError, match="row 9"):
        nearest(held, 9)
    with pytest.raises(UsageError, match="did you mean 'desk 1'"):
        nearest(held, "desk l")
    with pytest.raises(UsageError, match="1 or more"):
        nearest(held, 0, 0)
    with pytest.raises(UsageError, match="no metric"):
        nearest(held, 0, metric="city")  # pyright: ignore[reportArgumentType]
    with pytest.raises(PresetError, match="another rack"):
        nearest(held, from_diffvox(np.zeros(151)))
    with pytest.raises(UsageError, match="no neighbour"):
        nearest(desks([-1.0]), 0)


# ---- maps ----------------------------------------------------------------------------------------
def clouds() -> Collection:
    """Two groups of vocals, far apart."""
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(40, 151)) * 0.3
    raw[20:, :10] += 4.0
    return Collection.of(from_diffvox(row, name=f"v{i}") for i, row in enumerate(raw))


def test_groups_stay_groups() -> None:
    found = embedding_map(clouds(), neighbours=8, standardise=False, seed=2)
    plane = found[["x", "y"]].to_numpy()
    middles = plane[:20].mean(axis=0), plane[20:].mean(axis=0)
    nearer = np.linalg.norm(plane - middles[0], axis=1) < np.linalg.norm(plane - middles[1], axis=1)
    assert nearer[:20].all() and not nearer[20:].any()
    assert found["kept"].mean() > 0.4


def test_a_map_is_the_same_for_a_seed() -> None:
    held = vocals(12)
    a, b, c = (embedding_map(held, seed=seed) for seed in (3, 3, 4))
    assert a.equals(b) and list(a["name"]) == list(held.names)
    assert c.shape == a.shape


def test_share_of_neighbours_kept() -> None:
    points = np.arange(10.0)[:, None]
    assert kept(points, np.hstack([points, points]), 3).tolist() == [1.0] * 10
    mixed = np.random.default_rng(0).permutation(10).astype(float)
    assert kept(points, np.stack([mixed, 0 * mixed], axis=1), 3).mean() < 0.9


def test_maps_that_cannot_be() -> None:
    with pytest.raises(InputError, match="at least 5 presets"):
        embedding_map(vocals(4))
    with pytest.raises(UsageError, match="tsne or umap"):
        embedding_map(vocals(6), "isomap")  # pyright: ignore[reportArgumentType]


def test_umap_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)  # as where it is not installed
    with pytest.raises(UsageError, match=r"voxrack\[atlas\]"):
        embedding_map(vocals(6), "umap")


@pytest.mark.skipif(not importable("umap"), reason="umap-learn is not installed (extra atlas)")
def test_umap() -> None:
    """In a process without numba's compiler, which would take minutes over umap-learn."""
    code = """
import json, numpy as np
from voxrack_atlas.embedding_map import _umap
rng = np.random.default_rng(1)
points = np.vstack([rng.normal(size=(10, 6)) - 6.0, rng.normal(size=(10, 6)) + 6.0])
print(json.dumps([_umap(points, 4, seed).tolist() for seed in (0, 0, 1)]))
"""
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    first, again, other = (np.array(plane) for plane in json.loads(done.stdout.splitlines()[-1]))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    for plane in (first, other):
        assert plane.shape == (20, 2)
        middles = plane[:10].mean(axis=0), plane[10:].mean(axis=0)
        nearer = np.linalg.norm(plane - middles[0], axis=1) < np.linalg.norm(plane - middles[1], axis=1)
        assert nearer[:10].all() and not nearer[10:].any()
