"""UTMOS: how natural a recording sounds, 1 … 5, from a checkpoint that is handed over; none comes with this program.

The strong learner of Saeki et al. 2022 without its phoneme encoder: a wav2vec 2.0 of the base size, the means of its
domain and listener embeddings, a two-way LSTM over the frames, two layers, and the mean over time. The names of tensors
are those of the checkpoint that the package SpeechMOS fetches (``utmos22_strong_step7459_v1.pt``). That one is a
pickle, which is not opened here; who trusts it turns it into safetensors by

    safetensors.torch.save_file({k: v.contiguous() for k, v in torch.load(FILE).items()}, "utmos.safetensors")
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from voxrack.errors import InputError

from .recordings import RATE

SHORTEST = 400
"""Samples that a first frame takes, at 16 kHz."""
_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
_CONVOLVED, _SIZE, _INNER, _HEADS, _LAYERS, _POSITION = 512, 768, 3072, 12, 12, 128
_EMBEDDED, _UNITS, _PROJECTED = 128, 512, 2048


@dataclass(frozen=True)
class Utmos:
    """A network that was loaded.

    Parameters
    ----------
    network : callable
        Samples (1, frames) at 16 kHz to (1,).
    source : str
        Name of the file and the beginning of its digest.
    """

    network: Callable[[Tensor], Tensor]
    source: str

    @torch.no_grad()
    def __call__(self, sound: NDArray[np.float32]) -> float:
        """Score of mono (frames,) at 16 kHz; InputError of less than 25 ms."""
        if len(sound) < SHORTEST:
            raise InputError(f"{len(sound) / RATE:.3f} s are too short for UTMOS, which takes {SHORTEST / RATE:g} s")
        score = torch.as_tensor(self.network(torch.from_numpy(np.ascontiguousarray(sound))[None])).flatten()
        if len(score) != 1 or not torch.isfinite(score).all():
            raise InputError(f"{self.source} gives {len(score)} numbers for a recording; UTMOS gives a single one")
        return float(score[0])


def load(path: str) -> Utmos:
    """A checkpoint: safetensors with SpeechMOS's names.

    Raises
    ------
    InputError
        No such file, another format, or tensors of another network.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"utmos: there is no file '{path}'; evaluate without the option, and UTMOS is left out")
    with file.open("rb") as opened:
        source = f"{file.name} {hashlib.file_digest(opened, 'sha256').hexdigest()[:8]}"
    return Utmos(_network(file), source)


def _network(file: Path) -> Callable[[Tensor], Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if file.suffix != ".safetensors":
        raise InputError(
            f"utmos: {file} is not .safetensors; a checkpoint of PyTorch's own format is a pickle, which is not "
            "opened: turn it into safetensors first (see voxrack_evc.utmos)"
        )
    network = Network()
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(file).items()}
        tensors.pop("wav2vec2.mask_emb", None)  # of wav2vec's own training
        network.load_state_dict(tensors)
    except (SafetensorError, RuntimeError) as error:
        said = " ".join(str(error).split())[:300]
        raise InputError(f"utmos: {file} does not hold the tensors of UTMOS's strong learner: {said}") from None
    return network.eval().requires_grad_(False)


# ---- the network ------------------------------------------------------------------------------------
class Network(nn.Module):
    """Samples (B, frames) at 16 kHz to scores (B,)."""

    def __init__(self) -> None:
        super().__init__()
        self.wav2vec2 = _Wav2Vec()
        self.domain_emb = nn.Parameter(torch.zeros(1, _EMBEDDED))
        self.judge_emb = nn.Parameter(torch.zeros(1, _EMBEDDED))
        self.blstm = nn.LSTM(_SIZE + 2 * _EMBEDDED, _UNITS, batch_first=True, bidirectional=True)
        self.projection = nn.Sequential(nn.Linear(2 * _UNITS, _PROJECTED), nn.ReLU(), nn.Linear(_PROJECTED, 1))

    def forward(self, samples: Tensor) -> Tensor:
        frames = self.wav2vec2(samples)
        told = torch.cat([self.domain_emb, self.judge_emb], -1).expand(*frames.shape[:2], -1)
        states, _ = self.blstm(torch.cat([frames, told], -1))
        return self.projection(states).mean((1, 2)) * 2.0 + 3.0


class _Wav2Vec(nn.Module):
    """wav2vec 2.0, base (Baevski et al. 2020): (B, samples) to (B, frames of 20 ms, 768)."""

    def __init__(self) -> None:
        super().__init__()
        self.feature_extractor = _Convolutions()
        self.layer_norm = nn.LayerNorm(_CONVOLVED)
        self.post_extract_proj = nn.Linear(_CONVOLVED, _SIZE)
        self.encoder = _Encoder()

    def forward(self, samples: Tensor) -> Tensor:
        return self.encoder(self.post_extract_proj(self.layer_norm(self.feature_extractor(samples).transpose(1, 2))))


class _Convolutions(nn.Module):
    """(B, samples) to (B, 512, frames); the first layer brings every channel to mean 0 and deviation 1 over time."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList()
        for layer, (kernel, stride) in enumerate(zip(_KERNELS, _STRIDES, strict=True)):
            convolution = nn.Conv1d(_CONVOLVED if layer else 1, _CONVOLVED, kernel, stride, bias=False)
            norm = [] if layer else [nn.GroupNorm(_CONVOLVED, _CONVOLVED)]
            self.conv_layers.append(nn.Sequential(convolution, nn.Identity(), *norm, nn.GELU()))

    def forward(self, samples: Tensor) -> Tensor:
        x = samples[:, None]
        for layer in self.conv_layers:
            x = layer(x)
        return x


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.pos_conv = nn.Sequential(_Position())
        self.layer_norm = nn.LayerNorm(_SIZE)
        self.layers = nn.ModuleList(_Layer() for _ in range(_LAYERS))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer_norm(x + self.pos_conv(x.transpose(1, 2)).transpose(1, 2))
        for layer in self.layers:
            x = layer(x)
        return x


class _Position(nn.Module):
    """Grouped convolution over 128 frames; its weight is a direction times a length for each place of the kernel."""

    def __init__(self) -> None:
        super().__init__()
        self.weight_g = nn.Parameter(torch.ones(1, 1, _POSITION))
        self.weight_v = nn.Parameter(torch.randn(_SIZE, _SIZE // 16, _POSITION))
        self.bias = nn.Parameter(torch.zeros(_SIZE))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight_g * self.weight_v / self.weight_v.norm(dim=(0, 1), keepdim=True)
        found = functional.conv1d(x, weight, self.bias, padding=_POSITION // 2, groups=16)
        return functional.gelu(found[..., :-1])  # an even kernel gives one frame more


class _Layer(nn.Module):
    """Attention, then two layers, each added and normalised after."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = _Attention()
        self.self_attn_layer_norm = nn.LayerNorm(_SIZE)
        self.fc1, self.fc2 = nn.Linear(_SIZE, _INNER), nn.Linear(_INNER, _SIZE)
        self.final_layer_norm = nn.LayerNorm(_SIZE)

    def forward(self, x: Tensor) -> Tensor:
        x = self.self_attn_layer_norm(x + self.self_attn(x))
        return self.final_layer_norm(x + self.fc2(functional.gelu(self.fc1(x))))


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(_SIZE, _SIZE) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        parts = (
            layer(x).unflatten(-1, (_HEADS, -1)).transpose(1, 2) for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        return self.out_proj(functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2))
