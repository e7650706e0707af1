"""Fits of short synthetic pairs: what comes back, and bad input."""

from __future__ import annotations

import math

import numpy as np
import pytest
from match.pairs import RATE, bright, dry, equaliser, stereo

from voxrack import Audio, Preset, Rack, default_host, render
from voxrack.errors import InputError, UsageError
from voxrack.report import loudness
from voxrack_match.coordinates import Coordinates
from voxrack_match.fitting import fit
from voxrack_match.levelled import levelled
from voxrack_match.optimiser import Descent, Evaluation, Plan, State


# ---- coordinates -------------------------------------------------------------------------------
def test_coordinates_return_plain_values():
    rack = equaliser(peak1__gain=3.0, peak1__frequency=700.0)
    coordinates = Coordinates(rack.layout(), rack.values())
    back = coordinates.plain(coordinates.pack(rack.values()))
    for address, value in back.items():
        np.testing.assert_allclose(value, rack.get(address), rtol=1e-12)
    assert "peq.peak1.gain" in back and "gain.level" in back and "input" not in back


def test_held_and_silent_addresses_are_left_out():
    rack = equaliser()
    rack.set("gain.level", -math.inf)
    coordinates = Coordinates(rack.layout(), rack.values(), ("peq.peak1.gain", "peq.mix"))
    names = coordinates.names()
    assert "gain.level" not in names and "peq.mix" not in names and "peq.peak2.gain" in names
    assert "peq.peak1.gain" not in names and "peq.peak1.q" in names


def test_equal_steps_of_a_frequency_are_equal_ratios():
    import torch

    rack = equaliser(peak1__frequency=1000.0)
    coordinates = Coordinates(rack.layout(), rack.values())
    point = coordinates.pack(rack.values())
    place = coordinates.places["peq.peak1.frequency"]
    point[place] += math.log(2)
    assert float(coordinates.tensors(torch.tensor(point))["peq.peak1.frequency"]) == pytest.approx(2000.0)


# ---- descent -----------------------------------------------------------------------------------
def _descent(objective, steps=200, rate=0.1, size=2, low=-10.0, high=10.0):
    state = State.at(np.full(size, 5.0))
    return Descent(objective, np.ones(size), np.full(size, low), np.full(size, high), Plan(steps, rate=rate), state)


def _bowl(point, step):
    return Evaluation(float(np.sum((point - 1) ** 2)), {"x": 0.0}, 2 * (point - 1))


def test_descent_finds_the_bottom_of_a_bowl_and_keeps_the_best():
    descent = _descent(_bowl)
    lines = []
    while not descent.finished:
        lines.append(descent.advance())
    np.testing.assert_allclose(descent.state.best, 1.0, atol=1e-2)
    assert descent.state.best_total == min(line["total"] for line in lines)
    assert lines[-1]["rate"] < 0.1 * lines[20]["rate"]


def test_bounds_hold():
    descent = _descent(_bowl, low=2.0)
    while not descent.finished:
        descent.advance()
    np.testing.assert_array_equal(descent.state.best, 2.0)


def test_the_best_point_is_the_one_before_its_step():
    descent = _descent(_bowl, steps=1)
    descent.advance()
    np.testing.assert_array_equal(descent.state.best, 5.0)
    assert descent.state.best_total == 32.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_restarts_from_the_best_with_a_smaller_step(bad):
    def objective(point, step):
        return Evaluation(bad, {}, np.full(2, np.nan)) if step == 30 else _bowl(point, step)

    descent = _descent(objective)
    while not descent.finished:
        descent.advance()
    assert descent.state.restarts == 1 and descent.state.shrink == 0.5
    assert "step 30" in descent.state.notes[0] and "0.5 times the step size" in descent.state.notes[0]
    np.testing.assert_allclose(descent.state.best, 1.0, atol=2e-2)


def test_divergence_restarts_as_well():
    def objective(point, step):
        uphill = 20 < step < 60
        found = _bowl(point, step)
        return Evaluation(found.total + (100.0 if uphill else 0.0), {}, found.gradient)

    descent = _descent(objective, steps=100)
    while not descent.finished:
        descent.advance()
    assert descent.state.restarts == 1
    assert "stayed above" in descent.state.notes[0]


def test_a_loss_that_is_never_finite_ends_the_fit():
    descent = _descent(lambda point, step: Evaluation(math.nan, {}, np.full(2, np.nan)))
    while not descent.finished:
        descent.advance()
    assert descent.state.step < 20
    np.testing.assert_array_equal(descent.state.best, 5.0)


def test_a_time_budget_ends_the_descent_and_its_schedule():
    plan = Plan(10**9, time_budget=100.0, rate=1.0, warm=1)
    assert plan.rate_at(0, 0.0) == pytest.approx(1.0)
    assert plan.rate_at(10, 50.0) == pytest.approx(0.51)
    assert plan.rate_at(10, 200.0) == pytest.approx(0.02)


# ---- the rack's levels -------------------------------------------------------------------------
def test_gains_are_added_where_there_are_none_and_taken_where_there_are():
    host = default_host()
    bare = levelled(Rack([host.create("fx.peq")]))
    assert (bare.pre, bare.post) == ("pre.level", "master.post.level")
    assert bare.post not in bare.held  # an equaliser has no other level
    full = levelled(bare.rack)
    assert list(full.rack.slots()) == ["pre", "peq", "master.post"]


def test_a_device_without_a_module_is_refused_by_slot():
    from toys import SCALE, make  # a device of the tests, without a module

    rack = Rack([make(SCALE)])
    with pytest.raises(UsageError, match="cannot be fitted: it has no differentiable module"):
        levelled(rack)


def test_unknown_names_are_refused():
    with pytest.raises(UsageError, match="nothing called 'echo'"):
        levelled(equaliser(), ("echo",))
    with pytest.raises(UsageError, match=r"no address 'peq\.gain'"):
        levelled(equaliser(), (), ("peq.gain",))


# ---- fits --------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def brightened():
    return fit(dry(), bright(), equaliser(), steps=60, rate=0.05)


def test_an_equaliser_is_found(brightened):
    assert brightened.after["total"] < 0.25 * brightened.before["total"]
    assert brightened.improved and brightened.steps == 60
    assert set(brightened.after) == {"mss_lr", "mss_ms", "mldr_lr", "mldr_ms", "total"}


def test_the_preset_renders_the_given_dry_to_the_wets_own_level(brightened):
    match = render(brightened.preset.rack(), dry(), tail=False)
    assert loudness(match) == pytest.approx(loudness(bright()), abs=0.5)
    assert match.frames == dry().frames


def test_the_presets_provenance_says_how_and_with_what_losses(brightened):
    provenance = brightened.preset.provenance
    assert provenance["how"] == "fit"
    assert provenance["losses"]["total"] == pytest.approx(brightened.after["total"])


def test_history_has_a_line_a_step_and_the_texts_say_the_outcome(brightened):
    assert [line["step"] for line in brightened.history] == list(range(60))
    assert f"{brightened.after['total']:.3f}" in repr(brightened)
    assert "weighted total" in brightened._repr_html_()


def test_the_same_seed_gives_the_same_preset():
    first, second = (fit(dry(1.0), bright(1.0), equaliser(), steps=3, seed=1) for _ in range(2))
    assert first.preset.parameters == second.preset.parameters


def test_the_vocal_rack_is_fitted_by_default():
    result = fit(dry(1.0), stereo(bright(1.0)), steps=12)
    assert result.after["total"] < result.before["total"]
    assert set(result.preset.rack().slots()) == {
        "pre", "peq", "compressor", "pan", "delay", "reverb", "master.post"
    }  # fmt: skip


def test_what_is_left_out_is_silent_and_not_moved():
    result = fit(dry(1.0), bright(1.0), steps=2, ablate=("delay", "reverb"))
    rack = result.preset.rack()
    assert rack.get("bus.delay.level") == -math.inf and rack.get("send.reverb") == -math.inf


def test_an_offset_is_kept_in_the_preset():
    late = Audio(np.pad(bright().samples, [(0, 0), (441, 0)]), RATE)
    result = fit(dry(), late, equaliser(), steps=2)
    assert result.preset.rack().get("offset") == pytest.approx(20.0, abs=1.0)
    match = result.render().samples[0]
    assert not np.abs(match[:380]).max() > 1e-3 * np.abs(match).max()


def test_wet_identical_to_dry_fits_to_next_to_nothing():
    result = fit(dry(), dry(), steps=3)
    assert result.before["total"] < 1e-3
    assert result.after["total"] < 0.1
    assert not any("no improvement" in note for note in result.notes)


def test_an_unrelated_wet_is_said_to_be_no_improvement():
    noise = Audio(0.2 * np.random.default_rng(5).standard_normal((2, dry().frames)), RATE)
    result = fit(dry(), noise, equaliser(), steps=0)
    assert any("hardly correlated" in note for note in result.notes)


def test_no_step_leaves_the_start_and_says_so_where_it_is_no_better():
    result = fit(dry(), bright(), equaliser(), steps=0, start="neutral")
    assert result.steps == 0 and result.history == []
    assert any("no improvement over the unprocessed dry" in note for note in result.notes)


@pytest.mark.parametrize("seconds", [0.06, 0.3, 1.0])
def test_short_files_give_a_result(seconds):
    frames = round(seconds * RATE)
    pieces = [Audio(audio.samples[:, 6000 : 6000 + frames], RATE) for audio in (dry(), bright())]
    result = fit(*pieces, equaliser(), steps=2)
    assert math.isfinite(result.after["total"])


def test_silence_is_refused():
    with pytest.raises(InputError, match="wet recording is silent"):
        fit(dry(), Audio(np.zeros((2, RATE)), RATE), equaliser(), steps=1)


@pytest.mark.parametrize("wrong", [{"steps": -1}, {"time_budget": 0.0}, {"start": "nowhere.json"}])
def test_wrong_options_are_refused(wrong):
    with pytest.raises(Exception) as caught:
        fit(dry(), bright(), equaliser(), **wrong)
    assert caught.value.__class__.__module__ == "voxrack.errors"


def test_a_rack_with_nothing_to_move_is_refused():
    with pytest.raises(UsageError, match="nothing to fit"):
        fit(dry(), bright(), equaliser(), hold=("peq", "master.post"), steps=1)


def test_a_fit_may_begin_at_a_preset(brightened):
    again = fit(dry(), bright(), equaliser(), start=brightened.preset.replace(name="x"), steps=0)
    assert again.after["total"] < 0.3 * again.before["total"]


def test_a_callback_sees_every_step_and_may_end_the_fit():
    seen = []

    def watch(now):
        seen.append((now.step, now.total, now.values()["peq.peak1.gain"]))
        assert isinstance(now.preset(), Preset)
        return now.step < 3

    result = fit(dry(1.0), bright(1.0), equaliser(), steps=50, callback=watch)
    assert [step for step, _, _ in seen] == [1, 2, 3]
    assert result.steps == 3 and any("stopped after 3 steps" in note for note in result.notes)


def test_an_interrupt_keeps_the_best():
    def stop(now):
        if now.step == 4:
            raise KeyboardInterrupt

    result = fit(dry(1.0), bright(1.0), equaliser(), steps=50, callback=stop)
    assert result.steps == 4 and any("stopped by hand after 4 steps" in note for note in result.notes)
    assert math.isfinite(result.after["total"])
