"""Priors: densities that integrate to one and agree with their draws, what ships, files and what is refused."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from conftest import data_root
from scipy.stats import kstest, multivariate_normal, norm

from voxrack import Preset
from voxrack.errors import InputError, UsageError
from voxrack_atlas import default_prior
from voxrack_atlas.flow import Flow
from voxrack_atlas.gaussian import Gaussian, moments, shrunk
from voxrack_atlas.marginals import Marginals
from voxrack_atlas.mixture import Mixture
from voxrack_atlas.prior import Prior, default_flow, load_prior, vocal_template
from voxrack_atlas.spaces import space_of

DATA = files("voxrack_atlas") / "data"


def two_humps(count: int, seed: int = 0) -> np.ndarray:
    """Points (count, 2) of two clouds, one of them skewed, whose columns go together."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random(count) < 0.3, rng.normal(-4.0, 0.5, count), rng.normal(2.0, 1.5, count))
    return np.stack([x, 0.7 * x + rng.gamma(2.0, 1.0, count)], axis=1)


def made(kind: str, points: np.ndarray) -> Prior:
    columns = tuple(f"c{i}" for i in range(points.shape[1]))
    if kind == "gaussian":
        mean, covariance = moments(points)
        return Gaussian(columns=columns, mean=mean, covariance=covariance)
    if kind == "mixture":
        return Mixture(columns=columns, **Mixture.estimate(points, parts=3, components=2, shrink=0.0, seed=0))
    return Flow(columns=columns, **Flow.estimate(points, factors=1, parts=4, seed=0))


KINDS = ("gaussian", "mixture", "flow")


@pytest.mark.parametrize("kind", KINDS)
def test_density_integrates_to_one(kind: str) -> None:
    prior = made(kind, two_humps(800))
    side = np.linspace(-25.0, 25.0, 501)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    assert np.exp(prior.log_density(grid)).sum() * (side[1] - side[0]) ** 2 == pytest.approx(1.0, abs=5e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_come_from_the_density(kind: str) -> None:
    """Importance weights of the draws against a wide normal density integrate its region's probability."""
    prior = made(kind, two_humps(800))
    drawn = prior.sample(20_000, np.random.default_rng(1))
    side = np.linspace(-25.0, 25.0, 501)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.exp(prior.log_density(grid)) * (side[1] - side[0]) ** 2
    for low, high in (((-6, -6), (-2, 2)), ((0, 0), (3, 4)), ((2, 3), (9, 12))):
        inside = [((points > low) & (points < high)).all(axis=1) for points in (drawn, grid)]
        assert inside[0].mean() == pytest.approx(mass[inside[1]].sum(), abs=0.02)


def test_gaussian_is_scipys() -> None:
    points = two_humps(300)
    prior = made("gaussian", points)
    mean, covariance = moments(points)
    np.testing.assert_allclose(prior.log_density(points), multivariate_normal(mean, covariance).logpdf(points))
    assert isinstance(prior, Gaussian)
    np.testing.assert_allclose(prior.squared_distance(mean[None]), 0.0)


def test_a_flow_follows_what_is_not_gaussian() -> None:
    train, other = two_humps(800), two_humps(800, seed=5)
    flow, plain = (made(kind, train).log_density(other).mean() for kind in ("flow", "gaussian"))
    assert flow > plain + 0.3


def test_marginals_there_and_back() -> None:
    points = two_humps(500)
    marginals = Marginals.fit(points)
    scores, _ = marginals.forward(points)
    assert kstest(scores[:, 0], norm.cdf).pvalue > 0.01
    np.testing.assert_allclose(marginals.inverse(scores), points, atol=1e-8)
    ends = np.array([[-11.0, 11.0], [-6.0, 6.0], [0.0, 0.0]])
    np.testing.assert_allclose(marginals.forward(marginals.inverse(ends))[0], ends, atol=1e-6)


def test_derivative_of_the_marginals() -> None:
    points, step = two_humps(50), 1e-5
    marginals = Marginals.fit(two_humps(500))
    ahead, behind = (marginals.forward(points + sign * step)[0] for sign in (1, -1))
    slope = np.log((ahead - behind) / (2 * step)).sum(axis=1)
    np.testing.assert_allclose(marginals.forward(points)[1], slope, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_smaller_spread_stays_nearer(kind: str) -> None:
    prior = made(kind, two_humps(400))
    wide, narrow = (prior.sample(500, np.random.default_rng(2), spread).std(axis=0) for spread in (1.0, 0.3))
    assert (narrow < wide).all()
    centre = prior.sample(3, np.random.default_rng(2), 0.0)
    assert kind == "mixture" or np.ptp(centre, axis=0).max() < 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_the_prior_again(kind: str, tmp_path: Path) -> None:
    prior = made(kind, two_humps(200))
    path = prior.save(tmp_path / "p.safetensors")
    again = load_prior(path)
    assert type(again) is type(prior) and again.columns == prior.columns
    assert again.sha256 == prior.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    points = two_humps(20, seed=3)
    np.testing.assert_array_equal(again.log_density(points), prior.log_density(points))


def test_refuses_other_files(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    (tmp_path / "text.safetensors").write_text("no tensors")
    save_file({"a": np.zeros(3)}, tmp_path / "other.safetensors")
    head = {"format": "voxrack.prior", "version": 99, "kind": "flow"}
    save_file({"a": np.zeros(3)}, tmp_path / "newer.safetensors", {"voxrack.prior": json.dumps(head)})
    for name, told in (("text", "cannot be read"), ("other", "no prior"), ("newer", "upgrade voxrack"),
                       ("absent", "cannot be read")):  # fmt: skip
        with pytest.raises(InputError, match=told):
            load_prior(tmp_path / f"{name}.safetensors")
    with pytest.raises(UsageError, match=r"p\.safetensors"):
        made("gaussian", two_humps(20)).save(tmp_path / "p.pickle")


def test_points_of_another_width_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\(n, 2\)"):
        made("flow", two_humps(100)).log_density(np.zeros((4, 3)))


def test_a_covariance_of_too_few_presets() -> None:
    points = np.random.default_rng(0).normal(size=(4, 6))
    mean, covariance = moments(points)
    few = Gaussian(columns=tuple("abcdef"), mean=mean, covariance=covariance)
    assert few.sample(5, np.random.default_rng(0)).shape == (5, 6)
    with pytest.raises(InputError, match="shrunk"):
        few.log_density(points)
    fuller = Gaussian(columns=tuple("abcdef"), mean=mean, covariance=shrunk(covariance, 0.15))
    assert np.isfinite(fuller.log_density(points)).all()


# ---- what ships ----------------------------------------------------------------------------------
def test_the_statistics_are_the_published_ones() -> None:
    folder = data_root() / "data" / "diffvox_presets"
    for dataset, rows in (("internal", 365), ("medleydb", 70)):
        theirs, ours = np.load(folder / dataset / "gaussian.npz"), default_prior(dataset)
        np.testing.assert_allclose(ours.mean, theirs["mean"], atol=1e-5)
        np.testing.assert_allclose(ours.covariance, theirs["cov"], atol=1e-5)
        assert ours.facts["rows"] == rows


def test_both_sets_are_their_union() -> None:
    folder = data_root() / "data" / "diffvox_presets"
    parts = []
    for dataset in ("internal", "medleydb"):
        raw, mask = (np.load(folder / dataset / f"{name}.npy") for name in ("raw_params", "feature_mask"))
        index = folder / dataset / "train_index.npy"
        parts.append((raw[np.load(index)] if index.is_file() else raw)[:, mask].astype(np.float64))
    mean, covariance = moments(np.concatenate(parts))
    both = default_prior("both")
    np.testing.assert_allclose(both.mean, mean, atol=1e-9)
    np.testing.assert_allclose(both.covariance, covariance, atol=1e-9)


def test_the_explained_variance_of_the_paper() -> None:
    variances = np.linalg.eigvalsh(default_prior().covariance)[::-1]
    ratios = 100.0 * variances / variances.sum()
    np.testing.assert_allclose(ratios[:5], [13.858, 9.721, 8.224, 7.175, 6.373], atol=5.01e-4)


def test_what_ships_needs_nothing_else_and_is_small() -> None:
    held = [entry for entry in DATA.iterdir() if entry.is_file()]
    assert sum(len(entry.read_bytes()) for entry in held) < 1_000_000
    notice = (DATA / "NOTICE").read_text("utf-8")
    assert "MIT License" in notice and "SonyResearch/diffvox" in notice and "no preset" in notice
    template = vocal_template()
    assert template.check() == []
    for prior in (default_prior(), default_flow()):
        assert prior.columns == space_of(template, "raw").columns and prior.space == "raw"
        assert Preset.from_text(prior.template) == template
        assert prior.facts["licence"] == "MIT, see NOTICE"


def test_no_published_preset_ships() -> None:
    folder = data_root() / "data" / "diffvox_presets" / "internal"
    raw, mask = np.load(folder / "raw_params.npy").astype(np.float64), np.load(folder / "feature_mask.npy")
    rows = raw[:, mask]
    for prior in (default_prior(), default_prior("medleydb"), default_flow()):
        for name, array in prior.arrays().items():
            for vector in np.atleast_2d(array) if array.shape[-1] == 130 else np.atleast_2d(array.T):
                if vector.shape == (130,):
                    assert np.abs(rows - vector).max(axis=1).min() > 1e-3, name


def test_unknown_statistics() -> None:
    with pytest.raises(UsageError, match="internal, medleydb, both"):
        default_prior("drums")
