"""An enhancer that has learned nothing: random weights in a proper file, for tests of what surrounds the network."""

from __future__ import annotations

from pathlib import Path

import torch

from voxrack import weights
from voxrack_enhance.light_network import LightNetwork


def random_network(seed: int = 0, spread: float = 20.0, **options: int) -> LightNetwork:
    """A network whose masks are anything within their range; ``spread`` 1 is as training begins: nearly 1."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = LightNetwork(**options)
        with torch.no_grad():
            for layer in network.outer:
                layer.weight.mul_(spread)
            for name, parameter in network.named_parameters():
                if "norm" in name or name.startswith("leave"):  # affine parts that do something
                    parameter.add_(0.3 * torch.randn_like(parameter))
    return network.eval()


def random_enhancer(path: Path, seed: int = 0, spread: float = 20.0, **options: int) -> Path:
    """Write one as weights of ``enhance.light``."""
    network = random_network(seed, spread, **options)
    about = {"device": "enhance.light", "options": network.options, "note": "random weights, made for a test"}
    weights.save(path, network.state_dict(), about)
    return path
