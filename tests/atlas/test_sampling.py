"""Draws: stable ones only, the same for the same seed, inside the ranges, and telling where they come from."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from atlas.small_sets import desk

from voxrack import Audio, DeviceSpec, Host, Param, Preset, Rack, hookimpl, render
from voxrack.errors import InputError, UsageError
from voxrack.testing import voice
from voxrack_atlas import Collection, default_prior, fit_prior, from_diffvox, sample
from voxrack_atlas.prior import Prior, default_flow, vocal_template
from voxrack_atlas.sampling import draws, prior_points
from voxrack_atlas.stability import LOOP, a_voice, check_stability, levelled


class Growing:
    """An echo that comes back louder, without telling so."""

    latency, tail = 0, 0

    def __init__(self, values, needs, assets):
        self.amount = values["amount"]

    def prepare(self, sample_rate, channels, max_frames):
        self.line = np.zeros((channels, sample_rate // 2), np.float32)
        self.at = 0
        return channels

    def process(self, block):
        out = np.empty_like(block)
        for n in range(block.shape[1]):
            out[:, n] = self.line[:, self.at] * self.amount + block[:, n]
            self.line[:, self.at] = out[:, n]
            self.at = (self.at + 1) % self.line.shape[1]
        return out

    def flush(self, frames):
        return self.process(np.zeros((len(self.line), frames), np.float32))

    def reset(self):
        self.line[:] = 0.0
        self.at = 0

    def set(self, id, value):
        self.amount = value


class Bench:
    @hookimpl
    def voxrack_devices(self):
        return [DeviceSpec("bench.growing", "processor", "atlas.test_sampling:Growing",
                           params=(Param("amount", 0.5, lo=-4.0, hi=4.0),))]  # fmt: skip


# ---- stability -----------------------------------------------------------------------------------
def test_echoes_that_grow_are_heard() -> None:
    host = Host({"bench": Bench()}, discover=False)
    probe = Audio(voice(0.5, 8000, seed=1).samples, 8000)
    for amount, reason in ((0.5, ""), (1.05, "feedback"), (-1.05, "feedback"), (4.0, "feedback")):
        found = check_stability(Rack([host.create("bench.growing", amount=amount)]), probe)
        assert (found.reason, found.stable) == (reason, not reason), amount


def test_a_loop_is_refused_before_it_is_heard() -> None:
    rack = vocal_template().rack()
    for q, stable in ((0.707, True), (2.0, False)):
        rack.set("delay.feedback", 0.8)
        rack.set("delay.low_pass.q", q)
        rack.set("delay.level", -60.0)
        found = check_stability(rack)
        assert found.stable is stable and (found.loop_gain > LOOP) is not stable
        assert found.reason == ("" if stable else "feedback")


def test_levels_that_nobody_wants() -> None:
    assert check_stability(desk(gain_level=-100.0)).reason == "silent"
    rack = vocal_template().rack()
    rack.set("compressor.make_up", 40.0)
    assert check_stability(rack).reason == "too loud"
    assert check_stability(desk()).gain == pytest.approx(0.0, abs=1e-3)
    with pytest.raises(UsageError, match="ndarray"):
        check_stability(np.zeros(3))  # pyright: ignore[reportArgumentType]


def test_the_probe_is_brought_to_its_level() -> None:
    from voxrack.report import loudness

    assert loudness(a_voice()) == pytest.approx(-18.0, abs=0.01)
    assert loudness(levelled(voice(1.0, 48000, seed=2), -30.0)) == pytest.approx(-30.0, abs=0.01)
    silence = Audio(np.zeros((1, 44100), np.float32), 44100)
    assert levelled(silence) == silence


# ---- draws ---------------------------------------------------------------------------------------
def test_the_same_seed_gives_the_same_files() -> None:
    few, more = sample(2, seed=5), sample(3, seed=5)
    assert [preset.text() for preset in few] == [preset.text() for preset in more[:2]]
    late = next(draws(seed=5, first=2))
    assert late.preset == more[2] and late.number == 2
    assert sample(1, seed=6)[0] != few[0]


def test_where_a_draw_comes_from() -> None:
    prior = default_flow()
    preset = sample(1, seed=5, check=False)[0]
    told = preset.provenance
    assert told["how"] == "sample" and "seed 5, draw 0" in told["made_by"] and prior.name in told["made_by"]
    assert told["sources"] == [{"name": "vocal_flow.safetensors", "sha256": prior.sha256}]
    assert told["parents"] == [vocal_template().sha256] and told["created"] == ""
    point = prior_points(prior, Collection.of([preset]))
    assert told["losses"]["negative_log_density"] == pytest.approx(-prior.log_density(point)[0], abs=1e-6)
    assert preset.check() == []


@pytest.mark.parametrize("prior", [default_flow, default_prior])
def test_draws_render_and_stay_in_the_ranges(prior) -> None:
    for draw in islice(draws(prior(), seed=1), 12):
        assert draw.stability is not None and draw.stability.stable and draw.stability.loop_gain <= LOOP
        out = render(Preset.from_text(draw.preset.text()).rack(missing="refuse"), a_voice())
        assert np.isfinite(out.samples).all() and out.peak > 1e-4


def test_most_draws_of_the_shipped_prior_need_no_second_attempt() -> None:
    refused = [reason for draw in islice(draws(seed=2), 30) for reason in draw.refused]
    assert set(refused) <= {"feedback"} and len(refused) < 10


class Unstable(Prior):
    """Draws nothing but echoes that grow."""

    kind = "unstable"

    def sample(self, count, rng, spread=1.0):
        rack = vocal_template().rack()
        rack.set("delay.feedback", 0.99)
        rack.set("delay.low_pass.q", 1.9)
        points = prior_points(default_flow(), Collection.of([Preset.of(rack)]))
        return np.repeat(points, count, axis=0)

    def log_density(self, points):
        return np.zeros(len(np.asarray(points)))

    def arrays(self):
        return {"nothing": np.zeros(1)}


def test_a_prior_of_unstable_presets_is_told() -> None:
    with pytest.raises(InputError, match=r"100 attempts.*'feedback'"):
        sample(1, Unstable(columns=default_flow().columns), probe=voice(0.3, 8000, seed=1))


def test_a_prior_of_some_columns_keeps_the_rest() -> None:
    rng = np.random.default_rng(0)
    held = Collection.of(desk(f"d{i}", gain_level=float(rng.normal(-9.0, 2.0)), pan_pan=25.0) for i in range(20))
    prior = fit_prior(held, "gaussian").prior
    assert prior.columns == ("gain.level",)
    racks = [preset.rack() for preset in sample(4, prior)]
    assert {rack.get("pan.pan") for rack in racks} == {25.0}
    assert len({rack.get("gain.level") for rack in racks}) == 4


def test_refuses_what_makes_no_sense() -> None:
    for wrong in ({"count": 0}, {"count": 1, "seed": -1}, {"count": 1, "spread": 11.0}):
        with pytest.raises(UsageError):
            sample(**wrong)
    with pytest.raises(UsageError, match="another rack"):
        prior_points(default_flow(), Collection.of([desk()]))


def test_from_diffvox_takes_what_was_drawn() -> None:
    from voxrack_atlas import to_diffvox

    preset = sample(1, seed=9)[0]
    again = from_diffvox(to_diffvox(preset)).rack().values()
    for address, value in preset.rack().values().items():
        if not isinstance(value, (str, bool)):
            np.testing.assert_allclose(again[address], value, rtol=1e-6, atol=1e-9, err_msg=address)
