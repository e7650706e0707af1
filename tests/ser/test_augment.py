"""Augmentation of band levels: each change does what it says, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from voxrack_ser.augment import Augmentation
from voxrack_ser.speech_level import frame_power, speech_level

NONE = Augmentation(shift=0.0, stretch=0.0, equaliser=0.0, noise=0.0, crop=0.0, lead=0.0, masks=0.0, longest=1000)


def clips(lengths: tuple[int, ...] = (90, 70, 50), bands: int = 84) -> tuple[torch.Tensor, torch.Tensor]:
    """A ridge at band 40 over a smooth floor."""
    x = torch.full((len(lengths), max(lengths), bands), -60.0)
    x += 3.0 * torch.sin(torch.arange(max(lengths)) / 9.0)[None, :, None]
    x[:, :, 40] = -10.0
    return x, torch.tensor(lengths)


def changed(augmentation: Augmentation, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    return augmentation.levels(*clips(), torch.Generator().manual_seed(seed))


def test_nothing_asked_is_nothing_changed():
    made, mask = changed(NONE)
    x, lengths = clips()
    assert mask.sum(1).tolist() == lengths.tolist()
    for row, length in enumerate(lengths.tolist()):
        assert torch.allclose(made[row, :length], x[row, :length], atol=1e-3)


def test_the_same_seed_is_the_same_change():
    full = Augmentation(noise=1.0, lead=1.0)
    assert torch.equal(changed(full, 4)[0], changed(full, 4)[0])
    first, second = changed(full, 4)[0], changed(full, 5)[0]
    assert first.shape != second.shape or not torch.equal(first, second)


def test_a_shift_moves_the_ridge_by_so_many_bands():
    made, _ = changed(replace(NONE, shift=6.0), 2)
    places = made[:, 20].argmax(1)
    assert len(set(places.tolist())) > 1  # each clip its own
    assert all(30 <= place <= 50 and place != 40 for place in places.tolist())


def test_a_stretch_changes_lengths_within_its_bounds():
    made = replace(NONE, stretch=0.3)
    found = torch.stack([changed(made, seed)[1].sum(1) for seed in range(30)])
    ratio = found / torch.tensor([90.0, 70.0, 50.0])
    assert 0.72 <= float(ratio.min()) < 0.85
    assert 1.18 < float(ratio.max()) <= 1.37


def test_crops_have_the_stated_lengths():
    made = replace(NONE, crop=1.0, shortest=30, widest=45)
    widths = {changed(made, seed)[0].shape[1] for seed in range(60)}
    assert min(widths) >= 30 and max(widths) <= 45 and len(widths) > 8


def test_noise_lies_at_the_stated_distance():
    loud = replace(NONE, noise=1.0)
    x, lengths = clips((90,) * 8)
    x[:, 45:] = -140.0  # half of each clip is silent: what is there afterwards is the noise
    made, mask = loud.levels(x, lengths, torch.Generator().manual_seed(1))
    noise = 10 * torch.log10(frame_power(made)[:, 50:85].mean(1))
    ratio = speech_level(frame_power(x), mask) - noise
    assert float(ratio.min()) > 4.0 and float(ratio.max()) < 41.0
    assert float(ratio.std()) > 2.0


def test_background_is_put_around_a_clip():
    made = replace(NONE, lead=1.0)
    found, mask = changed(made, 3)
    extra = mask.sum(1) - torch.tensor([90.0, 70.0, 50.0])
    assert (extra >= 0).all() and (extra <= 60).all() and extra.max() > 10
    assert (found[0, :, 40] > -11.0).all()  # the clip's own first and last frames, not silence


@pytest.mark.parametrize("scale", [0.0, 1.0])
def test_bars_are_blanked_in_all_layers_alike(scale):
    pictures = torch.ones(40, 3, 120, 84)
    made = Augmentation(masks=scale).masked(pictures, torch.Generator().manual_seed(0))
    if not scale:
        assert torch.equal(made, pictures)
        return
    assert torch.equal(made[:, 0], made[:, 2])
    share = 1.0 - made[:, 0].mean(dim=(1, 2))
    assert float(share.max()) < 0.55 and 0.05 < float(share.mean()) < 0.4


def responses(share: float, count: int = 400) -> torch.Tensor:
    """What a flat picture of 0 dB becomes, (count, 84)."""
    x, lengths = torch.zeros(count, 5, 84), torch.full((count,), 5)
    made, _ = replace(NONE, channel=share).levels(x, lengths, torch.Generator().manual_seed(0))
    assert torch.allclose(made, made[:, :1], atol=1e-4)  # the same at all times
    return made[:, 0]


def test_poor_channels_are_narrow_or_tilted():
    found = responses(1.0)
    hertz = 65.0 * 2.0 ** (torch.arange(84) / 12)
    middle, top, bottom = (hertz > 900) & (hertz < 1400), found[:, -1], found[:, 0]
    narrow = bottom < -0.5
    assert 150 < int(narrow.sum()) < 250
    assert float(found[narrow][:, middle].min()) > -1.5  # what a telephone is made for passes
    assert float(top[narrow].max()) < -3.0 and float(bottom[narrow].min()) > -110.0
    telephone = -10 * torch.log10(1 + (300 / hertz) ** 8) - 10 * torch.log10(1 + (hertz / 3400) ** 8)
    assert float((found[narrow] - telephone).abs().amax(1).min()) < 8.0  # one of them is much like the real thing
    tilted = found[~narrow]
    assert float(tilted.abs().max()) <= 18.001
    assert float(top[~narrow].min()) < -10.0 and float(top[~narrow].max()) > 10.0
    assert not tilted[:, 0].any() and (tilted.diff(dim=1).sign() * top[~narrow].sign()[:, None] >= 0).all()


def test_so_many_clips_have_a_poor_channel():
    assert 60 < int(responses(0.2).any(1).sum()) < 105
    assert not responses(0.0).any()


def test_without_poor_channels_a_seed_gives_what_it_gave():
    x, lengths = clips()
    first, second = (torch.Generator().manual_seed(3) for _ in range(2))
    Augmentation().levels(x, lengths, first)
    Augmentation(channel=1.0).levels(x, lengths, second)
    assert not torch.equal(first.get_state(), second.get_state())
    made = replace(NONE, channel=1e-9).levels(x, lengths, torch.Generator().manual_seed(3))[0]
    assert torch.equal(made, changed(NONE, 3)[0])
