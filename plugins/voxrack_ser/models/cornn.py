"""CoRNN: a bidirectional LSTM, then a Conformer, over three-channel log-mel (Huang et al.)."""

from __future__ import annotations

from torch import Tensor, nn

from voxrack.errors import UsageError

from .conformer import ConformerBlock
from .network import Network, masked_mean, recur, valid


class Cornn(Network):
    """"Speech Emotion Recognition Based on Recurrent Neural Networks with Conformer for Emotional Speech Synthesis".

    Stated there: three-channel log-mel of 3 s -> BiLSTM -> Conformer (eq. 1-4) -> fully connected -> softmax, and
    dropout 0.2. Not stated, with the source of the default: the channels stand side by side in a frame (an LSTM takes
    vectors); 128 units per direction (ACRNN, which the paper modifies); hence dimension 256; 1 block, 4 heads, kernel
    31, widening 4 (Conformer S of Gulati et al.); relative position as in Transformer-XL, the paper's reference 14;
    mean over the valid frames as pooling; dropout inside the Conformer's modules, behind the BiLSTM and before
    the linear layer. 2.05 million parameters with ``expansion=2``, 1.85 with 1.

    Parameters
    ----------
    bands : int
        Values per frame: 3 channels x 40 mel bands.
    classes : int
    frames : int
        An utterance is cut to its first ``frames`` frames, as the paper does ("truncating"); 0 takes it whole.
    parts : {"both", "no_conformer", "no_bilstm"}
        The ablations: without the Conformer the LSTM's outputs are pooled; without the LSTM a linear layer makes the
        Conformer's dimension.
    width : int
        LSTM units per direction; the Conformer's dimension is twice that.
    blocks, heads, kernel, widening, expansion : int
        See :class:`ConformerBlock`.
    dropout : float
    """

    def __init__(
        self, bands: int = 120, classes: int = 8, frames: int = 300, parts: str = "both", width: int = 128,
        blocks: int = 1, heads: int = 4, kernel: int = 31, widening: int = 4, expansion: int = 2, dropout: float = 0.2,
    ) -> None:  # fmt: skip
        super().__init__(locals())
        if parts not in ("both", "no_conformer", "no_bilstm"):
            raise UsageError(f"parts is {parts!r}; it takes both, no_conformer or no_bilstm")
        size = 2 * width
        self.lstm = None if parts == "no_bilstm" else nn.LSTM(bands, width, batch_first=True, bidirectional=True)
        self.enter = nn.Linear(bands, size) if parts == "no_bilstm" else nn.Identity()
        count = 0 if parts == "no_conformer" else blocks
        self.blocks = nn.ModuleList(
            ConformerBlock(size, heads, kernel, widening, expansion, dropout) for _ in range(count)
        )
        self.dropout = nn.Dropout(dropout)
        self.outer = nn.Linear(size, classes)

    def cuts(self, frames: int) -> list[tuple[int, int]]:
        """The first 300 frames."""
        return [(0, min(frames, self.frames) if self.frames else frames)]

    def forward(self, x: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        """See :meth:`Network.forward`; the embedding is the pooled Conformer output."""
        x = self.normalise(x)
        x = recur(self.lstm, x, lengths) if self.lstm is not None else self.enter(x)
        x = self.dropout(x)
        mask = valid(lengths, x.shape[1], x.device)
        partial = None if int(lengths.min()) == x.shape[1] else mask  # nothing is masked where nothing is padding
        for block in self.blocks:
            x = block(x, partial)
        embedding = masked_mean(x, mask)
        return {"logits": self.outer(self.dropout(embedding)), "embedding": embedding}
