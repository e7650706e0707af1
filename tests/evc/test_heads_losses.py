"""Auxiliary heads and the losses of the decoder against their definitions."""

import pytest
import torch

from voxrack import metrics
from voxrack_evc.heads import Heads, ccc, labelled
from voxrack_evc.losses import mel_loss, score_loss, total


def test_ccc_is_its_definition():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(50, generator=generator, dtype=torch.float64)
    y = 0.5 * x + 0.3 + 0.2 * torch.randn(50, generator=generator, dtype=torch.float64)
    assert float(ccc(x, y)) == pytest.approx(metrics.ccc(x.numpy(), y.numpy()), rel=1e-12)
    assert float(ccc(x, x)) == pytest.approx(1.0)
    assert float(ccc(x, -x + 2 * x.mean())) == pytest.approx(-1.0)
    assert float(ccc(torch.ones(5), torch.ones(5))) == 0.0


def test_heads_learn_from_labels_where_there_are_labels():
    heads = Heads(4, speakers=3, emotions=2)
    s, e = torch.randn(2, 5, 4)
    speaker, emotion = torch.tensor([0, 1, 2, -1, 0]), torch.tensor([-1, 1, 0, -1, 1])
    unknown = torch.full((5, 2), torch.nan)
    loss, numbers = heads(s, e, speaker, emotion, unknown)
    who = torch.nn.functional.cross_entropy(heads.speaker(s)[[0, 1, 2, 4]], speaker[[0, 1, 2, 4]])
    which = torch.nn.functional.cross_entropy(heads.emotion(e)[[1, 2, 4]], emotion[[1, 2, 4]])
    torch.testing.assert_close(loss, who + which)
    assert "arousal" not in numbers
    known = unknown.clone()
    known[:3, 0] = torch.tensor([0.1, 0.5, 0.9])
    more, numbers = heads(s, e, speaker, emotion, known)
    torch.testing.assert_close(more, loss + 1.0 - ccc(known[:3, 0], heads.attributes(e)[:3, 0]))
    assert "valence" not in numbers


def test_without_a_single_label_the_loss_is_nothing():
    logits = torch.randn(4, 3, requires_grad=True)
    loss = labelled(logits, torch.full((4,), -1))
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert not logits.grad.any()


def test_score_loss_is_zero_for_the_true_score_and_ignores_padding():
    z, deviation = torch.randn(2, 3, 5), torch.tensor([0.2, 0.9])[:, None, None]
    assert float(score_loss(-z / deviation, z, deviation)) == pytest.approx(0.0, abs=1e-12)
    mask = torch.ones(2, 5)
    mask[1, 3:] = 0.0
    wrong = -z / deviation + 1.0
    wanted = (0.2**2 * 15 + 0.9**2 * 9) / 24
    spoilt = wrong.clone()
    spoilt[1, :, 3:] = 1e3
    assert float(score_loss(spoilt, z, deviation, mask)) == pytest.approx(wanted, rel=1e-5)


def test_mel_loss_counts_less_the_more_noise_there_is():
    estimate, target = torch.ones(2, 3, 5), torch.zeros(2, 3, 5)
    t = torch.tensor([0.0, 0.8])
    assert float(mel_loss(estimate, target, t)) == pytest.approx((1.0 + 0.36) / 2.0)


def test_the_objective_is_equation_2_and_leaves_out_what_weighs_nothing():
    parts = [torch.tensor(float(value)) for value in (1.0, 2.0, 3.0, 4.0)]
    assert float(total(*parts, 0.5, 0.1, 0.2)) == pytest.approx(1.0 + 1.0 + 0.3 + 0.8)
    parts[2] = torch.tensor(torch.nan)
    assert float(total(*parts, 0.5, 0.0, 0.0)) == pytest.approx(2.0)
