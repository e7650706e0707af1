"""Every factory preset sounds like its name: rendered on a synthetic voice and on real speech, and measured.

``python tests/host/test_factory_presets.py`` brings the schema file and the table in ``presets/README.md`` up to date.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import numpy as np
import pytest

from voxrack import Audio, Host, Preset, read, render
from voxrack.clip import clip
from voxrack.testing import noise, voice

FOLDER = Path(__file__).resolve().parents[2] / "presets"
SCHEMA = FOLDER / "schema" / "voxrack.preset.schema.json"  # not beside the presets: `presets/*.json` is presets
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
RATE = 48_000
LUFS = -18.0  # what the presets' thresholds are made for
MARKS = ("<!-- table: `python tests/host/test_factory_presets.py` writes it -->\n", "<!-- end of table -->")


@cache
def host() -> Host:
    return Host()


def usable(preset: Preset) -> None:
    """Skip where the weights of a learned device are not in the checkout."""
    from learned import need

    need(*preset.devices)


def through(name: str, audio: Audio, **settings: object) -> Audio:
    usable(Preset.load(FOLDER / f"{name}.json"))
    rack = Preset.load(FOLDER / f"{name}.json").rack(host(), missing="refuse")
    for address, value in settings.items():
        rack.set(address.replace("__", "."), value)
    return render(rack, audio)


def loudness(audio: Audio) -> float:
    """Integrated loudness per channel in LUFS (a mono voice on two channels is 3 LU louder)."""
    import pyloudnorm

    meter = pyloudnorm.Meter(audio.sample_rate)
    return meter.integrated_loudness(audio.samples.T.astype(np.float64)) - 10.0 * np.log10(audio.channels)


def at_level(audio: Audio, lufs: float = LUFS) -> Audio:
    gain = 10.0 ** ((lufs - loudness(audio)) / 20.0)
    return Audio((audio.samples * gain).astype(np.float32), audio.sample_rate)


def peak_db(audio: Audio) -> float:
    return 20.0 * np.log10(float(np.abs(audio.samples).max()))


@cache
def a_voice() -> Audio:
    return at_level(voice(3.0, RATE, seed=5))


def impulse() -> Audio:
    samples = np.zeros((1, RATE // 2), np.float32)
    samples[0, 0] = 0.5
    return Audio(samples, RATE)


def power(samples: np.ndarray, low: float, high: float) -> float:
    """Energy between two frequencies, all channels, in dB."""
    spectrum = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    frequency = np.fft.rfftfreq(samples.shape[-1], 1.0 / RATE)
    return 10.0 * np.log10(spectrum[..., (frequency >= low) & (frequency < high)].sum() + 1e-20)


def response(name: str, low: float, high: float, lufs: float = LUFS) -> float:
    """Change of a band against the range 500 to 2000 Hz, in dB, on noise."""
    hiss = at_level(noise(2.0, RATE, seed=1), lufs)
    out = through(name, hiss).samples
    inside = power(out, 500, 2000) - power(hiss.samples, 500, 2000)
    return power(out, low, high) - power(hiss.samples, low, high) - inside


def range_left(name: str) -> float:
    """Two phrases that differ by 12 dB: by how many dB do they differ afterwards?"""
    soft, loud = (through(name, at_level(a_voice(), lufs)) for lufs in (-28.0, -16.0))
    return loudness(loud) - loudness(soft)


def decay_s(name: str, low: float = 500.0, high: float = 2000.0) -> float:
    """T60 of what is not the voice: Schroeder's backward integration, -5 to -25 dB (ISO 3382, T20)."""
    from scipy.signal import butter, sosfilt

    wet = through(name, impulse(), dry="-inf").samples
    band = sosfilt(butter(2, (low, high), "bandpass", fs=RATE, output="sos"), wet.astype(np.float64))
    energy = np.cumsum((band**2).sum(axis=0)[::-1])[::-1]
    fall = 10.0 * np.log10(energy / energy[0] + 1e-12)
    first, last = (int(np.argmax(fall < level)) for level in (-5.0, -25.0))
    return 3.0 * (last - first) / RATE


def echoes(name: str, shortest_ms: float) -> tuple[np.ndarray, np.ndarray]:
    """Impulse response (channels, samples) and the start of its loudest echoes in ms, loudest first."""
    out = through(name, impulse()).samples
    direct = int(np.argmax(np.abs(out).sum(axis=0)))
    loud = np.abs(out).sum(axis=0)[direct:].copy()
    gap = int(shortest_ms * RATE / 1000)
    loud[:gap] = 0.0
    found = []
    for _ in range(4):
        at = int(np.argmax(loud))
        found.append(at / RATE * 1000)
        loud[max(0, at - gap) : at + gap] = 0.0
    return out[:, direct:], np.array(found)


def wet_db(name: str) -> float:
    """Level of everything but the voice itself, against the voice, on a phrase."""
    dry = through(name, a_voice())
    wet = through(name, a_voice(), dry="-inf")
    frames = a_voice().frames
    both = [10.0 * np.log10(np.mean(part.samples[:, :frames].astype(np.float64) ** 2)) for part in (wet, dry)]
    return both[0] - both[1]


# ---- what each name promises ---------------------------------------------------------------------
def podcast_voice() -> None:
    assert range_left("podcast-voice") < 6.0, "12 dB between two phrases become less than 6"
    assert response("podcast-voice", 20, 50) < -12.0, "rumble"
    assert response("podcast-voice", 3000, 6000) > 1.0, "presence"
    assert response("podcast-voice", 200, 350) < -1.0, "mud"
    assert floor_change("podcast-voice") < -3.0


def audiobook() -> None:
    assert 4.0 < range_left("audiobook") < 8.0, "softly"
    assert response("audiobook", 20, 40) < -10.0
    assert abs(response("audiobook", 120, 250)) < 3.0 and response("audiobook", 9000, 15_000) < 1.0


def radio_announcer() -> None:
    assert range_left("radio-announcer") < 4.5, "hard"
    assert response("radio-announcer", 90, 160) > 2.0 and response("radio-announcer", 2500, 4500) > 2.5


def deboomed_speech() -> None:
    assert response("deboomed-speech", 20, 150) < -9.0
    assert response("deboomed-speech", 2500, 5000) < 3.0
    assert range_left("deboomed-speech") == pytest.approx(12.0, abs=0.3), "leaves the level alone"


def gated_voice() -> None:
    assert floor_change("gated-voice") < -12.0
    assert loudness(through("gated-voice", a_voice())) == pytest.approx(LUFS, abs=1.0), "and the voice stays"


def denoise() -> None:
    assert floor_change("denoise", -45.0) < -12.0
    spoken = at_level(clip())  # the network knows speech, not the vowels of the synthetic voice
    clean = through("denoise", spoken)
    assert clean.frames == spoken.frames, "no tail, and the delay is taken off"
    assert loudness(clean) == pytest.approx(LUFS, abs=1.0), "and the voice stays"
    still = through("denoise", noise(3.0, RATE, seed=4, level=-40.0)).samples[:, RATE:]
    assert 20 * np.log10(np.sqrt(np.mean(still**2)) + 1e-9) < -52.0, "noise alone nearly goes"


def floor_change(name: str, level: float = -60.0) -> float:
    """By how much hiss of that level (dBFS, RMS) changes between words, in dB, against the voice."""
    rng = np.random.default_rng(3)
    hiss = rng.normal(0.0, 10 ** (level / 20), (1, 2 * RATE)).astype(np.float32)
    quiet = np.concatenate([a_voice().samples, hiss], axis=1)
    out = through(name, Audio(quiet, RATE)).samples
    spoken, still = slice(0, a_voice().frames), slice(a_voice().frames + RATE, a_voice().frames + 2 * RATE)
    change = [power(out[:, part], 300, 8000) - power(quiet[:, part], 300, 8000) for part in (still, spoken)]
    return change[0] - change[1]


def intimate_vocal() -> None:
    assert range_left("intimate-vocal") < 6.0
    assert response("intimate-vocal", 10_000, 16_000) > 1.5, "breath"
    assert -30.0 < wet_db("intimate-vocal") < -18.0, "a hint of room"


def airy_pop_vocal() -> None:
    assert response("airy-pop-vocal", 10_000, 18_000) > 3.0, "air"
    assert response("airy-pop-vocal", 20, 80) < -9.0
    assert range_left("airy-pop-vocal") < 6.5
    assert 0.8 < decay_s("airy-pop-vocal") < 2.2


def close_vocal_plate() -> None:
    assert 1.3 < decay_s("close-vocal-plate") < 2.6
    assert -15.0 < wet_db("close-vocal-plate") < -8.0
    wet = np.abs(through("close-vocal-plate", impulse(), dry="-inf").samples).sum(axis=0)
    direct = int(np.argmax(np.abs(through("close-vocal-plate", impulse(), send__plate="-inf").samples).sum(axis=0)))
    first = int(np.argmax(wet > 1e-6)) - direct
    assert 25 <= first / RATE * 1000 < 50, "the plate starts after the voice"


def rap_lead() -> None:
    assert range_left("rap-lead") < 5.0
    assert response("rap-lead", 3500, 6000) > 2.0
    assert wet_db("rap-lead") < -15.0, "dry"


def parallel_crush() -> None:
    soft, loud = (loudness(through("parallel-crush", at_level(a_voice(), lufs))) - lufs for lufs in (-38.0, -14.0))
    assert soft - loud > 4.0, "raises what is soft"
    assert abs(loud) < 4.0
    alone = loudness(through("parallel-crush", a_voice(), crush__mix=1.0))
    assert Preset.load(FOLDER / "parallel-crush.json").parameters["crush.mix"] < 0.6
    crushed = [
        loudness(through("parallel-crush", at_level(a_voice(), lufs), crush__mix=1.0)) for lufs in (-30.0, -18.0)
    ]
    assert crushed[1] - crushed[0] < 3.0 and np.isfinite(alone), "the copy is crushed flat"


def slap_back() -> None:
    out, found = echoes("slap-back", 30.0)
    assert 80.0 < found[0] < 140.0
    at = int(found[0] * RATE / 1000)
    level = 10.0 * np.log10((out[:, at - 100 : at + 480] ** 2).sum() / (out[:, :580] ** 2).sum())
    assert -14.0 < level < -3.0, "one clear echo"
    late = 10.0 * np.log10((out[:, at + RATE // 10 - 200 :] ** 2).sum() / (out[:, :580] ** 2).sum())
    assert late < -25.0, "and hardly a second"


def ping_pong_throw() -> None:
    out, _ = echoes("ping-pong-throw", 100.0)
    sides = []
    for number in range(1, 5):
        at = int(0.375 * number * RATE)
        left, right = (float((channel[at - 100 : at + 960] ** 2).sum()) + 1e-12 for channel in out)
        sides.append(10.0 * np.log10(left / right))
    assert all(abs(side) > 6.0 for side in sides), "each echo stands on one side"
    assert [side > 0 for side in sides] in ([True, False] * 2, [False, True] * 2), "and they alternate"


def vocal_doubler() -> None:
    out = through("vocal-doubler", a_voice()).samples[:, : a_voice().frames].astype(np.float64)
    correlation = np.corrcoef(out)[0, 1]
    assert 0.0 < correlation < 0.93, "wide, and not out of phase"
    left, right = np.abs(through("vocal-doubler", impulse(), dry="-inf").samples)
    assert 15 < np.argmax(left) / RATE * 1000 < 20 and 23 < np.argmax(right) / RATE * 1000 < 30


def small_room() -> None:
    assert 0.25 < decay_s("small-room") < 0.8
    assert -15.0 < wet_db("small-room") < -7.0


def big_hall() -> None:
    assert 2.0 < decay_s("big-hall") < 4.0
    assert decay_s("big-hall", 125, 250) > decay_s("big-hall", 4000, 8000) * 1.3, "the treble dies first"
    assert -15.0 < wet_db("big-hall") < -8.0


def cathedral() -> None:
    assert 4.5 < decay_s("cathedral") < 9.0
    assert decay_s("cathedral") > 1.5 * decay_s("big-hall")
    assert -10.0 < wet_db("cathedral") < -3.0, "far behind the voice is still loud"


def telephone() -> None:
    for low, high in ((20, 150), (5000, 20_000)):
        assert response("telephone", low, high) < -30.0
    hiss = at_level(noise(2.0, RATE, seed=1))
    out = through("telephone", hiss)
    outside, inside = (
        [10 ** (power(audio.samples, low, high) / 10) for audio in (hiss, out)]
        for low, high in ((20, 24_000), (300, 3400))
    )
    kept = 10.0 * np.log10(inside[1] / inside[0])
    lost = 10.0 * np.log10((outside[1] - inside[1]) / (outside[0] - inside[0]))
    assert lost - kept < -20.0, "what is outside 300 to 3400 Hz is down by more than 20 dB"
    wide = Audio(np.vstack([a_voice().samples, -0.5 * a_voice().samples]), RATE)
    assert through("telephone", wide).channels == 1


def lo_fi_cassette() -> None:
    assert response("lo-fi-cassette", 9000, 18_000) < -15.0
    assert response("lo-fi-cassette", 80, 140) > 0.5, "the bump of the head"
    assert range_left("lo-fi-cassette") < 6.0


PROMISES: dict[str, Callable[[], None]] = {
    promise.__name__.replace("_", "-"): promise
    for promise in (
        podcast_voice, audiobook, radio_announcer, deboomed_speech, gated_voice, intimate_vocal, airy_pop_vocal,
        close_vocal_plate, rap_lead, parallel_crush, slap_back, ping_pong_throw, vocal_doubler, small_room, big_hall,
        cathedral, telephone, lo_fi_cassette, denoise,
    )
}  # fmt: skip


# ---- those that were drawn (tools/drawn_presets.py): the name says tone and place --------------------
TONES = {"dark": (0.0, 1.1), "plain": (1.1, 1.4), "bright": (1.4, 10.0)}  # centroid against the dry voice's
PLACES = {"booth": (0.0, 0.7), "room": (0.7, 1.5), "hall": (1.5, 3.1), "cavern": (3.1, 13.0)}  # decay in s
DRAWN = tuple(f"drawn-{tone}-{place}" for tone in TONES for place in PLACES)


def drawn(name: str) -> None:
    from voxrack_atlas import describe
    from voxrack_atlas.stability import check_stability

    _, tone, place = name.split("-")
    preset = Preset.load(FOLDER / f"{name}.json")
    found, dry = describe(preset, a_voice()), describe(a_voice())
    assert TONES[tone][0] <= found["brightness"] / dry["brightness"] < TONES[tone][1]
    assert PLACES[place][0] <= found["decay"] < PLACES[place][1]
    assert check_stability(preset).stable
    assert (
        "seed" in preset.provenance["made_by"] and preset.provenance["sources"][0]["name"] == "vocal_flow.safetensors"
    )


PROMISES |= {name: partial(drawn, name) for name in DRAWN}


# ---- tests ---------------------------------------------------------------------------------------
def test_there_are_as_many_as_promised_and_each_has_a_measure():
    assert len(NAMES) >= 14
    assert set(NAMES) == set(PROMISES)


@pytest.mark.parametrize("name", NAMES)
def test_it_measures_like_its_name(name):
    PROMISES[name]()


def _sensible(name: str, audio: Audio) -> None:
    out = through(name, audio)
    assert np.isfinite(out.samples).all() and out.sample_rate == audio.sample_rate
    assert abs(loudness(out) - loudness(audio)) < 4.0, "as loud as what came in"
    assert peak_db(out) < max(0.0, peak_db(audio) + 1.5), "a filter turns phases, so a peak may grow a little"
    assert out.frames >= audio.frames


@pytest.mark.parametrize("name", NAMES)
def test_a_synthetic_voice_comes_out_at_a_sensible_level(name):
    _sensible(name, a_voice())


@pytest.mark.parametrize("name", NAMES)
def test_real_speech_comes_out_at_a_sensible_level(name, shared):
    folder = shared / "data" / "ravdess"
    if not folder.is_dir():
        pytest.skip(f"no RAVDESS at {folder}")
    files = [sorted(folder.glob("Actor_*/*.flac"))[i] for i in (0, 700)]  # a man and a woman
    speech = np.concatenate([at_level(read(file)).samples[:1] for file in files], axis=1)
    _sensible(name, at_level(Audio(speech, 16_000)))


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_voxrack_would_write(name):
    path = FOLDER / f"{name}.json"
    preset = Preset.load(path)
    assert preset.text().encode() == path.read_bytes(), "canonical"
    usable(preset)
    assert preset.check(host()) == [], (
        "complete and of current device versions: else `voxrack preset upgrade presets/*.json`"
    )
    assert preset.upgraded(host()) == preset
    assert not any(host().spec(device).extra for device in preset.devices), "needs no extra"
    assert preset.name and preset.about.endswith((".", "`")) and preset.tags
    assert preset.provenance["how"] == ("sample" if name in DRAWN else "hand")
    assert all(len(slot) > 1 and not re.search(r"_\d$", slot) for slot in preset.rack(host()).slots()), (
        "slots have names"
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_factory_preset_fits_the_published_schema(name):
    jsonschema = pytest.importorskip("jsonschema", reason="needs the extra dev")
    jsonschema.Draft202012Validator(Preset.schema()).validate(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))


def test_the_host_lists_them():
    assert set(NAMES) <= set(host().presets())
    assert not any("schema" in name for name in host().presets())


# ---- generated files -----------------------------------------------------------------------------
def schema_text() -> str:
    return json.dumps(Preset.schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def table_text() -> str:
    rows = [(name, Preset.load(FOLDER / f"{name}.json")) for name in NAMES]
    lines = [f"| `{name}` | {preset.about} | {', '.join(preset.tags)} |" for name, preset in rows]
    return "\n".join(["| preset | what it does | tags |", "|---|---|---|", *lines]) + "\n"


def readme_text() -> str:
    before, _, rest = (FOLDER / "README.md").read_text("utf-8").partition(MARKS[0])
    return before + MARKS[0] + table_text() + MARKS[1] + rest.partition(MARKS[1])[2]


def test_the_schema_file_is_current():
    assert SCHEMA.read_text("utf-8") == schema_text(), "run this file to refresh it"


def test_the_table_in_the_readme_is_current():
    assert (FOLDER / "README.md").read_text("utf-8") == readme_text(), "run this file to refresh it"


if __name__ == "__main__":
    SCHEMA.write_text(schema_text(), "utf-8")
    (FOLDER / "README.md").write_text(readme_text(), "utf-8")
