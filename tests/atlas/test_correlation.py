"""Correlations: the slide's table, the notebook's matrix, ties and constants."""

from __future__ import annotations

import numpy as np
import pytest
from atlas.small_sets import desks, vocals
from benchmarks.diffvox_figures import SLIDE, recipe
from conftest import data_root
from scipy import stats as reference

from voxrack.errors import UsageError
from voxrack_atlas import Collection, correlate, effect_matrix
from voxrack_atlas.correlation import correlate_points


def test_the_table_of_the_slides(internal: Collection, medley: Collection) -> None:
    pairs, other = correlate(internal).pairs().head(10), correlate(medley).frame()
    assert list(zip(pairs["first"], pairs["second"])) == [(one, two) for one, two, _, _ in SLIDE]
    assert [f"{value:.2f}" for value in pairs["correlation"]] == [f"{here:.2f}" for _, _, here, _ in SLIDE]
    found = [other.loc[one, two] for one, two, _, _ in SLIDE]
    wanted = [there for *_, there in SLIDE]
    # the slide prints -0.30 for the expander's pair, whose coefficient is -0.29486: rounded by way of -0.295
    assert f"{found[6]:.5f}" == "-0.29486"
    assert [f"{v:.2f}" for v in np.delete(found, 6)] == [f"{v:.2f}" for v in np.delete(wanted, 6)]


@pytest.mark.parametrize("dataset", ["internal", "medleydb"])
def test_the_matrix_of_the_notebook(dataset: str, request: pytest.FixtureRequest) -> None:
    made: Collection = request.getfixturevalue({"internal": "internal", "medleydb": "medley"}[dataset])
    folder = data_root() / "data" / "diffvox_presets" / dataset
    raw = np.load(folder / "raw_params.npy").astype(float)
    raw = raw[np.load(folder / "train_index.npy")] if dataset == "internal" else raw
    points, columns = made.points(), made.space().columns
    points[:, columns.index("compressor.look_ahead")] *= np.sign(raw[:, 17])  # a preset holds its size
    matrix = effect_matrix(correlate_points(points, columns), made)
    np.testing.assert_allclose(matrix.to_numpy(), recipe(raw), atol=1e-12)
    assert list(matrix.columns) == ["peq.peak1", "peq.peak2", "peq.low_shelf", "peq.high_shelf", "peq.low_pass",
                                    "peq.high_pass", "compressor", "send.delay.reverb", "delay", "reverb"]  # fmt: skip
    ours = effect_matrix(correlate(made), made).to_numpy()
    assert np.nanmax(np.abs(ours - matrix.to_numpy())) < {"internal": 1e-3, "medleydb": 6e-3}[dataset]


@pytest.mark.parametrize("method", ["spearman", "pearson", "kendall"])
def test_against_scipy(method: str) -> None:
    points = np.random.default_rng(0).integers(0, 6, (40, 4)).astype(float)  # ties
    found = correlate_points(points, tuple("abcd"), method).matrix  # pyright: ignore[reportArgumentType]
    one = {"spearman": reference.spearmanr, "pearson": reference.pearsonr, "kendall": reference.kendalltau}[method]
    for i in range(4):
        for j in range(i):
            assert found[i, j] == found[j, i] == pytest.approx(one(points[:, i], points[:, j]).statistic)
    assert np.diag(found).tolist() == [1.0] * 4


def test_a_constant_has_no_correlation_and_is_named() -> None:
    made = desks([0.0, -3.0, -6.0, 2.0], [1.0, 5.0, 9.0, 0.0])
    found = correlate(made)
    assert found.constant == ("gain.mix", "pan.mix", "dry")
    table = found.frame()
    assert np.isnan(table.loc["dry", "gain.level"])
    assert table.loc["gain.level", "pan.pan"] == pytest.approx(-1.0)
    pairs = found.pairs()
    assert len(pairs) == 1 and set(pairs.iloc[0][["first", "second"]]) == {"gain.level", "pan.pan"}


def test_pairs_inside_arrays() -> None:
    found = correlate(vocals(8))
    inside = found.pairs(within_arrays=True)
    assert len(inside) == 130 * 129 // 2
    assert len(found.pairs()) == len(inside) - sum(n * (n - 1) // 2 for n in (12, 12, 49, 15))
    assert (np.diff(inside["correlation"].abs()) <= 0).all()
    array = inside["first"].str.partition("[")[0] == inside["second"].str.partition("[")[0]
    assert array.sum() == len(inside) - len(found.pairs())


def test_effects_of_another_rack() -> None:
    made = desks([0.0, -3.0, -6.0, 2.0], [1.0, 4.0, 9.0, 0.0])
    found = correlate(made)
    matrix = effect_matrix(found, made, all_effects=True)
    assert list(matrix.columns) == ["gain", "pan"]
    assert np.isnan(matrix.loc["gain", "gain"])  # its mix is constant: one number
    assert matrix.loc["gain", "pan"] == pytest.approx(abs(found.frame().loc["gain.level", "pan.pan"]))


def test_an_unknown_method() -> None:
    with pytest.raises(UsageError, match="spearman, pearson, kendall"):
        correlate(vocals(3), method="cosine")  # pyright: ignore[reportArgumentType]
