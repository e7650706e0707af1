"""The enhancer as people meet it: in front of a recogniser, on recordings that are not as they should be.

What is heard is that of random weights, so nothing here says how well noise is removed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import done, lines, run
from random_enhancer import random_enhancer
from random_recogniser import LABELS, random_recogniser

from voxrack import Audio, Host, Rack, analyze, render, write
from voxrack.testing import noise, voice


@pytest.fixture(scope="module")
def enhancer(tmp_path_factory) -> Path:
    return random_enhancer(tmp_path_factory.mktemp("enhancer") / "random.safetensors")


@pytest.fixture(scope="module")
def words(tmp_path_factory, enhancer) -> tuple[str, ...]:
    """The start of a command line: a recogniser behind an enhancer, both with weights made here."""
    weights = random_recogniser(tmp_path_factory.mktemp("recogniser") / "random.safetensors")
    front = ("--front", "enhance.light", "--set", f"front.light.weights={enhancer}")
    return ("analyze", "ser.best", "--set", f"weights={weights}", *front)


def clipped() -> Audio:
    loud = voice(3.0, 16_000, seed=3)
    return Audio(np.clip(30 * loud.samples, -1, 1), 16_000)


def music(seconds: float = 3.0, rate: int = 44_100) -> Audio:
    """Chords with decaying partials, half a second each."""
    time = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(time)
    for at in range(round(2 * seconds)):
        since = time - 0.5 * at
        notes = 220 * 2 ** (np.array([0, 4, 7, 12]) / 12) * (1 + 0.12 * (at % 3))
        partials = sum(np.sin(2 * np.pi * k * note * since) / k for note in notes for k in (1, 2, 3))
        sound += np.where(since >= 0, np.exp(-4 * np.maximum(since, 0)) * partials, 0)
    return Audio((0.08 * sound).astype(np.float32), rate)


ODD = {
    "silence": lambda: Audio(np.zeros((2, 48_000), np.float32), 16_000),
    "music": music,
    "noise": lambda: noise(3.0, 48_000, level=-12.0),
    "clipping": clipped,
    "telephone": lambda: voice(3.0, 8_000, seed=3),
    "stereo": lambda: voice(3.0, 44_100, seed=3, channels=2),
    "many channels": lambda: voice(2.0, 16_000, seed=3, channels=6),
    "shorter than a frame": lambda: Audio(np.full((1, 5), 0.5, np.float32), 48_000),
    "96 kHz": lambda: voice(1.0, 96_000, seed=3),
}


@pytest.mark.parametrize("name", ODD)
def test_a_recogniser_behind_an_enhancer_has_an_answer(words, tmp_path: Path, name: str):
    write(tmp_path / "odd.wav", ODD[name]())
    result = done(*words, tmp_path / "odd.wav", "--json")
    (found,) = lines(result)
    assert found["front"] == ["enhance.light"]
    assert found["summary"]["emotion"] in (*LABELS, "unsure", "no speech")
    assert found["summary"]["duration_s"] == pytest.approx(ODD[name]().duration, abs=1e-3)  # the delay is taken off
    if name in ("silence", "shorter than a frame"):
        assert found["summary"]["emotion"] == "no speech"
    assert "narrow" not in result.stderr
    assert "nothing passes" not in result.stderr  # an enhancer keeps the band


@pytest.mark.parametrize("name", ODD)
def test_a_rendering_is_as_long_as_wide_and_finite(enhancer, tmp_path: Path, name: str):
    audio = ODD[name]()
    rack = Rack([Host().create("enhance.light", {"weights": str(enhancer)})])
    out = render(rack, audio, tail=False)
    assert out.samples.shape == audio.samples.shape
    assert np.isfinite(out.samples).all()
    if name == "silence":
        assert not out.samples.any()


def test_the_enhancer_in_front_is_the_enhancer_before(words, enhancer, tmp_path: Path):
    """To the recogniser it is the same whether the enhanced file was written first or not."""
    noisy = Audio(voice(3.0, 16_000, seed=3).samples + noise(3.0, 16_000, level=-40.0).samples, 16_000)
    host = Host()
    settings = {"weights": words[3].partition("=")[2]}
    device = host.create("enhance.light", {"weights": str(enhancer)})
    at_once = analyze(host.create("ser.best", settings), noisy, front=device)  # pyright: ignore[reportArgumentType]
    write(tmp_path / "enhanced.wav", render(device, noisy, tail=False))
    after = analyze(host.create("ser.best", settings), tmp_path / "enhanced.wav")  # pyright: ignore[reportArgumentType]
    np.testing.assert_array_equal(at_once[0].values, after[0].values)
    plain = analyze(host.create("ser.best", settings), noisy)  # pyright: ignore[reportArgumentType]
    assert not np.array_equal(at_once[0].values, plain[0].values)


def test_an_enhancer_that_is_missing_is_named(tmp_path: Path, monkeypatch):
    from voxrack import host as module

    host = Host(disabled=["enhance"])
    monkeypatch.setattr(module, "default_host", lambda: host)
    write(tmp_path / "a.wav", voice(1.0, 16_000))
    wanting = run("analyze", "ser.best", tmp_path / "a.wav", "--front", "enhance.light")
    assert wanting.exit_code == 2
    assert "no installed plugin offers 'enhance.…'" in wanting.stderr
    assert "Not loaded: enhance (disabled); see 'voxrack plugins'" in wanting.stderr


def test_weights_of_something_else_are_refused(words, tmp_path: Path):
    write(tmp_path / "a.wav", voice(1.0, 16_000))
    recogniser = words[3].partition("=")[2]
    for weights in (recogniser, tmp_path / "a.wav"):
        other = (*words[:4], "--front", "enhance.light", "--set", f"front.light.weights={weights}")
        wrong = run(*other, tmp_path / "a.wav")
        assert wrong.exit_code == 3
        assert str(weights) in wrong.stderr
        assert wrong.stdout == ""
