"""Statistics of each parameter, and the tests for normality."""

from __future__ import annotations

import math

import numpy as np
import pytest
from atlas.small_sets import desks, vocals

from voxrack.errors import InputError, UsageError
from voxrack_atlas import Collection, normality, stats
from voxrack_atlas.normal import henze_zirkler, royston


def test_figures_are_plain() -> None:
    levels = np.random.default_rng(0).normal(-6.0, 3.0, 50)
    row = stats(desks(levels)).loc["gain.level"]
    assert row["unit"] == "dB"
    assert [row["mean"], row["sd"]] == pytest.approx([levels.mean(), levels.std(ddof=1)])
    assert [row[q] for q in ("min", "median", "max")] == pytest.approx([levels.min(), np.median(levels), levels.max()])
    assert row["q05"] == pytest.approx(np.quantile(levels, 0.05))
    assert row["normal_p"] > 0.01 and not row["constant"]


def test_off_is_counted_and_left_out_of_the_mean() -> None:
    row = stats(desks([-math.inf, -2.0, -4.0, -math.inf])).loc["gain.level"]
    assert (row["off"], row["mean"], row["at_low"]) == (0.5, -3.0, 0.5)
    assert math.isnan(stats(desks([-math.inf] * 2)).loc["gain.level"]["mean"])


def test_ends_of_the_slider() -> None:
    row = stats(desks(np.zeros(4), [-100.0, -99.0, 0.0, 99.5])).loc["pan.pan"]
    assert (row["at_low"], row["at_high"]) == (0.5, 0.25)


def test_constants_are_told_without_a_warning(recwarn: pytest.WarningsRecorder) -> None:
    found = stats(desks([1.0, 2.0, 3.0]))
    assert found.index[found["constant"]].tolist() == ["gain.mix", "pan.pan", "pan.mix", "dry"]
    assert math.isnan(found.loc["pan.pan", "normal_p"]) and found.loc["pan.pan", "sd"] == 0.0
    assert len(stats(desks([1.0]))) == 5
    assert not recwarn.list


def test_coordinates_instead_of_units() -> None:
    made = vocals(30)
    found = stats(made, space="raw")
    assert tuple(found.index) == made.space().columns
    np.testing.assert_allclose(found["mean"], made.points().mean(axis=0))


def test_the_published_set_is_not_gaussian(internal: Collection) -> None:
    found = normality(internal, components=74)
    assert (found.rows, found.dimensions) == (365, 74)
    assert 1.0 - (1.0 - found.royston_p) == 0.0 == found.henze_zirkler_p  # as the paper prints them
    table = stats(internal, space="raw")
    assert (table["normal_p"] < 0.01).mean() > 0.8


def test_henze_and_zirkler_on_fishers_irises() -> None:
    from sklearn.datasets import load_iris

    statistic, p = henze_zirkler(load_iris().data[:50])  # setosa; Korkmaz et al. 2014 print these
    assert statistic == pytest.approx(0.9488453, abs=5e-8)
    assert p == pytest.approx(0.04995356, abs=5e-8)


def test_a_gaussian_passes_as_often_as_it_should() -> None:
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(300, 60, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 2.0]])
    for test in (lambda x: royston(x)[2], lambda x: henze_zirkler(x)[1]):
        p = np.array([test(rows) for rows in drawn])
        assert 0.01 < (p < 0.05).mean() < 0.12
        assert 0.4 < p.mean() < 0.6
        assert test(rng.exponential(size=(60, 3))) < 1e-4


def test_many_rows_are_drawn_from() -> None:
    table = np.random.default_rng(0).normal(size=(3000, 2))
    found = normality(table)
    assert found.rows == 2000 and found == normality(table, seed=0) != normality(table, seed=1)


def test_refused() -> None:
    with pytest.raises(InputError, match="more rows than dimensions"):
        normality(np.random.default_rng(0).normal(size=(20, 20)))
    with pytest.raises(InputError, match="finite rows"):
        normality(np.full((20, 2), np.nan))
    with pytest.raises(InputError, match="depend on each other"):
        column = np.random.default_rng(0).normal(size=(20, 1))
        normality(np.hstack([column, column]))
    with pytest.raises(UsageError, match="1 to 19"):
        normality(vocals(20), components=25)
