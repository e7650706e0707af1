"""Sizes of the networks, and that padding changes nothing."""

import pytest
import torch

from voxrack.errors import UsageError
from voxrack_evc.blocks import GroupNorm, LinearAttention
from voxrack_evc.content import ContentEncoder, _to_absolute, _to_relative
from voxrack_evc.decoder import Decoder


def millions(make):
    with torch.device("meta"):
        return sum(weight.numel() for weight in make().parameters()) / 1e6


@pytest.mark.parametrize(("width", "published"), [(64, 8.6), (128, 30.7), (256, 117.8)])
def test_the_decoder_has_the_published_sizes(width, published):
    assert millions(lambda: Decoder(width, reference=True)) == pytest.approx(published, abs=0.05)


def test_the_content_encoder_has_the_published_size():
    assert millions(ContentEncoder) == pytest.approx(8.46, abs=0.005)


def moved(network):
    """Weights that start at zero, as those of attention do, are given values."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            if not weight.any():
                weight.copy_(0.1 * torch.randn(weight.shape, generator=generator))
    return network.eval()


def padded(x, frames=19):
    """With rubbish behind it."""
    return torch.cat([x, 9.0 * torch.randn(*x.shape[:-1], frames)], -1)


@pytest.mark.parametrize("reference", [False, True])
@pytest.mark.parametrize("predicts", ["velocity", "score"])
def test_padding_changes_nothing_of_the_score(reference, predicts):
    decoder = moved(Decoder(16, 16, predicts, reference))
    x, average, shown = torch.randn(3, 2, 80, 21)
    told, t = torch.randn(2, 256), torch.tensor([0.3, 0.8])
    mask = torch.zeros(2, 40)
    mask[:, :21] = 1.0
    more = {"reference": shown} if reference else {}
    behind = {"reference": padded(shown), "reference_mask": mask} if reference else {}
    with torch.no_grad():
        alone = decoder(x, average, told, t, **more)
        together = decoder(padded(x), padded(average), told, t, mask, **behind)
    torch.testing.assert_close(together[..., :21], alone, rtol=1e-4, atol=1e-4)
    assert not together[..., 21:].any()


def test_the_score_follows_the_conditions_and_the_average_voice():
    decoder = moved(Decoder(16, 16))
    x, average = torch.randn(2, 1, 80, 16)
    t = torch.tensor([0.4])
    with torch.no_grad():
        one = decoder(x, average, torch.zeros(1, 256), t)
        assert not torch.allclose(one, decoder(x, average, torch.ones(1, 256), t))
        assert not torch.allclose(one, decoder(x, average + 0.1, torch.zeros(1, 256), t))


def test_a_decoder_that_hears_a_reference_asks_for_it():
    x = torch.randn(1, 80, 16)
    with pytest.raises(UsageError, match="none was given"):
        Decoder(8, 8, reference=True)(x, x, torch.zeros(1, 256), torch.tensor([0.4]))
    with pytest.raises(UsageError, match="multiple of 8"):
        Decoder(20)


def test_padding_changes_nothing_of_the_average_voice():
    encoder = moved(ContentEncoder(32, 64, 2, 2, 8))
    mel = torch.randn(2, 80, 21)
    mask = torch.zeros(2, 40)
    mask[:, :21] = 1.0
    with torch.no_grad():
        alone, together = encoder(mel), encoder(padded(mel), mask)
    torch.testing.assert_close(together[..., :21], alone, rtol=1e-4, atol=1e-5)
    assert not together[..., 21:].any()


def test_relative_positions_are_on_their_diagonals():
    near = torch.randn(2, 7, 9)
    absolute, relative = torch.zeros(2, 7, 7), torch.zeros(2, 7, 9)
    weights = torch.randn(2, 7, 7)
    for i in range(7):
        for j in range(7):
            if abs(j - i) <= 4:
                absolute[:, i, j] = near[:, i, j - i + 4]
                relative[:, i, j - i + 4] = weights[:, i, j]
    torch.testing.assert_close(_to_absolute(near), absolute)
    torch.testing.assert_close(_to_relative(weights), relative)


def test_masked_group_norm_is_torchs_of_what_counts():
    norm = GroupNorm(2, 4)
    with torch.no_grad():
        norm.weight.copy_(torch.randn(4))
        norm.bias.copy_(torch.randn(4))
    x = torch.randn(1, 4, 3, 9)
    mask = torch.zeros(1, 1, 1, 9)
    mask[..., :5] = 1.0
    torch.testing.assert_close(norm(x, mask)[..., :5], norm(x[..., :5].contiguous()), rtol=1e-4, atol=1e-5)


def test_linear_attention_is_softmax_over_all_cells():
    attention = moved(LinearAttention(6, heads=2, size=3))
    x = torch.randn(1, 6, 4, 5)
    query, key, value = attention.ask(x).reshape(3, 2, 3, 20)
    weights = key.softmax(-1)
    found = torch.stack([value[h] @ weights[h].T @ query[h] for h in range(2)]).reshape(1, 6, 4, 5)
    torch.testing.assert_close(attention(x, None), x + attention.weight * attention.answer(found))
