"""What an enhancer's evaluation may be asked for: the options that every recipe of an enhancer has. Nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from voxrack.params import Param

PROTOCOL = "mixtures"  # the only one: trained weights are heard through speakers and noises that training left out
RATIOS = ("whole", "active")
WINDOWS = {"off": 0, "first": 1, "all": None}  # of DNSMOS


@dataclass(frozen=True)
class Asked:
    """See the options' help.

    Parameters
    ----------
    weights : str
        Of the recipe's own device; empty: those that it ships with.
    against : str
        Devices and presets, with commas between them.
    pairs : str
        Folder of recorded pairs; see :func:`voxrack_enhance.evaluation_items.pairs`.
    utterances : int
        Test clips of each corpus.
    ratio : {"whole", "active"}
        Over what the SNR of a mixture is set.
    dnsmos : {"off", "first", "all"}
    """

    weights: str = ""
    against: str = ""
    pairs: str = ""
    utterances: int = 16
    ratio: str = "whole"
    dnsmos: str = "first"

    @classmethod
    def taken(cls, options: dict[str, Any]) -> Asked:
        """Its options, taken out of those of a recipe; the others stay."""
        return cls(**{field.name: options.pop(field.name) for field in fields(cls) if field.name in options})

    def lasting(self) -> Mapping[str, Any]:
        """What makes an evaluation another one; systems may be added to an evaluation."""
        return {"utterances": self.utterances, "ratio": self.ratio, "dnsmos": self.dnsmos}


OPTIONS = (
    Param("weights", "", kind="asset", help="evaluating: weight file of the device; empty: what it ships with"),
    Param("against", "", kind="text", help="evaluating: further devices or presets, with commas between them"),
    Param("pairs", "", kind="text", help="evaluating: a folder with clean/ and noisy/ of the same file names; any "
          "other folder in it is what somebody's enhancer made of them"),
    Param("utterances", 16, kind="int", lo=1, hi=100_000, help="evaluating: test clips of each corpus"),
    Param("ratio", "whole", kind="choice", choices=RATIOS, help="evaluating: SNR over the whole clips as they are, as "
          "published tables have it, or over speech and noise where they are active, which is harder"),
    Param("dnsmos", "first", kind="choice", choices=tuple(WINDOWS), help="evaluating mixtures: windows of 9 s that "
          "DNSMOS hears; pairs are always heard with all"),
)  # fmt: skip
