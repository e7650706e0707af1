"""UTMOS from a checkpoint that is handed over: the network in small, its file, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from voxrack.errors import InputError
from voxrack_evc import utmos

SAMPLES = (0.1 * np.random.default_rng(0).normal(size=8000)).astype(np.float32)


@pytest.fixture
def small(monkeypatch):
    """Sizes at which a network costs nothing; those of the checkpoint are 512, 768, 3072, 12, 12, 512 and 2048."""
    sizes = {"_CONVOLVED": 16, "_SIZE": 32, "_INNER": 24, "_HEADS": 4, "_LAYERS": 2, "_UNITS": 8, "_PROJECTED": 8}
    for name, size in sizes.items():
        monkeypatch.setattr(utmos, name, size)
    torch.manual_seed(0)
    return utmos.Network().eval()


def test_safetensors_with_the_names_of_the_published_checkpoint(small, tmp_path):
    tensors = small.state_dict()
    named = {
        "wav2vec2.feature_extractor.conv_layers.0.0.weight", "wav2vec2.feature_extractor.conv_layers.0.2.bias",
        "wav2vec2.post_extract_proj.weight", "wav2vec2.encoder.pos_conv.0.weight_g",
        "wav2vec2.encoder.layers.1.self_attn.q_proj.weight", "wav2vec2.encoder.layers.1.final_layer_norm.bias",
        "domain_emb", "judge_emb", "blstm.weight_ih_l0_reverse", "projection.2.weight",
    }  # fmt: skip
    assert named <= set(tensors)
    save_file(tensors | {"wav2vec2.mask_emb": torch.zeros(4)}, tmp_path / "u.safetensors")
    loaded = utmos.load(str(tmp_path / "u.safetensors"))
    with torch.no_grad():
        assert loaded(SAMPLES) == pytest.approx(float(small(torch.from_numpy(SAMPLES)[None])[0]))
    assert loaded.source.startswith("u.safetensors ")
    save_file({"domain_emb": tensors["domain_emb"]}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="does not hold the tensors of UTMOS"):
        utmos.load(str(tmp_path / "other.safetensors"))


def test_the_score_is_2_times_the_mean_over_frames_plus_3(small):
    with torch.no_grad():
        for weight in small.projection[2].parameters():
            weight.zero_()
        small.projection[2].bias.fill_(0.25)
        assert float(small(torch.from_numpy(SAMPLES)[None])[0]) == pytest.approx(3.5)


def test_attention_is_pytorchs(small):
    """torch.nn.MultiheadAttention with the same weights, its three projections in one matrix."""
    own = small.wav2vec2.encoder.layers[0].self_attn
    other = torch.nn.MultiheadAttention(32, 4, batch_first=True)
    with torch.no_grad():
        parts = (own.q_proj, own.k_proj, own.v_proj)
        other.in_proj_weight.copy_(torch.cat([layer.weight for layer in parts]))
        other.in_proj_bias.copy_(torch.cat([layer.bias for layer in parts]))
        other.out_proj.load_state_dict(own.out_proj.state_dict())
        x = torch.randn(2, 7, 32)
        torch.testing.assert_close(own(x), other(x, x, x, need_weights=False)[0])


def test_positions_are_those_of_a_weight_normalised_convolution(small):
    from torch.nn.utils.parametrizations import weight_norm

    own = small.wav2vec2.encoder.pos_conv[0]
    other = weight_norm(torch.nn.Conv1d(32, 32, 128, padding=64, groups=16), dim=2)
    with torch.no_grad():
        own.weight_g.mul_(torch.rand_like(own.weight_g) + 0.5)
        other.parametrizations.weight.original0.copy_(own.weight_g)
        other.parametrizations.weight.original1.copy_(own.weight_v)
        other.bias.copy_(own.bias)
        x = torch.randn(1, 32, 150)
        torch.testing.assert_close(own(x), torch.nn.functional.gelu(other(x)[..., :-1]))


def test_a_pickle_is_not_opened(tmp_path):
    class Bomb:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    torch.save({"x": Bomb()}, tmp_path / "u.pt")
    with pytest.raises(InputError, match="is a pickle, which is not opened"):
        utmos.load(str(tmp_path / "u.pt"))
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_scored_is_told(small, tmp_path):
    (tmp_path / "u.safetensors").write_bytes(b"no tensors")
    with pytest.raises(InputError, match="does not hold the tensors of UTMOS"):
        utmos.load(str(tmp_path / "u.safetensors"))
    with pytest.raises(InputError, match="there is no file"):
        utmos.load(str(tmp_path / "none.pt"))
    with pytest.raises(InputError, match="too short for UTMOS"):
        utmos.Utmos(small, "small")(SAMPLES[:399])
    with pytest.raises(InputError, match="gives 3 numbers"):
        utmos.Utmos(lambda samples: torch.zeros(3), "other")(SAMPLES)
