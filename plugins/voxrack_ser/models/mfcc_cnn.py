"""MFCC-CNN: three convolutions over the MFCC picture of a clip, one linear layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxrack.errors import UsageError

from .network import Network, valid

_FIRST = (10, 3)  # along coefficients, along time: stated in the paper
_NEXT = (3, 3)  # the paper gives no size for the second and third; the usual one


class MfccCnn(Network):
    """Recogniser over the MFCC matrix as a picture (the CNN of "Voice Emotion Classification Based on
    Mel-Frequency Cepstral Coefficients", section 3.3.2).

    Stated there: three convolutions of 32 kernels, the first 10 coefficients by 3 frames, 2 x 2 average pooling
    behind each, leaky ReLU of slope 0.01, dropout 0.5, one linear layer to 8, input 40 x 160. Not stated: the
    other kernels (3 x 3 here), the stride (1) and the padding: none gives 28,712 parameters, "same" 45,096.
    The place of the dropout is not stated either: behind each pooling here.

    Parameters
    ----------
    bands : int
        Coefficients, the height of the picture.
    classes : int
    frames : int
        Width of the picture: shorter clips are filled up with zeros behind normalisation, longer ones are cut
        into pieces whose probabilities are averaged.
    kernels : int
    padding : {"none", "same"}
    dropout : float
    """

    def __init__(
        self, bands: int = 40, classes: int = 8, frames: int = 160, kernels: int = 32, padding: str = "none",
        dropout: float = 0.5,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        layers: list[nn.Module] = []
        height, width, before = bands, frames, 1
        for size in (_FIRST, _NEXT, _NEXT):
            if padding == "same":  # an even kernel is padded one more at the end, as TensorFlow does
                top, left = (size[0] - 1) // 2, (size[1] - 1) // 2
                layers.append(nn.ZeroPad2d((left, size[1] - 1 - left, top, size[0] - 1 - top)))
            else:
                height, width = height - size[0] + 1, width - size[1] + 1
            layers += [nn.Conv2d(before, kernels, size), nn.LeakyReLU(0.01), nn.AvgPool2d(2), nn.Dropout(dropout)]
            height, width, before = height // 2, width // 2, kernels
        if min(height, width) < 1:
            raise UsageError(f"a picture of {bands} x {frames} is too small for three convolutions with pooling")
        # a third faster on CPUs, and tensor cores ask for it
        self.layers = nn.Sequential(*layers)
        self.layers.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        self.outer = nn.Linear(kernels * height * width, classes)

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """See :meth:`Network.forward`; at most :attr:`frames` frames. The embedding is the flattened picture."""
        mask = valid(lengths, x.shape[1], x.device).unsqueeze(-1)
        picture = functional.pad(self.normalise(x) * mask, (0, 0, 0, self.frames - x.shape[1]))
        embedding = self.layers(picture.transpose(1, 2).unsqueeze(1)).flatten(1)
        return {"logits": self.outer(embedding), "embedding": embedding}
