"""TRNet's equations against their closed form, and what its network promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import data_root

from voxrack import read
from voxrack_ser.models.trnet import HEARS, TrNet
from voxrack_ser.models.trnet_encoder import AttentionPooling, Encoder
from voxrack_ser.models.trnet_parts import Bridge, Coefficient, blend, by_ratio, ratio, similarity
from voxrack_ser.trnet.frontend import FLOOR, PairFrontend, louder
from voxrack_ser.trnet.losses import high_level, low_level


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def mask(*lengths: int, frames: int) -> torch.Tensor:
    return torch.arange(frames)[None] < torch.tensor(lengths)[:, None]


# ---- equations ----------------------------------------------------------------------------------
def test_equation_1_is_the_cosine_of_each_band_over_its_valid_frames():
    x, enhanced = random(2, 9, 5), random(2, 9, 5, seed=1)
    d = similarity(x, enhanced, mask(9, 6, frames=9))
    for row, length in enumerate((9, 6)):
        for band in range(5):
            a, b = x[row, :length, band].numpy(), enhanced[row, :length, band].numpy()
            assert float(d[row, band]) == pytest.approx(a @ b / np.sqrt(a @ a * (b @ b)), abs=1e-6)
    x[1, 6:] = 1e6  # what stands in the padding does not matter
    assert torch.equal(similarity(x, enhanced, mask(9, 6, frames=9)), d)


def test_equation_1_of_equal_opposite_and_silent_bands():
    x = random(1, 9, 3)
    every = mask(9, frames=9)
    assert similarity(x, 3 * x, every).tolist()[0] == pytest.approx([1, 1, 1])
    assert similarity(x, -x, every).tolist()[0] == pytest.approx([-1, -1, -1])
    silent = torch.zeros_like(x)
    assert similarity(silent, silent, every).tolist() == [[1, 1, 1]]
    assert similarity(x, silent, every).tolist() == [[0, 0, 0]]
    x.requires_grad_(True)
    similarity(x, silent, every).sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()


def test_equations_2_and_3_are_a_layer_cut_to_0_and_1():
    layer = Coefficient(4)
    assert layer(torch.full((1, 4), 0.8)).item() == pytest.approx(0.5)  # as it begins: the mean of d, moved
    with torch.no_grad():
        layer.layer.weight.copy_(torch.tensor([[1.0, 0.0, -1.0, 2.0]]))
        layer.layer.bias.fill_(0.1)
    d = torch.tensor([[0.2, 9.0, 0.1, 0.1], [1.0, 0.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 0.0]])
    assert layer(d).tolist() == pytest.approx([0.4, 1.0, 0.0])
    layer.centre(d)
    assert layer.layer(d).mean().item() == pytest.approx(0.5, abs=1e-6)


def test_a_coefficient_that_is_cut_off_finds_back_and_goes_no_further_out():
    for bias, wanted in ((3.0, 0.0), (-3.0, 1.0)):
        layer = Coefficient(4)
        with torch.no_grad():
            layer.layer.bias.fill_(bias)
        (layer(torch.ones(1, 4)) - wanted).square().sum().backward()
        assert layer.layer.bias.grad is not None and float(layer.layer.bias.grad) == pytest.approx(2 * np.sign(bias))
        layer.zero_grad()
        (layer(torch.ones(1, 4)) - (1 - wanted) * 2 + wanted).square().sum().backward()  # further out is better
        assert float(layer.layer.bias.grad) == 0.0


def test_the_ratio_is_what_was_kept_over_what_was_taken_away():
    levels = random(2, 5, 3) * 10 - 40
    clean = levels - 10 * np.log10(1 + 10 ** (-12 / 10))  # speech 12 dB above the noise, in every cell
    lengths = mask(5, 3, frames=5)
    torch.testing.assert_close(ratio(levels, clean, lengths), torch.full((2,), 12.0), atol=1e-3, rtol=0)
    clean[1, 3:] = 100.0  # behind the end
    torch.testing.assert_close(ratio(levels, clean, lengths), torch.full((2,), 12.0), atol=1e-3, rtol=0)
    whole = mask(5, 5, frames=5)
    for given, wanted in ((levels, 30.0), (levels + 3, 30.0), (levels - 40, -5.0)):
        torch.testing.assert_close(ratio(levels, given, whole), torch.full((2,), wanted), atol=2e-3, rtol=0)
    assert by_ratio(torch.tensor([-9.0, -5.0, 12.5, 30.0, 40.0])).tolist() == [0, 0, 0.5, 1, 1]


def test_a_coefficient_by_ratio_hears_levels_and_not_their_z_score():
    net = TrNet(bands=3, classes=2, channels=(2, 2, 2, 2), frames=50, system="snr").eval()
    levels = random(4, 20, 3) * 6 - 50
    net.normalise.fit(list(levels))
    kept = levels - 10 * np.log10(1 + 10 ** (-5 / 10))
    out = net(torch.cat([levels, kept], -1), torch.full((4,), 20))
    torch.testing.assert_close(out["trust"], torch.full((4,), 10 / 35), atol=1e-4, rtol=0)
    assert not hasattr(net, "coefficient") and out["logits"].shape == (4, 2)


def test_equation_4_blends():
    x, enhanced = random(3, 4, 2), random(3, 4, 2, seed=1)
    out = blend(torch.tensor([1.0, 0.0, 0.25]), x, enhanced)
    assert torch.equal(out[0], x[0]) and torch.equal(out[1], enhanced[1])
    torch.testing.assert_close(out[2], 0.25 * x[2] + 0.75 * enhanced[2])


def test_equation_5_is_a_mean_over_valid_cells():
    a, b = random(2, 5, 3), random(2, 5, 3, seed=1)
    valid = mask(5, 2, frames=5)
    cells = torch.cat([(a[0] - b[0]).square().ravel(), (a[1, :2] - b[1, :2]).square().ravel()])
    assert float(low_level(a, b, valid)) == pytest.approx(float(cells.mean()), rel=1e-6)
    assert float(low_level(a, a + 2, valid)) == pytest.approx(4.0, rel=1e-6)


def test_equation_6_begins_as_identity_and_is_affine_in_c():
    bridge = Bridge(6)
    h, c = random(3, 6), torch.tensor([0.0, 0.4, 1.0])
    torch.testing.assert_close(bridge(h, c), h)
    with torch.no_grad():
        for weight in bridge.parameters():
            weight.copy_(random(*weight.shape, seed=2))
    scale = bridge.scale.weight[:, 0] * 0.4 + bridge.scale.bias
    shift = bridge.shift.weight[:, 0] * 0.4 + bridge.shift.bias
    torch.testing.assert_close(bridge(h, c)[1], scale * h[1] + shift)


def test_equation_7_is_a_mean_square():
    a, b = random(4, 6), random(4, 6, seed=1)
    assert float(high_level(a, b)) == pytest.approx(float(np.square(a.numpy() - b.numpy()).mean()), rel=1e-6)


def test_attention_is_a_softmax_over_valid_frames():
    pool, frames = AttentionPooling(3), random(2, 4, 3)
    w = pool.score.weight[0].detach()
    found = pool(frames, mask(4, 2, frames=4)).detach()
    for row, length in enumerate((4, 2)):
        weights = torch.softmax(frames[row, :length] @ w, 0)
        torch.testing.assert_close(found[row], weights @ frames[row, :length])


# ---- the network --------------------------------------------------------------------------------
def test_it_has_the_papers_size_and_shapes():
    network = TrNet(classes=4)
    assert sum(weight.numel() for weight in network.encoder.parameters()) == 1_120_256
    plain = TrNet(classes=4, system="c")
    assert sum(weight.numel() for weight in plain.parameters()) == 1_121_284
    shapes = []
    for block in network.encoder.blocks:
        block.register_forward_hook(lambda _block, _inputs, out: shapes.append(tuple(out.shape[1:])))
    out = network(random(2, 500, 160), torch.tensor([500, 420]))
    assert shapes == [(32, 250, 40), (64, 125, 20), (128, 63, 10), (256, 32, 5)]
    assert out["logits"].shape == (2, 4) and out["embedding"].shape == (2, 256)
    assert out["trust"].shape == (2,) and out["compensated"].shape == (2, 500, 80)


def test_an_utterance_is_the_same_in_any_batch():
    network = TrNet(16, 3, (4, 8, 16, 32)).eval()
    with torch.no_grad():
        for module in network.modules():  # normalisation that is not at rest
            if isinstance(module, torch.nn.BatchNorm2d):
                module.bias.copy_(random(*module.bias.shape))
                module.running_mean.copy_(random(*module.bias.shape, seed=1))
        x = random(1, 61, 32)
        alone = network(x, torch.tensor([61]))
        padded = torch.cat((x, 9 * random(1, 40, 32, seed=3)), 1)
        both = network(torch.cat((padded, random(1, 101, 32, seed=4))), torch.tensor([61, 101]))
    for name in ("logits", "embedding", "trust"):
        torch.testing.assert_close(both[name][0], alone[name][0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("system", HEARS)
def test_each_system_hears_what_it_should(system):
    network = TrNet(16, 3, (4, 8, 16, 32), system=system).eval()
    x, lengths = random(2, 40, 32), torch.tensor([40, 40])
    with torch.no_grad():
        if network.learns_trust:
            network.coefficient.layer.bias.fill_(0.5)
        found = network(x, lengths)["logits"]
        changed = {}
        for name, part in (("recording", slice(0, 16)), ("enhanced", slice(16, 32))):
            other = x.clone()
            other[..., part] = random(2, 40, 16, seed=7) - 2.0  # so that something is kept and something taken away
            changed[name] = not torch.allclose(network(other, lengths)["logits"], found)
    hears = HEARS[system]
    assert changed == {"recording": hears in ("recording", "both"), "enhanced": hears in ("enhanced", "both")}


def test_the_encoder_learns_from_every_frame():
    encoder = Encoder((4, 8, 16, 32))
    x = random(2, 50, 16).requires_grad_(True)
    encoder(x, torch.tensor([50, 30])).sum().backward()
    reached = x.grad.abs().sum(-1) > 0
    assert reached[0].all() and reached[1, :30].all() and not reached[1, 30:].any()


# ---- real speech --------------------------------------------------------------------------------
def test_real_speech_in_noise_is_less_like_its_clean_version_the_louder_the_noise_is():
    """Eq. 1 on RAVDESS after a z-score, with the clean recording in the place of a perfect enhancer's."""
    from voxrack.datasets import mix

    files = sorted((data_root() / "data" / "ravdess").glob("Actor_0[1-3]/*.flac"))[::40]
    rain = sorted((data_root() / "data" / "esc10" / "rain").glob("*.flac"))
    if not files or not rain:
        pytest.skip("RAVDESS and ESC-10 are not among the data")
    front, noise = PairFrontend(), read(rain[0]).mono().resample(16_000).samples[0]
    for file in files:
        voice = read(file).mono().resample(16_000).samples[0]
        mixtures = [mix(voice, noise, snr, np.random.default_rng(0)) for snr in (20, 10, 0)]
        pairs = [front(torch.from_numpy(np.stack((one.noisy, one.speech))), 16_000) for one in mixtures]
        assert pairs[0].shape == (1 + len(voice) // 160, 160)
        clean = pairs[0][:, 80:]
        every = torch.ones(1, len(clean), dtype=torch.bool)
        means = []
        for one in pairs:
            x, enhanced = ((part - clean.mean(0)) / clean.std(0) for part in one.split(80, -1))
            means.append(float(similarity(x[None], enhanced[None], every).mean()))
        assert means[0] > means[1] + 0.05 > means[2] + 0.1, means


def test_a_louder_recording_is_its_bands_moved():
    front, signal = PairFrontend(), 0.1 * random(8000)
    moved = louder(front.stored(signal), -6.0)
    torch.testing.assert_close(moved, front.stored(signal * 10 ** (-6 / 20)), atol=1e-3, rtol=0)
    silence = front.stored(torch.zeros(8000))
    assert torch.equal(silence, torch.full_like(silence, FLOOR)) and torch.equal(louder(silence, -6.0), silence)
