"""CMGAN's networks: sizes of the paper, spectrogram and back, attention by distance, what level and length do."""

from __future__ import annotations

import math

import pytest
import torch
from enhance.cmgan_bench import small
from torch import Tensor

from voxrack.errors import UsageError
from voxrack_enhance.cmgan import conformer
from voxrack_enhance.cmgan.discriminator import Discriminator
from voxrack_enhance.cmgan.generator import Generator, enhance
from voxrack_enhance.cmgan.losses import Found, Pair, discriminator_loss, generator_loss
from voxrack_enhance.cmgan.spectrum import compress, expand, magnitude, whole_hops


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


# ---- sizes -----------------------------------------------------------------------------------
def test_the_sizes_of_the_paper():
    assert parameters(Generator()) == 1_834_833
    assert parameters(Discriminator()) == 181_650


def test_width_and_depth_are_options():
    assert parameters(Generator(16, 2)) < 110_000
    assert len(Generator(8, 3).blocks) == 3
    with pytest.raises(UsageError, match="multiple of 4"):
        Generator(width=10)
    with pytest.raises(UsageError, match="1 or more"):
        Generator(blocks=0)


# ---- the spectrogram -------------------------------------------------------------------------
def test_compressing_and_expanding_give_the_signal_back():
    signal = random(2, 4000)
    compressed = compress(signal)
    assert compressed.shape == (2, 2, 41, 201)
    torch.testing.assert_close(expand(compressed, 4000), signal, rtol=1e-4, atol=1e-4)


def test_magnitudes_are_raised_to_three_tenths_and_phases_kept():
    signal = random(1, 3000)
    window = torch.hamming_window(400)
    plain = torch.stft(signal, 400, 100, window=window, return_complex=True).transpose(1, 2)
    found = torch.view_as_complex(compress(signal).permute(0, 2, 3, 1).contiguous())
    torch.testing.assert_close(found.abs(), plain.abs() ** 0.3, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found / found.abs(), plain / plain.abs(), rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(magnitude(compress(signal))[:, 0], plain.abs() ** 0.3, rtol=1e-4, atol=1e-4)


def test_gradients_of_silence_are_finite():
    signal = torch.zeros(1, 800, requires_grad=True)
    compressed = compress(signal)
    (expand(compressed, 800).sum() + magnitude(compressed).sum()).backward()
    assert signal.grad is not None and torch.isfinite(signal.grad).all()


def test_short_signals_are_filled_up():
    assert whole_hops(torch.zeros(1, 1)).shape[-1] == 400
    assert whole_hops(torch.zeros(1, 401)).shape[-1] == 500


# ---- attention -------------------------------------------------------------------------------
@pytest.mark.parametrize("frames", [1, 2, 7, 530])
def test_attention_is_that_of_shaw_with_clipped_distances(frames):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        attention = conformer.Attention(8, 0.0).eval()
    x = random(2, frames, 8)
    heard = attention.norm(x)
    keys, values = attention.key_value(heard).chunk(2, -1)
    queries = attention.query(heard)
    out = torch.zeros(2, frames, 8)
    place = torch.arange(frames)
    vectors = attention.distance((place[:, None] - place[None]).clamp(-512, 512) + 512)  # (i, j, size)
    for head in range(4):
        cut = slice(2 * head, 2 * head + 2)
        plain = torch.einsum("bid,bjd->bij", queries[..., cut], keys[..., cut])
        far = torch.einsum("bid,ijd->bij", queries[..., cut], vectors)
        out[..., cut] = ((plain + far) / math.sqrt(2)).softmax(-1) @ values[..., cut]
    torch.testing.assert_close(attention(x), attention.leave(out), rtol=1e-4, atol=1e-5)


def test_a_few_sequences_at_a_time_give_the_same(monkeypatch):
    block = small().blocks[0].time
    x = random(11, 30, 8)
    with torch.no_grad():
        whole = block(x)
        monkeypatch.setattr(conformer, "_SCORES", 4 * 2 * 30**2 * 3)
        torch.testing.assert_close(block(x), whole, rtol=1e-5, atol=1e-6)
    with torch.enable_grad():
        torch.testing.assert_close(block(x), whole, rtol=1e-5, atol=1e-6)


# ---- the generator ---------------------------------------------------------------------------
def test_the_mask_turns_no_phase_and_the_correction_is_added():
    generator, x = small(), compress(random(1, 3200))
    with torch.no_grad():
        for tensor in generator.complex.last.parameters():
            tensor.zero_()
        found = generator(x)
    cross = found[:, 0] * x[:, 1] - found[:, 1] * x[:, 0]
    assert cross.abs().max() < 1e-5 * x.square().max()
    with torch.no_grad():
        generator.complex.last.bias.copy_(torch.tensor([0.5, -0.25]))
        torch.testing.assert_close(
            generator(x) - found, torch.tensor([0.5, -0.25]).view(1, 2, 1, 1).expand_as(x), rtol=1e-4, atol=1e-5
        )


def test_the_level_is_restored_and_silence_stays_silent():
    generator, signal = small(), 0.1 * random(1, 5000)
    loud = enhance(generator, signal)
    assert loud.shape == signal.shape and loud.abs().max() > 1e-3
    for gain in (1e-3, 30.0):
        torch.testing.assert_close(enhance(generator, gain * signal) / gain, loud, rtol=1e-3, atol=1e-5)
    assert not enhance(generator, torch.zeros(1, 5000)).any()
    both = enhance(generator, torch.cat((signal, torch.zeros_like(signal))))
    assert not both[1].any()
    torch.testing.assert_close(both[:1], loud, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("samples", [1, 399, 400, 12345])
def test_any_length_comes_out_as_long_as_it_went_in(samples):
    assert enhance(small(), random(1, samples)).shape == (1, samples)


# ---- losses ----------------------------------------------------------------------------------
def test_losses_are_weighed_as_coded():
    pair = Pair.of(random(2, 3250), random(2, 3250, seed=1))
    assert pair.clean.shape == (2, 3200)
    found = Found.of(pair.noisy_spectrum, 3200)
    score = torch.tensor([0.2, 0.6])
    total, terms = generator_loss(pair, found, score, 0.05)
    real, imaginary = (((pair.noisy_spectrum - pair.clean_spectrum)[:, part] ** 2).mean() for part in (0, 1))
    assert terms["complex"].item() == pytest.approx((real + imaginary).item(), rel=1e-5)
    assert terms["adversarial"].item() == pytest.approx((0.8**2 + 0.4**2) / 2, rel=1e-5)
    magnitudes = ((magnitude(pair.noisy_spectrum) - magnitude(pair.clean_spectrum)) ** 2).mean()
    expected = 0.1 * terms["complex"] + 0.9 * magnitudes + 0.2 * terms["samples"] + 0.05 * terms["adversarial"]
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    same, _ = generator_loss(pair, Found.of(pair.clean_spectrum, 3200), None, 0.05)
    assert same.item() < 1e-4


def test_both_are_divided_by_the_level_of_the_noisy_signal():
    noisy, clean = random(1, 1600), 0.5 * random(1, 1600, seed=2)
    torch.testing.assert_close(
        Pair.of(0.01 * noisy, 0.01 * clean).clean, clean / noisy.square().mean().sqrt(), rtol=1e-4, atol=1e-5
    )


def test_what_pesq_cannot_score_teaches_nothing():
    of_clean, of_found = torch.tensor([0.9, 0.7]), torch.tensor([0.5, 0.1])
    both = discriminator_loss(of_clean, of_found, torch.tensor([0.3, 0.4]))
    assert both.item() == pytest.approx((0.01 + 0.09) / 2 + (0.04 + 0.09) / 2, rel=1e-4)
    one = discriminator_loss(of_clean, of_found, torch.tensor([0.3, math.nan]))
    assert one.item() == pytest.approx((0.01 + 0.09) / 2 + 0.04, rel=1e-4)
    none = discriminator_loss(of_clean, of_found, torch.tensor([math.nan, math.nan]))
    assert none.item() == pytest.approx((0.01 + 0.09) / 2, rel=1e-4)


def test_the_discriminator_learns_scores():
    """Toy scores: one less the noise that was added. It must tell them of pairs that it has not seen."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = Discriminator(8)
        optimiser = torch.optim.AdamW(critic.parameters(), lr=1e-2)
        generator = torch.Generator().manual_seed(1)

        def draw(count: int) -> tuple[Tensor, Tensor, Tensor]:
            smooth = torch.rand(count, 1, 5, 5, generator=generator)
            clean = torch.nn.functional.interpolate(smooth, (32, 32), mode="bilinear")
            share = torch.rand(count, generator=generator)
            noise = torch.rand(count, 1, 32, 32, generator=generator)
            return clean, clean + share.view(-1, 1, 1, 1) * noise, 1.0 - share

        for _ in range(150):
            clean, found, wanted = draw(16)
            loss = discriminator_loss(critic(clean, clean), critic(clean, found), wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        critic.eval()
        clean, found, wanted = draw(64)
        with torch.no_grad():
            heard, best = critic(clean, found), critic(clean, clean)
    assert torch.corrcoef(torch.stack((heard, wanted)))[0, 1] > 0.85
    assert (heard - wanted).abs().mean() < 0.2 and best.mean() > heard.mean() + 0.2
