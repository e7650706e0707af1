"""CMGAN's generator: encoder, two-stage conformers, and the two decoders' answers put together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voxrack.errors import UsageError

from .conformer import HEADS, TwoStage
from .decoders import ComplexDecoder, MaskDecoder
from .encoder import Encoder
from .spectrum import compress, expand, level, magnitude, whole_hops


class Generator(nn.Module):
    """Compressed spectrogram (B, 2, frames, 201) to that of the speech in it.

    ``Y = M |X| exp(i arg X) + C``: a mask of the magnitude under the noisy phase, and a correction.

    Parameters
    ----------
    width : int
        Channels, a multiple of 4; 64 in the paper (with 4 blocks 1,834,833 parameters).
    blocks : int
        Two-stage conformers.
    dropout : float
        Of attention and feed-forward modules.
    """

    def __init__(self, width: int = 64, blocks: int = 4, dropout: float = 0.2) -> None:
        super().__init__()
        if width < HEADS or width % HEADS:
            raise UsageError(f"CMGAN's width is {width}; its {HEADS} attention heads take a multiple of {HEADS}")
        if blocks < 1:
            raise UsageError(f"CMGAN has {blocks} blocks; it takes 1 or more")
        self.options = {"width": width, "blocks": blocks, "dropout": dropout}
        self.encoder = Encoder(width)
        self.blocks = nn.ModuleList([TwoStage(width, dropout) for _ in range(blocks)])
        self.mask = MaskDecoder(width)
        self.complex = ComplexDecoder(width)

    def forward(self, compressed: Tensor) -> Tensor:
        x = self.encoder(torch.cat((magnitude(compressed), compressed), 1))
        for block in self.blocks:
            x = block(x)
        return self.mask(x) * compressed + self.complex(x)  # a mask of both parts is one of the magnitude


@torch.no_grad()
def enhance(generator: Generator, signal: Tensor) -> Tensor:
    """Samples at 16 kHz, (B, samples), any level and length, to enhanced ones; silence stays silent.

    The signal is divided by its root mean square first and the answer multiplied by it again.
    """
    loud = level(signal)
    found = expand(generator(compress(whole_hops(signal / loud))), max(signal.shape[-1], 1))
    return torch.where(signal.abs().amax(-1, keepdim=True) > 0.0, found * loud, 0.0)
