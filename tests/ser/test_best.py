"""The network of ser.best: what must not matter to it does not, and what it sees is what its docstring says."""

from __future__ import annotations

import math

import pytest
import torch

from voxrack_ser.frontend_best import BestFrontend
from voxrack_ser.models import build
from voxrack_ser.models.best import Best, cut_speech
from voxrack_ser.speech_level import AFTER, BEFORE, frame_power, speech_level, speech_span

RATE, SILENCE = 16000, -130.0


def voice(seconds: float, pitch: float = 220.0, level: float = 0.1, seed: int = 0) -> torch.Tensor:
    """Harmonics of a pitch that wavers, with syllables, and a little noise."""
    time = torch.arange(int(seconds * RATE)) / RATE
    phase = 2 * math.pi * torch.cumsum(pitch * (1 + 0.05 * torch.sin(2 * math.pi * 3 * time)) / RATE, 0)
    tone = torch.stack([torch.sin(k * phase) / k for k in range(1, 9)]).sum(0)
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(seed))
    return level * (tone * (0.55 + 0.45 * torch.sin(2 * math.pi * 4 * time)) + 1e-3 * noise)


@pytest.fixture(scope="module")
def network() -> Best:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = Best(classes=5, members=2, channels=(4, 6, 8), width=8)
        with torch.no_grad():  # answers that differ, as after training
            for member in made.members:
                member.get_parameter("outer.weight").mul_(10.0)
    return made.eval()


def ask(network: Best, clips: list[torch.Tensor]) -> torch.Tensor:
    lengths = torch.tensor([len(clip) for clip in clips])
    x = torch.full((len(clips), int(lengths.max()), clips[0].shape[1]), 55.0)  # what lies behind an end is ignored
    for row, clip in enumerate(clips):
        x[row, : len(clip)] = clip
    with torch.no_grad():
        return network(x, lengths)["logits"]


def heard(samples: torch.Tensor) -> torch.Tensor:
    return BestFrontend()(samples, RATE)


def test_bands_are_semitones():
    """An octave higher is twelve bands higher."""
    low, high = (heard(voice(1.0, pitch))[30].clamp_min(-40.0) for pitch in (220.0, 440.0))
    # the partials of the lower voice are not all in the higher one: compare where both have their fundamental
    assert int(low[:25].argmax()) == round(12 * math.log2(220 / 65))
    assert int(high[:40].argmax()) == int(low[:25].argmax()) + 12


def test_level_of_a_recording_does_not_matter(network):
    clip = heard(voice(1.5))
    assert torch.allclose(ask(network, [clip]), ask(network, [clip - 23.0]), atol=1e-4)
    quiet = ask(network, [heard(voice(1.5, level=1e-4))])
    assert torch.allclose(ask(network, [heard(voice(1.5, level=0.2))]), quiet, atol=0.02)


def test_company_in_a_batch_does_not_matter(network):
    clips = [heard(voice(seconds, pitch)) for seconds, pitch in ((0.7, 130.0), (1.9, 250.0), (1.2, 310.0))]
    together = ask(network, clips)
    alone = torch.cat([ask(network, [clip]) for clip in clips])
    assert together.std() > 0.05  # or the comparison would say nothing
    assert torch.allclose(together, alone, atol=1e-4)


def test_silence_around_speech_does_not_matter(network):
    clip = heard(voice(1.2))
    wide = torch.nn.functional.pad(clip, (0, 0, 40, 55), value=SILENCE)
    wider = torch.nn.functional.pad(clip, (0, 0, 90, 20), value=SILENCE)
    assert torch.allclose(ask(network, [wide]), ask(network, [wider]), atol=1e-4)


def test_speech_is_found_with_its_margin():
    levels = torch.full((2, 100, 84), SILENCE)
    levels[0, 40:60] = -20.0
    levels[1, 3:98] = -20.0
    start, stop = speech_span(frame_power(levels), torch.ones(2, 100))
    assert start.tolist() == [40 - BEFORE, 0]
    assert stop.tolist() == [60 + AFTER, 100]
    cut, mask = cut_speech(levels, torch.ones(2, 100))
    assert mask.sum(1).tolist() == [20 + BEFORE + AFTER, 100]
    assert (cut[0, BEFORE : BEFORE + 20] == -20.0).all()
    assert (cut[0, :BEFORE] == SILENCE).all()


def test_pauses_and_noise_hardly_move_the_level():
    levels = torch.full((3, 200, 84), SILENCE)
    levels[:, 50:80] = -20.0
    levels[1, 50:53] = SILENCE
    levels[2, 80:] = -45.0
    found = speech_level(frame_power(levels), torch.ones(3, 200))
    assert found[0] == pytest.approx(-20.0 + 10 * math.log10(84), abs=1e-3)
    assert found.tolist() == pytest.approx([float(found[0])] * 3, abs=0.1)


def test_harmonics_lie_over_the_fundamental(network):
    clip = heard(voice(1.0, 130.0))[None]
    pictures, _ = network.pictures(clip, torch.ones(1, clip.shape[1]))
    assert pictures.shape[1] == 3
    assert torch.equal(pictures[:, 1, :, :-12], pictures[:, 0, :, 12:])
    assert torch.equal(pictures[:, 2, :, :-19], pictures[:, 0, :, 19:])
    fundamental = round(12 * math.log2(130 / 65))
    assert (pictures[0, :, 20:40, fundamental] > 1.0).all()


def test_digital_silence_and_one_frame_are_answered(network):
    found = ask(network, [torch.full((50, 84), SILENCE), torch.full((1, 84), -30.0)])
    assert torch.isfinite(found).all()


def test_answer_is_the_mean_of_the_members(network):
    clip = heard(voice(1.0))[None]
    pictures, mask = network.pictures(*cut_speech(clip, torch.ones(1, clip.shape[1])))
    with torch.no_grad():
        each = [member(pictures, mask) for member in network.members]
        found = network(clip, torch.tensor([clip.shape[1]]))
    assert torch.allclose(found["logits"], (each[0][0] + each[1][0]) / 2, atol=1e-5)
    assert found["embedding"].shape == (1, 2 * 4 * 8)


def test_a_stored_network_is_built_again(network):
    metadata = {"network": "best", "options": network.options}
    again = build(metadata, network.state_dict())
    clip = heard(voice(0.9))
    assert torch.equal(ask(again, [clip]), ask(network, [clip]))
