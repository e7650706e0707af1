"""Which prior is chosen, by presets held out; groups that stay together; sets that are too small."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from atlas.small_sets import desk

from voxrack import Audio, Preset, Rack, default_host, write
from voxrack.errors import InputError, PresetError, UsageError
from voxrack_atlas import Collection, fit_prior
from voxrack_atlas.choosing import split
from voxrack_atlas.prior import load_prior
from voxrack_atlas.quality import cross_judged, judge


def lively(count: int, seed: int = 0) -> Collection:
    """Desks of which two numbers go together and have two humps."""
    rng = np.random.default_rng(seed)
    humps = np.where(rng.random(count) < 0.4, -20.0, -6.0) + rng.normal(0.0, 1.0, count)
    return Collection.of(
        desk(f"d{i}", gain_level=float(hump), pan_pan=float(np.clip(4.0 * hump + rng.normal() * 3.0, -100, 100)))
        for i, hump in enumerate(humps)
    )


def test_held_out_likelihood_decides() -> None:
    chosen = fit_prior(lively(120))
    assert chosen.prior.kind == chosen.table["kind"].iloc[0].partition("-")[0] != "gaussian"
    scores = chosen.table["log_likelihood"].to_numpy()
    assert (np.diff(scores) <= 0).all()
    assert chosen.prior.columns == ("gain.level", "pan.pan")
    assert "gain.level" not in chosen.constant and chosen.constant
    assert chosen.prior.facts["rows"] == 120


def test_the_same_seed_gives_the_same_prior() -> None:
    held = lively(60)
    a, b = (fit_prior(held, "flow", seed=4).prior.sha256 for _ in range(2))
    assert a == b


def test_the_paper_s_presets_are_no_gaussian(internal: Collection) -> None:
    rows = np.arange(0, 365, 2)  # half of them, for time
    table = fit_prior(internal.take(rows), folds=2).table.set_index("kind")
    assert table.index[0] == "flow"
    assert table.loc["shrunk", "behind"] > 4 * table.loc["shrunk", "behind_error"]


def test_groups_stay_together() -> None:
    held = lively(30)
    labels = [f"song {i // 3}" for i in range(30)]
    parts = split(held, "flow", groups=labels, folds=4, seed=1)
    assert sorted(np.concatenate([part for part, _ in parts])) == list(range(30))
    for part, _ in parts:
        rest = set(range(30)) - set(part.tolist())
        assert not {labels[row] for row in part} & {labels[row] for row in rest}


def test_groups_of_the_set() -> None:
    held = lively(20)
    held.meta["song"] = [str(i % 4) for i in range(20)]
    assert len(split(held, "gaussian", groups="song", folds=9, seed=0)) == 4
    with pytest.raises(UsageError, match=r"'singer'.*song"):
        fit_prior(held, groups="singer")
    with pytest.raises(UsageError, match="one label"):
        fit_prior(held, groups=["a"] * 20)
    with pytest.raises(UsageError, match="3 labels"):
        fit_prior(held, groups=["a", "b", "c"])


def test_too_few_and_too_alike() -> None:
    with pytest.raises(InputError, match="at least 5 presets"):
        fit_prior(lively(3))
    with pytest.raises(InputError, match="presets that differ"):
        fit_prior(Collection.of([desk("same")] * 6))
    with pytest.raises(UsageError, match="auto, gaussian"):
        fit_prior(lively(8), "bayes")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="2 or more"):
        fit_prior(lively(8), folds=1)


def test_fewer_presets_than_numbers(internal: Collection) -> None:
    table = fit_prior(internal.take(range(40)), folds=2).table.set_index("kind")
    assert table.loc["gaussian", "log_likelihood"] == -np.inf and "too few presets" in table.loc["gaussian", "note"]
    assert np.isfinite(table["log_likelihood"].iloc[0])


def test_judging_tells_good_draws_from_bad() -> None:
    held = lively(200)
    prior = fit_prior(held.take(range(100))).prior
    points = held.points()[:, [held.space().columns.index(column) for column in prior.columns]]
    known, real = points[:100], points[100:]
    good = judge(prior, prior.sample(100, np.random.default_rng(0)), real, known)
    copies = judge(prior, known, real, known)
    narrow = judge(prior, prior.sample(100, np.random.default_rng(0), 0.05), real, known)
    noise = judge(prior, known.mean(axis=0) + 6.0 * known.std(axis=0) * np.random.default_rng(1).normal(size=(100, 2)),
                  real, known)  # fmt: skip
    assert good.plausibility > noise.plausibility + 0.3
    assert good.coverage > 0.7 > narrow.coverage
    assert 0.8 < good.diversity < 1.2 and narrow.diversity < good.diversity and noise.diversity > 2.0
    assert copies.novelty == 0.0 < good.novelty
    assert good.told_apart < 0.8 < noise.told_apart
    with pytest.raises(InputError, match="more than 5"):
        judge(prior, known[:3], real, known)


def test_judged_by_folds() -> None:
    table = cross_judged(lively(80), ("gaussian", "flow"), folds=2)
    assert list(table.index) == ["gaussian", "flow"] and np.isfinite(table.to_numpy()).all()
    assert table.loc["flow", "log_likelihood"] > table.loc["gaussian", "log_likelihood"]


def test_a_prior_keeps_the_files_of_its_rack(tmp_path: Path) -> None:
    pytest.importorskip("pedalboard", reason="needs a device that takes a file: the extra pedalboard")
    answer = tmp_path / "hall.wav"
    write(answer, Audio(np.full((1, 32), 0.1, dtype=np.float32), 44100))
    host, rng = default_host(), np.random.default_rng(0)
    presets = []
    for level, wet in rng.uniform(0.1, 0.9, (30, 2)):
        hall = host.create("pedalboard.convolution", {"impulse_response": str(answer), "wet": wet})
        presets.append(Preset.of(Rack([host.create("fx.gain", level=-10 * level), hall]), name=f"{level:.6f}"))
    fitted = fit_prior(Collection.of(presets), "shrunk").prior
    answer.rename(tmp_path / "moved.wav")
    with pytest.raises(PresetError, match=r"hall\.wav' is missing"):
        fitted.save(tmp_path / "lost.safetensors")
    assert not (tmp_path / "lost.safetensors").exists()
    (tmp_path / "moved.wav").rename(answer)
    held = load_prior(fitted.save(tmp_path / "halls.safetensors"))
    answer.unlink()
    assert held.preset().rack(missing="refuse").get("convolution.impulse_response")
