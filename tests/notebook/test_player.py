"""The player's model: takes, loudness match, loop and messages, without a browser."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voxrack.audio import Audio
from voxrack.errors import InputError, UsageError
from voxrack.notebook.player import ABPlayer
from voxrack.notebook.player_model import PlayerModel
from voxrack.notebook.playhead import Playhead
from voxrack.notebook.takes import LONGEST, MOST_BOOST, integrated_loudness, make_take, matched_gains

RATE = 48_000


def tone(level_db: float, seconds: float = 1.0, hertz: float = 997.0, rate: int = RATE, channels: int = 1) -> Audio:
    """A sine whose peak is ``level_db`` dBFS."""
    time = np.arange(round(seconds * rate)) / rate
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hertz * time)
    return Audio(np.tile(wave, (channels, 1)).astype(np.float32), rate)


@pytest.fixture
def sent() -> list[tuple[dict, list]]:
    return []


@pytest.fixture
def model(sent) -> PlayerModel:
    return PlayerModel(lambda content, buffers: sent.append((content, buffers)))


# ---- loudness ---------------------------------------------------------------------------------
def test_full_scale_997_hz_sine_is_at_minus_3_lufs():
    # ITU-R BS.1770-4: a 0 dBFS 997 Hz sine in one channel reads -3.01 LKFS
    assert integrated_loudness(tone(0.0).samples, RATE) == pytest.approx(-3.01, abs=0.05)


def test_stereo_is_3_db_louder_than_mono():
    difference = integrated_loudness(tone(-20, channels=2).samples, RATE) - integrated_loudness(tone(-20).samples, RATE)
    assert difference == pytest.approx(3.01, abs=0.02)


def test_a_clip_shorter_than_a_gating_block_reads_like_its_loop():
    # 0.1 s hold a whole number of periods of 1 kHz, so its repetition is the long tone
    short = integrated_loudness(tone(-20, 0.1, 1000.0).samples, RATE)
    assert short == pytest.approx(integrated_loudness(tone(-20, 2.0, 1000.0).samples, RATE), abs=0.05)


def test_one_sample_has_a_finite_loudness_or_none():
    # one sample repeated is a constant, which the K-weighting's high-pass removes in the long run
    assert integrated_loudness(np.full((1, 1), 0.5, np.float32), RATE) < 0


@pytest.mark.parametrize("samples", [np.zeros((1, RATE)), np.zeros((2, 7)), np.full((1, RATE), 1e-9)])
def test_silence_reads_minus_infinity(samples):
    assert integrated_loudness(samples.astype(np.float32), RATE) == -math.inf


def test_matched_takes_measure_equally_loud():
    takes = [make_take("a", tone(-20)), make_take("b", tone(-9, hertz=200)), make_take("c", tone(-33, hertz=4000))]
    gains = matched_gains(takes)
    heard = [integrated_loudness(t.samples * np.float32(10 ** (gains[t.name] / 20)), RATE) for t in takes]
    assert np.ptp(heard) < 0.01
    assert heard[0] == pytest.approx(takes[0].loudness, abs=0.01)  # the first take is the reference


def test_a_boost_that_would_clip_brings_all_takes_down_together():
    loud = make_take("loud", tone(-1))
    spiky_samples = tone(-21).samples.copy()
    spiky_samples[0, 1000] = 0.9  # one spike: hardly louder, no headroom
    spiky = make_take("spiky", Audio(spiky_samples, RATE))
    gains = matched_gains([loud, spiky])
    peaks = [t.peak * 10 ** (gains[t.name] / 20) for t in (loud, spiky)]
    assert max(peaks) == pytest.approx(1.0, abs=1e-6)
    assert gains["spiky"] - gains["loud"] == pytest.approx(loud.loudness - spiky.loudness, abs=1e-9)


def test_silent_and_nearly_silent_takes_do_not_spoil_the_match():
    takes = [make_take("none", tone(-200)), make_take("voice", tone(-20)), make_take("whisper", tone(-66))]
    gains = matched_gains(takes)
    assert gains["none"] == 0.0
    assert gains["voice"] == 0.0  # the first take that sounds is the reference
    assert gains["whisper"] == MOST_BOOST
    assert matched_gains([make_take("none", tone(-200))]) == {"none": 0.0}


# ---- takes ------------------------------------------------------------------------------------
def test_a_take_travels_as_planar_float32(model, sent):
    audio = Audio(np.vstack([tone(-6, 0.5).samples, tone(-12, 0.5, 440.0).samples]), RATE)
    model.put("dry", audio)
    content, buffers = sent[-1]
    assert content["type"] == "take"
    assert (content["name"], content["sample_rate"], content["channels"], content["frames"]) == ("dry", RATE, 2, 24_000)
    assert len(buffers) == 1
    np.testing.assert_array_equal(np.frombuffer(buffers[0], "<f4").reshape(2, -1), audio.samples)


def test_replacing_a_take_sends_that_take_only_and_moves_neither_choice_nor_loop(model, sent):
    model.put("dry", tone(-20))
    model.put("wet", tone(-10))
    model.choose("wet")
    model.set_region((0.2, 0.8))
    sent.clear()
    model.put("wet", tone(-15))
    assert [content["type"] for content, _ in sent] == ["take"]
    assert sent[0][0]["name"] == "wet"
    assert (model.active, model.region, list(model.takes)) == ("wet", (0.2, 0.8), ["dry", "wet"])


def test_while_it_plays_what_is_heard_next_goes_ahead(model, sent):
    model.put("dry", tone(-20, 12.0))
    model.put("wet", tone(-10, 12.0))
    model._playhead.clock = iter([100.0, 103.0]).__next__
    model.receive({"type": "playhead", "position": 2.0, "playing": True})
    sent.clear()
    audio = tone(-15, 12.0)
    model.put("wet", audio)
    (piece, data), (take, _) = sent
    assert (piece["type"], take["type"]) == ("piece", "take")
    first, length = round(4.75 * RATE), round(2.25 * RATE)  # from a quarter of a second before 2 s + 3 s
    assert (piece["first"], piece["length"], piece["frames"]) == (first, length, 12 * RATE)
    np.testing.assert_array_equal(np.frombuffer(data[0], "<f4"), audio.samples[0, first : first + length])
    heard = [next(one for one in content["state"]["takes"] if one["name"] == "wet") for content in (piece, take)]
    # ahead as loud as what it replaces, with a peak of its own to be limited by; then as it is
    assert [one["loudness"] for one in heard] == pytest.approx([-10 - 3.01, -15 - 3.01], abs=0.05)
    assert [one["peak"] for one in heard] == pytest.approx([-15, -15], abs=0.05)


@pytest.mark.parametrize("seconds, playing", [(12.0, False), (2.0, True)])
def test_what_stands_still_or_is_short_comes_in_one_piece(model, sent, seconds, playing):
    model.put("wet", tone(-10, seconds))
    model.receive({"type": "playhead", "position": 1.0, "playing": playing})
    sent.clear()
    model.put("wet", tone(-15, seconds))
    assert [content["type"] for content, _ in sent] == ["take"]
    assert sent[0][0]["state"]["takes"][0]["loudness"] == pytest.approx(-15 - 3.01, abs=0.05)


def test_what_replaces_silence_is_measured_before_it_sounds(model, sent):
    model.put("wet", tone(-400, 12.0))
    model.receive({"type": "playhead", "position": 1.0, "playing": True})
    sent.clear()
    model.put("wet", tone(-15, 12.0))
    assert [content["type"] for content, _ in sent] == ["take"]


def test_a_take_of_another_length_is_not_patched(model, sent):
    model.put("wet", tone(-10, 12.0))
    model.receive({"type": "playhead", "position": 1.0, "playing": True})
    sent.clear()
    model.put("wet", tone(-15, 11.0))
    assert [content["type"] for content, _ in sent] == ["take"]


def test_a_playhead_is_reckoned_round_its_loop():
    now = [0.0]
    head = Playhead(clock=lambda: now[0])
    head.tell(3.0, True)
    now[0] = 2.5
    assert head.position(0.0, 10.0) == 5.5
    assert head.position(2.0, 4.0) == 3.5
    assert head.around(0.0, 10.0, 100, 600) == (525, 600)  # not beyond the end
    head.tell(1.0, False)
    now[0] = 9.0
    assert head.position(0.0, 10.0) == 1.0 and head.around(0.0, 10.0, 100, 600) == (75, 300)


def test_the_first_take_is_heard_first(model):
    model.put("dry", tone(-20))
    model.put("wet", tone(-20))
    assert model.active == "dry"


def test_removing_the_heard_take_falls_back_to_the_first(model, sent):
    for name in ("a", "b"):
        model.put(name, tone(-20))
    model.choose("b")
    model.remove("b")
    assert model.active == "a"
    assert [take["name"] for take in sent[-1][0]["state"]["takes"]] == ["a"]
    with pytest.raises(UsageError, match="no take 'b'; it has: a"):
        model.remove("b")


def test_six_channels_and_odd_rates_become_playable_and_say_so():
    surround = make_take("x", tone(-20, channels=6))
    assert surround.samples.shape[0] == 1
    assert "6 channels" in surround.note
    fast = make_take("y", tone(-20, rate=192_000))
    assert (fast.sample_rate, fast.note) == (48_000, "192000 Hz played at 48000 Hz")
    assert fast.duration == pytest.approx(1.0, abs=0.001)
    assert make_take("z", tone(-20, channels=2)).note == ""


def test_what_cannot_be_played_is_refused(model):
    with pytest.raises(InputError, match="'x' is ndarray"):
        model.put("x", np.zeros((1, 100), np.float32))
    with pytest.raises(UsageError, match="non-empty"):
        model.put("", tone(-20))
    with pytest.raises(UsageError, match="no take 'wet'; it has: none"):
        model.choose("wet")
    assert model.takes == {}


# ---- loop and transport -----------------------------------------------------------------------
@pytest.mark.parametrize(
    "region", [(-0.1, 0.5), (0.5, 0.5), (0.6, 0.5), (0.5, 1.5), (0.1, 0.12), (math.nan, 0.5), "ab", 3]
)
def test_a_loop_that_does_not_fit_is_refused_and_the_old_one_stays(model, region):
    model.put("dry", tone(-20))
    model.set_region((0.25, 0.75))
    with pytest.raises(UsageError, match="loop region"):
        model.set_region(region)
    assert model.region == (0.25, 0.75)


def test_the_loop_shrinks_with_the_takes(model):
    model.put("dry", tone(-20, 2.0))
    model.set_region((0.5, 1.5))
    model.put("dry", tone(-20, 1.0))
    assert model.region == (0.5, 1.0)
    model.put("dry", tone(-20, 0.4))
    assert model.region is None


@pytest.mark.parametrize("position", [-0.1, 1.1, math.nan])
def test_seeking_outside_is_refused(model, sent, position):
    model.put("dry", tone(-20))
    sent.clear()
    with pytest.raises(UsageError, match="seek"):
        model.transport("seek", position)
    assert sent == []


# ---- messages from the page -------------------------------------------------------------------
def test_a_page_that_comes_later_gets_every_take_and_the_state(model, sent):
    model.put("dry", tone(-20))
    model.put("wet", tone(-14))
    model.choose("wet")
    model.note("too hot", "error")
    sent.clear()
    model.receive({"type": "ready"})
    assert [content["type"] for content, _ in sent] == ["take", "take", "state", "note"]
    assert sent[2][0]["state"]["active"] == "wet"
    assert sent[3][0] == {"type": "note", "text": "too hot", "level": "error"}


def test_what_the_user_does_on_the_page_is_known_in_python_and_not_echoed(model, sent):
    model.put("dry", tone(-20))
    model.put("wet", tone(-14))
    sent.clear()
    for message in (
        {"type": "choose", "name": "wet"},
        {"type": "match", "on": False},
        {"type": "spectrogram", "on": True},
        {"type": "volume", "value": 0.25},
        {"type": "region", "region": [0.1, 5.0]},
    ):
        model.receive(message)
    assert (model.active, model.matched, model.volume, model.region) == ("wet", False, 0.25, (0.1, 1.0))
    assert model.state()["spectrogram"] is True
    assert sent == []
    model.receive({"type": "choose", "name": "gone"})  # a click on a take that was just removed
    model.receive({"type": "region", "region": None})
    assert (model.active, model.region) == ("wet", None)


def test_state_is_json_even_for_silence(model):
    import json

    model.put("none", tone(-400))
    text = json.dumps(model.state(), allow_nan=False)
    assert json.loads(text)["takes"][0]["loudness"] is None


# ---- the widget -------------------------------------------------------------------------------
def test_the_widget_passes_on_and_reports(monkeypatch):
    messages = []
    monkeypatch.setattr(ABPlayer, "send", lambda self, content, buffers=None: messages.append(content["type"]))
    player = ABPlayer({"dry": tone(-20), "wet": tone(-14)}, spectrogram=True)
    assert player.spectrogram
    assert player.names == ("dry", "wet")
    assert player.gains["wet"] == pytest.approx(-6.0, abs=0.01)
    player.matched = False
    assert player.gains == {"dry": 0.0, "wet": 0.0}
    player.active = "wet"
    player.region = (0.1, 0.9)
    player["wet"] = tone(-30)
    assert (player.active, player.region) == ("wet", (0.1, 0.9))
    player.play()
    player.seek(0.5)
    assert messages == ["take", "take", "state", "state", "state", "take", "transport", "transport"]
    del player["wet"]
    assert "wet" not in player
    player._handle_custom_msg({"type": "volume", "value": 0.1}, [])  # the road a message from the page takes
    assert player.controller.volume == 0.1
    assert ABPlayer().player_id != player.player_id


# ---- long recordings ----------------------------------------------------------------------------
def test_of_half_an_hour_the_beginning_is_taken_and_it_is_said(model, sent):
    long = Audio(np.full((2, 1800 * 8000), 0.1, np.float32), 8000)
    model.put("long", long)
    assert model.duration == LONGEST == 300.0
    assert sent[-1][0]["state"]["takes"][0]["note"] == "the first 5:00 of 30:00 min"
    assert sent[-1][1][0].nbytes == 2 * 300 * 8000 * 4


def test_up_to_five_minutes_nothing_is_cut(model):
    model.put("short", Audio(np.full((1, 300 * 8000), 0.1, np.float32), 8000))
    assert model.takes["short"].note == ""


def test_a_closed_player_takes_what_comes_and_says_nothing():
    player = ABPlayer({"dry": tone(-20)})
    player.close()
    player["wet"] = tone(-10)
    player.note("still here")
    assert player.names == ("dry", "wet")
