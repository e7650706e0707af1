"""Style transfer: a known preset is found again on another voice; methods, other embeddings, refusals, verb."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from atlas.small_sets import desks
from conftest import data_root

from voxrack import Audio, Preset, read, render, write
from voxrack.cli import cli
from voxrack.errors import InputError, UsageError
from voxrack.report import loudness
from voxrack.testing import voice
from voxrack_atlas import Collection, default_prior, pca, style_match
from voxrack_atlas.descriptors import levelled
from voxrack_atlas.embedding import embedding
from voxrack_atlas.playing import Desk
from voxrack_atlas.spaces import space_of
from voxrack_atlas.style_noise import of_vocals, shipped, usual, whitener
from voxrack_atlas.style_search import Problem, _plain, descend, evolve
from voxrack_atlas.style_target import Target, target

RATE = 44100
DRY, OTHER = voice(3.0, RATE, 1), voice(3.0, RATE, 2)


def _pans() -> Collection:
    rng = np.random.default_rng(3)
    return desks(rng.normal(0, 1, 30), np.clip(rng.normal(0, 30, 30), -90, 90))


class _Balance:
    """Another's embedding: level difference of the channels, by numpy alone."""

    name, labels = "balance", ("dB",)

    def __call__(self, audio: Audio) -> Any:
        power = np.mean(audio.samples.astype(float) ** 2, axis=1)
        return np.array([10 * np.log10(power[-1] / power[0])])


@pytest.mark.parametrize("method", ["gradient", "evolution"])
def test_a_pan_is_found_again(method: Any) -> None:
    held = _pans()
    reference = render(_set(held.template, {"pan.pan": 40.0}), levelled(OTHER), tail=False)
    found = style_match(DRY, reference, held, method=method, steps=60, weight=0.001, seed=1)
    assert found.method == method
    assert dict(zip(found.columns, found.values["match"]))["pan.pan"] == pytest.approx(40, abs=4)
    assert found.distances["match"] < found.distances["mean"]
    assert found.distances["match"] <= found.distances["nearest"] + 1e-3
    assert found.preset.rack().get("pan.pan") == pytest.approx(40, abs=4)
    assert found.preset.provenance["parents"] and found.preset.provenance["how"] == "fit"


def _set(template: Preset, values: dict[str, float]) -> Any:
    rack = template.rack()
    for address, value in values.items():
        rack.set(address, value)
    return rack


def test_the_prior_holds_the_search() -> None:
    held = _pans()
    reference = render(_set(held.template, {"pan.pan": 80.0}), levelled(OTHER), tail=False)
    free, bound = (style_match(DRY, reference, held, steps=40, weight=w).scores for w in (0.001, 1e6))
    assert np.linalg.norm(bound) < 0.2 * np.linalg.norm(free)


def test_nearest_is_one_of_the_candidates() -> None:
    held = _pans()
    reference = Desk(held.template).play(held.values[7], levelled(DRY))
    found = style_match(DRY, reference, held, method="nearest")
    assert found.nearest == held.names[7] and found.distances["nearest"] == pytest.approx(0, abs=0.05)
    np.testing.assert_allclose(found.values["match"], held.values[7])


def test_anothers_embedding_is_searched_without_gradients() -> None:
    held = _pans()
    reference = render(_set(held.template, {"pan.pan": -50.0}), levelled(OTHER), tail=False)
    found = style_match(DRY, reference, held, embedding=_Balance(), steps=40, weight=0.001)
    assert found.method == "evolution" and any("without gradients" in note for note in found.notes)
    assert dict(zip(found.columns, found.values["match"]))["pan.pan"] == pytest.approx(-50, abs=5)
    with pytest.raises(UsageError, match="no gradients: embedding 'balance'"):
        style_match(DRY, reference, held, embedding=_Balance(), method="gradient")


def test_content_noise() -> None:
    """What does not change from voice to voice is trusted, what does is not; whitening makes it even."""
    held = _pans()
    desk, listen = Desk(held.template), embedding("music")
    voices = [levelled(voice(2.0, RATE, seed)) for seed in range(5)]
    covariance = of_vocals(listen, voices, list(held.values[:2]), desk.play)
    at = {label: place for place, label in enumerate(listen.labels)}
    deviations = np.sqrt(np.diag(covariance))
    assert deviations[at["balance (dB)"]] < 0.01 < 0.2 < deviations[at["band 1000 Hz (dB)"]]
    vectors = np.array([listen(desk.play(row, voices[0])) for row in held.values[:4]])
    white = whitener(covariance, vectors)
    draws = np.random.default_rng(0).multivariate_normal(np.zeros(33), covariance, 4000, method="eigh") @ white
    assert np.mean(draws**2) < 1.3
    assert shipped()["covariance"].shape == (33, 33) and np.linalg.eigvalsh(shipped()["covariance"]).min() > -1e-9
    scale = np.array([3.0])
    np.testing.assert_allclose(usual(_Balance(), scale), [[36.0]])


def test_vocals_say_what_differs_between_songs() -> None:
    held = _pans()
    reference = render(_set(held.template, {"pan.pan": 40.0}), levelled(OTHER), tail=False)
    voices = {str(seed): voice(2.0, RATE, seed) for seed in (5, 6, 7)}
    found = style_match(DRY, reference, held, vocals=voices, steps=60, weight=0.001)
    assert dict(zip(found.columns, found.values["match"]))["pan.pan"] == pytest.approx(40, abs=4)
    with pytest.raises(UsageError, match="vocals takes 3 or more"):
        style_match(DRY, reference, held, vocals=[OTHER])


def test_slope_of_the_search() -> None:
    """The gradient through maps, rack and embedding, seen from outside: small steps along it lower the cost."""
    prior = default_prior()
    from voxrack_atlas.directions import of_gaussian

    projection, template = of_gaussian(prior), prior.preset()
    space, desk = space_of(template, "raw"), Desk(template)
    scores = np.random.default_rng(1).normal(size=len(projection.variances)) * 0.3
    unused = Target(embedding("music"), np.zeros(33), np.ones(33))
    problem = Problem(desk, levelled(DRY), projection, space, unused, np.eye(33), 0.0)
    plain, slope = _plain(problem, scores)
    point = projection.points(scores[None], whiten=True)
    step = 1e-3
    for place in (0, 17, 60, 129):
        moved = point.copy()
        moved[0, place] += step
        wanted = (space.inverse(moved)[0] - plain)[space.index[place]] / step
        assert slope[place] == pytest.approx(wanted, rel=2e-2, abs=1e-9)


def test_evolution_on_a_known_valley() -> None:
    """A quadratic that needs no sound: the smallest cost is found, and the rest of the scores stays."""

    class Valley(Problem):
        def cost(self, scores: Any) -> float:
            return float(np.sum(np.arange(1, 6) * (scores[:5] - 0.7) ** 2))

    valley = Valley(None, None, None, None, None, None, 0.0)  # pyright: ignore[reportArgumentType]
    found = evolve(valley, np.zeros(9), np.random.default_rng(0), evaluations=1500, dimensions=5)
    np.testing.assert_allclose(found.scores[:5], 0.7, atol=1e-2)
    assert not found.scores[5:].any()
    assert list(found.history) == sorted(found.history, reverse=True)


def test_descent_agrees_with_the_rendering() -> None:
    """What descent minimises on the modules is what the streaming rack gives."""
    from voxrack import default_host
    from voxrack_atlas.directions import of_gaussian

    prior = default_prior()
    template, projection = prior.preset(), of_gaussian(prior)
    desk, listen = Desk(template), embedding("music")
    sung = levelled(DRY)
    audio = desk.play(prior.preset().rack().layout().fittable().pack(prior.preset().rack().values()), sung)
    wanted = target(listen, levelled(OTHER), [audio], np.array([listen(audio), listen(sung)]))
    white = whitener(usual(listen, wanted.scale), np.array([listen(audio), listen(sung)]))
    problem = Problem(desk, sung, projection, space_of(template, "raw"), wanted, white, 1.0)
    start = np.zeros(len(projection.variances))
    module = default_host().service("rack-module")(desk.rack, RATE)
    found = descend(problem, start, module, steps=6, rate=0.02)
    assert found.history[0] == pytest.approx(problem.cost(start), rel=1e-3)
    assert found.cost == pytest.approx(problem.cost(found.scores), rel=1e-3)
    assert found.cost < found.history[0]


def test_real_songs_and_levels(tmp_path: Path) -> None:
    """The shipped prior; the preset takes the recording as it is, and gives the reference's loudness."""
    songs = data_root() / "data/diffvox_demo"
    dry, reference = songs / "LizNelson_Coldwar/dry.mp3", songs / "MusicDelta_80sRock/wet.mp3"
    found = style_match(dry, reference, candidates=4, steps=3, seconds=3.0, name="rock")
    assert found.method == "gradient" and not found.notes
    loud = loudness(render(found.preset.rack(), read(dry), tail=False))
    assert loud == pytest.approx(loudness(read(reference)), abs=0.1)
    assert [item["name"] for item in found.preset.provenance["sources"]] == ["dry.mp3", "wet.mp3"]
    again = style_match(dry, reference, candidates=4, steps=3, seconds=3.0)
    np.testing.assert_array_equal(found.values["match"], again.values["match"])


def test_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = _pans()
    held.save(tmp_path / "set.parquet")
    write(tmp_path / "dry.wav", DRY)
    write(tmp_path / "ref.wav", render(_set(held.template, {"pan.pan": 30.0}), OTHER, tail=False))
    words = [tmp_path / "dry.wav", tmp_path / "ref.wav", "-o", tmp_path / "found.json"]
    run = lambda *more: cli.run(["atlas", "match", *map(str, [*words, *more])])  # noqa: E731
    assert run("--from", tmp_path / "set.parquet", "--steps", 5, "--plot", tmp_path / "m.png") == 0
    told = capsys.readouterr()
    assert "distance from the reference" in told.out and "no gain 'pre'" in told.err
    Preset.load(tmp_path / "found.json").rack()
    assert (tmp_path / "m.png").stat().st_size > 10_000
    assert run("--from", tmp_path / "set.parquet", "--method", "nearest", "--json") == 0
    assert json.loads(capsys.readouterr().out)["method"] == "nearest"
    assert run("--from", tmp_path / "set.parquet", "--prior", tmp_path / "x.safetensors") == 2
    words[3] = tmp_path / "found.wav"
    assert run() == 2 and ".json" in capsys.readouterr().err


def test_refusals() -> None:
    held = _pans()
    with pytest.raises(UsageError, match="method"):
        style_match(DRY, OTHER, held, method="magic")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="steps"):
        style_match(DRY, OTHER, held, steps=0)
    with pytest.raises(InputError, match="3 channels"):
        style_match(DRY, Audio(np.ones((3, RATE)), RATE), held)
    with pytest.raises(InputError, match="s or more"):
        style_match(DRY, Audio(OTHER.samples[:, :1000], RATE), held)
    with pytest.raises(InputError, match="silent"):
        style_match(DRY, Audio(np.zeros((1, RATE)), RATE), held, candidates=2)
    with pytest.raises(InputError, match="LUFS"):
        style_match(Audio(np.zeros((1, RATE)), RATE), OTHER, held)

    class Broken(_Balance):
        def __call__(self, audio: Audio) -> Any:
            return np.array([np.nan])

    with pytest.raises(InputError, match="embedding 'balance' gave"):
        style_match(DRY, OTHER, held, embedding=Broken())
    assert pca(held).space == "perceptual"
