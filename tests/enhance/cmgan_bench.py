"""Small generators of CMGAN, and files that hold one."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from voxrack import weights
from voxrack_enhance.cmgan.generator import Generator


def small(width: int = 8, blocks: int = 1, seed: int = 0) -> Generator:
    """A generator whose every number is random, running statistics of normalisation too, in evaluation mode."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = Generator(width, blocks)
        for name, tensor in generator.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2.0)
            elif tensor.is_floating_point() and tensor.ndim == 1:
                tensor.add_(0.1 * torch.randn_like(tensor))
    return generator.eval().requires_grad_(False)


def saved(folder: Path, generator: Generator | None = None) -> Path:
    """Weights of ``generator`` (a small one) in ``folder``."""
    generator = generator or small()
    path = folder / "cmgan.safetensors"
    weights.save(path, generator.state_dict(), {"device": "enhance.cmgan", "options": generator.options})
    return path


def theirs(generator: Generator) -> dict[str, Tensor]:
    """The state of ``generator`` under the names of the authors' code, written out as their modules nest."""
    ours = generator.state_dict()
    out: dict[str, Tensor] = {}

    def put(their: str, our: str, *kinds: str) -> None:
        for kind in kinds or ("weight", "bias"):
            out[f"{their}.{kind}"] = ours[f"{our}.{kind}"]

    def triple(their: tuple[str, str, str], our: str) -> None:
        for name, part in zip(their, ("conv", "norm", "slope"), strict=True):
            put(name, f"{our}.{part}", *(("weight",) if part == "slope" else ()))

    def dense(their: str, our: str) -> None:
        for layer in range(4):
            names = (f"{their}.conv{layer + 1}", f"{their}.norm{layer + 1}", f"{their}.prelu{layer + 1}")
            triple(names, f"{our}.layers.{layer}")

    def feed(their: str, our: str) -> None:
        put(f"{their}.fn.norm", f"{our}.norm")
        put(f"{their}.fn.fn.net.0", f"{our}.enter")
        put(f"{their}.fn.fn.net.3", f"{our}.leave")

    encoder = "dense_encoder"
    triple((f"{encoder}.conv_1.0", f"{encoder}.conv_1.1", f"{encoder}.conv_1.2"), "encoder.enter")
    dense(f"{encoder}.dilated_dense", "encoder.dense")
    triple((f"{encoder}.conv_2.0", f"{encoder}.conv_2.1", f"{encoder}.conv_2.2"), "encoder.leave")
    for block in range(generator.options["blocks"]):
        for side, mine in (("time", "time"), ("freq", "frequency")):
            their, our = f"TSCB_{block + 1}.{side}_conformer", f"blocks.{block}.{mine}"
            feed(f"{their}.ff1", f"{our}.first")
            put(f"{their}.attn.norm", f"{our}.attention.norm")
            put(f"{their}.attn.fn.to_q", f"{our}.attention.query", "weight")
            put(f"{their}.attn.fn.to_kv", f"{our}.attention.key_value", "weight")
            put(f"{their}.attn.fn.to_out", f"{our}.attention.leave")
            put(f"{their}.attn.fn.rel_pos_emb", f"{our}.attention.distance", "weight")
            put(f"{their}.conv.net.0", f"{our}.convolution.norm")
            put(f"{their}.conv.net.2", f"{our}.convolution.enter")
            put(f"{their}.conv.net.4.conv", f"{our}.convolution.depthwise")
            kinds = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
            put(f"{their}.conv.net.5", f"{our}.convolution.batch_norm", *kinds)
            put(f"{their}.conv.net.7", f"{our}.convolution.leave")
            feed(f"{their}.ff2", f"{our}.second")
            put(f"{their}.post_norm", f"{our}.norm")
    for their, our in (("mask_decoder", "mask"), ("complex_decoder", "complex")):
        dense(f"{their}.dense_block", f"{our}.dense")
        put(f"{their}.sub_pixel.conv", f"{our}.doubling.conv")
        put(f"{their}.norm", f"{our}.norm")
        put(f"{their}.prelu", f"{our}.slope", "weight")
    put("mask_decoder.conv_1", "mask.narrow")
    put("mask_decoder.final_conv", "mask.last")
    put("mask_decoder.prelu_out", "mask.bin_slope", "weight")
    put("complex_decoder.conv", "complex.last")
    return out
