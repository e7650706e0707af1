"""Principal components: the paper's figures, weights, scales, constants, and other sets seen through them."""

from __future__ import annotations

import numpy as np
import pytest
from atlas.small_sets import desks, vocals

from voxrack import Preset
from voxrack.errors import InputError, UsageError
from voxrack_atlas import Collection, pca
from voxrack_atlas.projection import area, components_for, fit_weights


def test_explained_variance_of_the_paper(internal: Collection) -> None:
    found = pca(internal)
    assert found.space == "raw" and found.components.shape == (130, 130)
    assert [f"{100 * share:.3f}" for share in found.ratios[:5]] == ["13.858", "9.721", "8.224", "7.175", "6.373"]


def test_components_for_99_percent_of_the_paper(internal: Collection, medley: Collection) -> None:
    first, second = pca(internal), pca(medley)
    assert second.components.shape == (69, 130)
    across = np.cumsum(first.spectrum(medley.points()))
    shares = [first.needed(0.99) / 130, second.needed(0.99) / 69, components_for(across, 0.99) / 130]
    assert [f"{100 * share:.2f}" for share in shares] == ["59.23", "65.22", "76.92"]


def test_it_is_the_covariance_taken_apart(medley: Collection) -> None:
    points, found = medley.points(), pca(medley)
    np.testing.assert_allclose(found.components @ found.components.T, np.eye(69), atol=1e-10)
    rebuilt = (found.components.T * found.variances) @ found.components
    np.testing.assert_allclose(rebuilt, np.cov(points.T), atol=1e-9)
    np.testing.assert_allclose(found.points(found.scores(points)), points, atol=1e-9)
    np.testing.assert_allclose(np.var(found.scores(points, whiten=True), axis=0, ddof=1), 1.0)
    np.testing.assert_allclose(found.points(found.scores(points, whiten=True), whiten=True), points, atol=1e-9)
    largest = np.abs(found.components).argmax(axis=1)
    assert (found.components[np.arange(69), largest] > 0).all()


def test_few_scores_leave_the_rest_at_the_mean(medley: Collection) -> None:
    found = pca(medley)
    np.testing.assert_allclose(found.points(np.zeros((2, 3))), np.tile(found.mean, (2, 1)))
    moved = found.points(np.array([[2.0]]), whiten=True)[0] - found.mean
    np.testing.assert_allclose(moved, 2.0 * np.sqrt(found.variances[0]) * found.components[0])


def test_weights() -> None:
    points = np.random.default_rng(0).normal(size=(40, 5)) @ np.diag([1, 2, 3, 4, 5])
    plain, equal = pca(points), pca(points, weights=np.full(40, 7.0))
    np.testing.assert_allclose(plain.variances, equal.variances)
    np.testing.assert_allclose(plain.components, equal.components, atol=1e-9)
    some = np.arange(40) < 25
    np.testing.assert_allclose(pca(points, weights=some).variances, pca(points[some]).variances)
    np.testing.assert_allclose(pca(points, weights=some).mean, points[some].mean(axis=0))
    whole = np.random.default_rng(1).integers(1, 4, 40)
    np.testing.assert_allclose(pca(points, weights=whole).mean, np.repeat(points, whole, axis=0).mean(axis=0))


@pytest.mark.parametrize("weights", [np.ones(3), -np.ones(40), np.full(40, np.nan), np.zeros(40), np.eye(40)[0]])
def test_weights_that_are_none(weights: np.ndarray) -> None:
    with pytest.raises(UsageError, match="40 finite numbers"):
        pca(np.random.default_rng(0).normal(size=(40, 5)), weights=weights)


def test_standardised() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3)) * [1.0, 100.0, 0.01] + [5.0, -3.0, 0.0]
    found = pca(points, standardise=True)
    np.testing.assert_allclose(found.scale, points.std(axis=0, ddof=1))
    np.testing.assert_allclose(found.variances.sum(), 3.0)
    np.testing.assert_allclose(found.variances, np.sort(np.linalg.eigvalsh(np.corrcoef(points.T)))[::-1])
    np.testing.assert_allclose(found.points(found.scores(points)), points)
    np.testing.assert_allclose(pca(points * [9.0, 1.0, 1.0], standardise=True).ratios, found.ratios)


def test_a_constant_column_is_named_and_moved_by_no_component() -> None:
    made = desks([0.0, -3.0, -6.0, 2.0], [10.0, -5.0, 0.0, 7.0])
    for standardise in (False, True):
        found = pca(made, standardise=standardise)
        assert found.constant == ("gain.mix", "pan.mix", "dry")
        assert len(found.variances) == 2
        places = [found.columns.index(name) for name in found.constant]
        assert not found.components[:, places].any()
        assert np.isfinite(found.scores(made.points())).all()


def test_fit_weights() -> None:
    fitted = [Preset.of(preset.rack(), name=preset.name, how="fit", losses={"total": loss})
              for preset, loss in zip(vocals(3).presets(), (0.5, 1.0, 2.0), strict=True)]  # fmt: skip
    made = Collection.of(fitted)
    np.testing.assert_allclose(fit_weights(made), [4.0, 1.0, 0.25])
    np.testing.assert_allclose(pca(made, weights=fit_weights(made)).mean, np.average(made.points(), axis=0,
                               weights=[4.0, 1.0, 0.25]))  # fmt: skip
    with pytest.raises(InputError, match="vocal 0 has no 'total'"):
        fit_weights(vocals(2))
    with pytest.raises(UsageError, match="knows no 'loudness'"):
        fit_weights(made, "loudness")


def test_refused() -> None:
    with pytest.raises(InputError, match="agree in every number"):
        pca(np.ones((4, 3)))
    with pytest.raises(InputError, match="n at least 2"):
        pca(np.ones((1, 3)))
    with pytest.raises(InputError, match="point 1, coordinate 2 is nan"):
        pca(np.array([[0.0, 1.0, 2.0], [1.0, 2.0, np.nan]]))
    found = pca(np.random.default_rng(0).normal(size=(5, 3)))
    for action in (lambda: found.scores(np.zeros((2, 4))), lambda: found.points(np.zeros((2, 4)))):
        with pytest.raises(UsageError, match="shape"):
            action()
    with pytest.raises(UsageError, match="between 0 and 1"):
        found.needed(1.0)


def test_cumulative_shares() -> None:
    assert components_for([0.5, 0.8, 0.99, 1.0], 0.99) == 4  # more than it
    assert components_for([0.5, 0.8, 0.995, 1.0], 0.99) == 3
    assert components_for([0.5, 0.98], 0.99) == 2  # rounding keeps the last from 1
    assert area([0.5, 1.0]) == pytest.approx(0.5)  # trapezia 0 to 0.5, 0.5 to 1
    assert area(np.linspace(0.01, 1.0, 100)) == pytest.approx(0.5)


def test_sets_of_two_racks_do_not_meet() -> None:
    made = desks([0.0, 1.0])
    with pytest.raises(InputError, match="different racks"):
        vocals(2).points(made.space())
