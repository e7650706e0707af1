"""Expressive guidance: its pairs, its equation, and plain conditioning bit for bit."""

import pytest
import torch

from voxrack.errors import UsageError
from voxrack_evc.guidance import Conditions, guided, is_plain, negative, positive

SOURCE, REFERENCE = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
SAD, ANGRY = torch.tensor([5.0]), torch.tensor([6.0])
CONDITIONS = Conditions(speaker=SOURCE, emotion=ANGRY, other_speaker=REFERENCE, other_emotion=SAD)


class Counting:
    """A network that is not linear in its conditions and counts its calls."""

    def __init__(self):
        self.batches = []

    def __call__(self, x, t, told):
        self.batches.append(len(x))
        return torch.tanh(x * told.sum(-1)[:, None, None]) + t


def test_the_pairs_are_the_rows_of_the_papers_table():
    assert positive(CONDITIONS) == (SOURCE, ANGRY)
    assert negative(CONDITIONS, "speaker") == (REFERENCE, ANGRY)
    assert negative(CONDITIONS, "emotion") == (SOURCE, SAD)
    assert negative(CONDITIONS, "both") == (REFERENCE, SAD)
    with pytest.raises(UsageError, match="speaker, emotion, both"):
        negative(CONDITIONS, "emotoin")


def test_guidance_of_one_is_plain_conditioning_bit_for_bit_with_one_call():
    network, x = Counting(), torch.randn(1, 80, 7)
    wanted, unwanted = torch.tensor([[0.3]]), torch.tensor([[-0.9]])
    plain = network(x, 0.4, wanted)
    network.batches.clear()
    assert torch.equal(guided(network, wanted, unwanted, 1.0)(x, 0.4), plain)
    assert torch.equal(guided(network, wanted, None, 3.0)(x, 0.4), plain)
    assert network.batches == [1, 1]


def test_guidance_is_equation_1_with_both_conditions_in_one_call():
    network, x = Counting(), torch.randn(1, 80, 7)
    wanted, unwanted = torch.tensor([[0.3]]), torch.tensor([[-0.9]])
    toward, away = network(x, 0.4, wanted), network(x, 0.4, unwanted)
    network.batches.clear()
    found = guided(network, wanted, unwanted, 2.5)(x, 0.4)
    torch.testing.assert_close(found, 2.5 * toward + (1.0 - 2.5) * away)
    assert network.batches == [2]


def test_what_is_plain():
    assert is_plain(1.0, "both")
    assert is_plain(2.0, "none")
    assert not is_plain(1.01, "speaker")
    with pytest.raises(UsageError, match="none, speaker, emotion, both"):
        is_plain(1.0, "all")
