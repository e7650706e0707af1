"""Spaces: there and back, the published vectors exactly, ranges kept, what a space cannot hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from atlas.small_sets import desk, desks, vocals
from conftest import data_root
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voxrack.errors import PresetError, UsageError
from voxrack_atlas import Collection, from_diffvox, space_of


@pytest.mark.parametrize("dataset", ["internal", "medleydb"])
def test_raw_is_the_published_vector_under_its_mask(dataset: str) -> None:
    folder = data_root() / "data" / "diffvox_presets" / dataset
    raw, mask = np.load(folder / "raw_params.npy").astype(float), np.load(folder / "feature_mask.npy")
    made = Collection.of(from_diffvox(row) for row in raw)
    raw[:, 17] = np.abs(raw[:, 17])
    np.testing.assert_allclose(made.points("raw"), raw[:, mask], rtol=0, atol=1e-11)
    assert made.space().name == "raw"


@pytest.mark.parametrize("name", ["raw", "perceptual", "logit"])
def test_there_and_back(name: str) -> None:
    made = vocals(6, seed=4)
    space = space_of(made.template, name)  # pyright: ignore[reportArgumentType]
    points = space.forward(made.values)
    assert points.shape == (6, len(space.columns)) and np.isfinite(points).all()
    np.testing.assert_allclose(space.inverse(points), made.values, rtol=1e-6, atol=1e-7)


@given(arrays(np.float64, (3, 130), elements=st.floats(-1e6, 1e6)))
def test_any_raw_point_is_a_preset(points: np.ndarray) -> None:
    space = space_of(_TEMPLATE)
    values = space.inverse(points)
    assert ((values >= space.low) & (values <= space.high)).all()


_TEMPLATE = from_diffvox(np.zeros(151))


@pytest.mark.parametrize("name", ["perceptual", "logit"])
@pytest.mark.parametrize("size", [1.0, 30.0, 1e4])
def test_any_other_point_is_a_preset(name: str, size: float) -> None:
    space = space_of(_TEMPLATE, name)  # pyright: ignore[reportArgumentType]
    values = space.inverse(size * np.random.default_rng(0).normal(size=(20, len(space.columns))))
    assert ((values >= space.low) & (values <= space.high)).all()
    assert np.isfinite(space.forward(values)).all()


def test_off_has_a_place_and_comes_back() -> None:
    made = desks([-math.inf, -100.0, -3.0])
    column = made.columns.index("gain.level")
    for name in ("perceptual", "logit"):
        space = made.space(name)  # pyright: ignore[reportArgumentType]
        points = made.points(space)
        assert np.isfinite(points).all()
        assert points[0, column] == points[1, column] < points[2, column]
        assert space.inverse(points)[0, column] == -math.inf


def test_perceptual_units() -> None:
    made = Collection.of([from_diffvox(np.zeros(151))] * 2)
    made.values[1] = made.values[0]
    columns = made.columns
    for address, factor, step in (("peq.peak1.frequency", 2.0, 3.0103), ("reverb.decay[7]", 10.0, 10.0)):
        made.values[1, columns.index(address)] *= factor
        points = made.points("perceptual")
        assert points[1, columns.index(address)] - points[0, columns.index(address)] == pytest.approx(step, abs=1e-4)
    assert made.points("perceptual")[0, columns.index("peq.mix")] == 10.0
    for address, step in (("peq.peak1.gain", 1.0), ("pan.pan", 0.1), ("compressor.look_ahead", 1.0)):
        made.values[1, columns.index(address)] += 1.0
        points = made.points("perceptual")
        assert points[1, columns.index(address)] - points[0, columns.index(address)] == pytest.approx(step)


def test_raw_leaves_gains_around_alone_and_refuses_the_rest() -> None:
    made = vocals(3)
    made.values[1, made.columns.index("pre.level")] = -9.0
    assert made.space().holds(made.values)
    for address, value, told in (("peq.low_shelf.q", 0.9, "holds 0.707 alone"), ("reverb.mix", 0.5, "1 alone"),
                                 ("peq.peak1.frequency", 20.0, "between 33 and 5400")):  # fmt: skip
        moved = made.take([0, 1, 2])
        moved.values[1, made.columns.index(address)] = value
        with pytest.raises(PresetError, match=told) as caught:
            moved.points("raw")
        assert address in caught.value.path and "vocal 1 has" in str(caught.value)
        assert moved.space("auto").name == "perceptual"


def test_other_racks_have_no_raw_space() -> None:
    assert space_of(desk()).name == "perceptual"
    with pytest.raises(UsageError, match="perceptual or logit"):
        space_of(desk(), "raw")
    with pytest.raises(UsageError, match="no space 'plain'"):
        space_of(desk(), "plain")  # pyright: ignore[reportArgumentType]


def test_shapes_are_checked() -> None:
    space = space_of(desk())
    with pytest.raises(UsageError, match=r"shape \(n, 5\)"):
        space.forward(np.zeros(4))
    with pytest.raises(UsageError, match="5 coordinates"):
        space.inverse(np.zeros((2, 4)))
