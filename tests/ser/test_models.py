"""The networks: sizes, the papers' order of modules, and that neither padding nor neighbours change a result."""

from __future__ import annotations

import pytest
import torch

from voxrack.errors import InputError, UsageError
from voxrack_ser.inference import answer
from voxrack_ser.models import build, network_class
from voxrack_ser.models.conformer import ConformerBlock, RelativeAttention, shift, sinusoids
from voxrack_ser.models.mfcc_cnn import MfccCnn
from voxrack_ser.models.network import Network, Normalise, recur

SMALL = {
    "mfcc_lstm": {"width": 16, "hidden": 8},
    "mfcc_cnn": {},
    "acrnn": {"kernels": (8, 8), "linear": 16, "width": 8, "hidden": 8},
    "cornn": {"width": 16},
    "crnn_raw": {"filters": 4, "kernels": 4, "width": 8, "hidden": 8},
}


def small(name: str, **options: object) -> Network:
    torch.manual_seed(0)
    return network_class(name)(**{**SMALL[name], **options}).eval()


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("name", "options", "count"),
    [
        ("mfcc_lstm", {}, 13_027_592),
        ("mfcc_cnn", {"padding": "none"}, 28_712),
        ("mfcc_cnn", {"padding": "same"}, 45_096),
        ("acrnn", {}, 7_336_010),
        ("cornn", {}, 2_052_872),
        ("cornn", {"expansion": 1}, 1_847_048),
        ("cornn", {"parts": "no_conformer"}, 258_056),
        ("cornn", {"parts": "no_bilstm"}, 1_827_848),
    ],
)
def test_sizes_are_those_of_the_specification(name, options, count):
    assert parameters(network_class(name)(**options)) == count


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mfcc_lstm", {}),
        ("mfcc_cnn", {}),
        ("mfcc_cnn", {"padding": "same"}),
        ("acrnn", {}),
        ("acrnn", {"mask": True}),
        ("cornn", {}),
        ("cornn", {"blocks": 2}),
        ("cornn", {"parts": "no_conformer"}),
        ("cornn", {"parts": "no_bilstm"}),
    ],
)
def test_padding_and_neighbours_do_not_change_an_utterance(name, options):
    network = small(name, **options)
    network.normalise.mean.fill_(0.3)  # so that padding with zeros is not padding behind normalisation
    x = torch.randn(3, 120, network.bands)
    lengths = torch.tensor([120, 71, 50])
    with torch.no_grad():
        together = network(x, lengths)
        alone = network(x[1:2, :71], lengths[1:2])
    torch.testing.assert_close(together["logits"][1:2], alone["logits"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(together["embedding"][1:2], alone["embedding"], rtol=1e-4, atol=1e-5)


def test_waveform_network_does_not_hear_what_lies_behind_the_end():
    network = small("crnn_raw")
    wave = torch.randn(2, 9600, 1)
    lengths = torch.tensor([9600, 6400])
    other = wave.clone()
    other[1, 6400:] = 7.0
    with torch.no_grad():
        torch.testing.assert_close(network(wave, lengths)["logits"], network(other, lengths)["logits"])


def test_padding_does_not_enter_the_statistics_of_batch_normalisation():
    network = small("cornn", dropout=0.0)
    x, lengths = torch.randn(4, 60, 120), torch.tensor([60, 40, 50, 33])
    longer = torch.cat([x, torch.randn(4, 40, 120)], 1)
    outcomes = []
    for given in (x, longer):
        fresh = build({"network": "cornn", "options": network.options}, network.state_dict()).train()
        outcomes.append((fresh(given, lengths)["logits"], fresh.blocks[0].convolution.norm.running_var.clone()))
    torch.testing.assert_close(outcomes[0][0], outcomes[1][0], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(outcomes[0][1], outcomes[1][1])


@pytest.mark.parametrize("name", list(SMALL))
def test_every_weight_gets_a_gradient(name):
    network = small(name).train()
    frames = 9600 if name == "crnn_raw" else 130
    out = network(torch.randn(4, frames, network.bands), torch.tensor([frames, frames - 20, frames - 7, frames]))
    (out["logits"] * torch.randn(4, 8)).sum().backward()
    assert not [key for key, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]


# ---- MFCC-CNN -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("padding", "sizes"),
    [
        ("none", [(31, 158), (15, 79), (13, 77), (6, 38), (4, 36), (2, 18)]),
        ("same", [(40, 160), (20, 80), (20, 80), (10, 40), (10, 40), (5, 20)]),
    ],
)
def test_pictures_shrink_as_in_the_specification(padding, sizes):
    network, seen = MfccCnn(padding=padding).eval(), []
    for layer in network.layers:
        if isinstance(layer, torch.nn.Conv2d | torch.nn.AvgPool2d):
            layer.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[-2:])))
    network(torch.randn(1, 160, 40), torch.tensor([160]))
    assert seen == sizes


def test_a_picture_too_small_is_refused():
    with pytest.raises(UsageError, match="too small"):
        MfccCnn(bands=12, frames=20)


# ---- recurrence -----------------------------------------------------------------------------
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrence_stops_at_each_utterances_end(layers, bidirectional):
    torch.manual_seed(1)
    lstm = torch.nn.LSTM(5, 4, layers, batch_first=True, bidirectional=bidirectional)
    x, lengths = torch.randn(3, 9, 5), torch.tensor([4, 9, 6])
    found = recur(lstm, x, lengths)
    for row, length in enumerate(lengths.tolist()):
        torch.testing.assert_close(found[row, :length], lstm(x[row : row + 1, :length])[0][0])
        assert not found[row, length:].any()


# ---- Conformer ------------------------------------------------------------------------------
def test_scores_by_distance_become_scores_by_position():
    frames = 5
    by_distance = torch.randn(2, frames, 2 * frames - 1)  # column c is the distance frames - 1 - c
    found = shift(by_distance)
    for i in range(frames):
        for j in range(frames):
            assert torch.equal(found[:, i, j], by_distance[:, i, frames - 1 - (i - j)])


def test_encodings_depend_on_distance_alone():
    short, long = sinusoids(4, 16, torch.device("cpu")), sinusoids(9, 16, torch.device("cpu"))
    torch.testing.assert_close(short, long[5:12])
    torch.testing.assert_close(short[3], torch.tensor([0.0, 1.0] * 8))  # distance 0


def test_attention_is_transformer_xl_written_out():
    torch.manual_seed(2)
    attention = RelativeAttention(8, 2, 0.0).eval()
    torch.nn.init.normal_(attention.content_bias)
    torch.nn.init.normal_(attention.position_bias)
    x = torch.randn(1, 6, 8)
    q, k, v = (layer(x)[0].view(6, 2, 4) for layer in (attention.query, attention.key, attention.value))
    r = attention.position(sinusoids(6, 8, x.device)).view(11, 2, 4)
    u, w = attention.content_bias[:, 0], attention.position_bias[:, 0]
    rows = []
    for i in range(6):
        score = torch.stack([
            torch.stack([((q[i, h] + u[h]) @ k[j, h] + (q[i, h] + w[h]) @ r[5 - (i - j), h]) / 2.0 for j in range(6)])
            for h in range(2)
        ])  # fmt: skip
        rows.append(torch.cat([score[h].softmax(0) @ v[:, h] for h in range(2)]))
    torch.testing.assert_close(attention(x, None)[0], attention.out(torch.stack(rows)))


def test_block_is_equations_one_to_four():
    torch.manual_seed(3)
    block = ConformerBlock(16, 4, 7, 4, 2, 0.2).eval()
    x = torch.randn(2, 11, 16)
    a = x + block.first(x) / 2
    b = a + block.attention(block.attention_norm(a), None)
    c = b + block.convolution(b, None)
    y = torch.nn.functional.layer_norm(c + block.second(c) / 2, (16,), block.norm.weight, block.norm.bias)
    torch.testing.assert_close(block(x), y)
    torch.testing.assert_close(block(x).mean(-1), torch.zeros(2, 11), rtol=0, atol=1e-5)  # the norm comes last


# ---- ACRNN ----------------------------------------------------------------------------------
def test_acrnn_takes_the_first_and_the_last_three_seconds():
    network = small("acrnn")
    assert network.cuts(300) == [(0, 300)]
    assert network.cuts(301) == [(0, 300), (1, 301)]
    assert network.cuts(520) == [(0, 300), (220, 520)]


def test_acrnn_scores_an_utterance_by_the_higher_of_its_pieces():
    network = small("acrnn")
    long = torch.randn(450, 120)
    pieces = answer(network, [long[:300], long[150:]]).probabilities
    best = pieces.amax(0)
    torch.testing.assert_close(answer(network, [long]).probabilities[0], best / best.sum())


def test_acrnn_attention_is_the_formula():
    network = small("acrnn")
    hidden = torch.randn(1, 150, 16)
    seen = []
    network.inner.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    network.lstm.register_forward_hook(lambda *_: (hidden, None))
    network(torch.randn(1, 300, 120), torch.tensor([300]))
    alpha = (network.scale * torch.sigmoid(hidden @ network.score.weight[0] + network.score.bias)).softmax(1)
    torch.testing.assert_close(seen[0], (alpha.unsqueeze(-1) * hidden).sum(1))


# ---- all ------------------------------------------------------------------------------------
def test_cornn_hears_the_first_three_seconds_or_the_whole():
    assert small("cornn").cuts(520) == [(0, 300)]
    assert small("cornn").cuts(120) == [(0, 120)]
    assert small("cornn", frames=0).cuts(520) == [(0, 520)]


def test_long_clips_are_cut_without_a_gap_for_networks_of_one_length():
    assert small("mfcc_cnn").cuts(400) == [(0, 160), (160, 320), (240, 400)]
    assert small("mfcc_cnn").cuts(320) == [(0, 160), (160, 320)]
    assert small("mfcc_lstm").cuts(999) == [(0, 999)]


def test_answers_do_not_depend_on_the_batch():
    network = small("cornn")
    clips = [torch.randn(int(frames), 120) for frames in torch.randint(30, 400, (9,))]
    one = answer(network, clips, batch=1)
    many = answer(network, clips, batch=5)
    torch.testing.assert_close(one.probabilities, many.probabilities, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(one.embeddings, many.embeddings, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(one.probabilities.sum(1), torch.ones(9, dtype=torch.float64))


def test_a_high_temperature_makes_answers_even():
    network = small("mfcc_lstm")
    found = answer(network, [torch.randn(50, 40)], temperature=1e9).probabilities
    torch.testing.assert_close(found, torch.full((1, 8), 0.125).double())


def test_normalisation_is_that_of_all_frames():
    clips = [torch.randn(10, 3) * 4 + 100, torch.randn(30, 3) - 2]
    normalise = Normalise(3)
    normalise.fit(clips)
    made = normalise(torch.cat(clips))
    torch.testing.assert_close(made.mean(0), torch.zeros(3), rtol=0, atol=1e-5)
    torch.testing.assert_close(made.std(0, correction=0), torch.ones(3), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", list(SMALL))
def test_a_network_is_built_again_from_its_description(name):
    network = small(name, classes=5)
    again = build({"network": name, "options": network.options}, network.state_dict())
    x, lengths = torch.randn(2, 3200 if name == "crnn_raw" else 90, network.bands), torch.tensor([90, 80])
    with torch.no_grad():
        assert torch.equal(network(x, lengths)["logits"], again(x, lengths)["logits"])


def test_strange_weights_are_refused_by_name():
    with pytest.raises(InputError, match="'telepathy'"):
        build({"network": "telepathy", "options": {}})
    with pytest.raises(InputError, match="do not fit"):
        build({"network": "mfcc_lstm", "options": {"width": 8}}, small("mfcc_lstm").state_dict())


def test_unknown_parts_are_refused():
    with pytest.raises(UsageError, match="no_bilstm"):
        network_class("cornn")(parts="half")
