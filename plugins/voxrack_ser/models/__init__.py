"""Networks of the recognisers, one per file; torch is imported when one is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from voxrack.errors import InputError

if TYPE_CHECKING:
    from .network import Network

NETWORKS = {
    "mfcc_lstm": "mfcc_lstm:MfccLstm",
    "mfcc_cnn": "mfcc_cnn:MfccCnn",
    "acrnn": "acrnn:Acrnn",
    "cornn": "cornn:Cornn",
    "crnn_raw": "crnn_raw:CrnnRaw",
    "best": "best:Best",
    "trnet": "trnet:TrNet",
}


def network_class(name: str) -> type[Network]:
    """The class of a network by its name in :data:`NETWORKS`."""
    if name not in NETWORKS:
        raise InputError(f"weights of a network {name!r}; this voxrack knows {', '.join(NETWORKS)}: upgrade it")
    module, _, attribute = NETWORKS[name].partition(":")
    return getattr(import_module(f".{module}", __name__), attribute)


def build(metadata: Mapping[str, Any], tensors: Mapping[str, Any] | None = None) -> Network:
    """The network that ``metadata`` (of a weight file) describes, in evaluation mode, with its ``tensors`` loaded.

    Raises
    ------
    InputError
        An unknown network, or tensors of another shape.
    """
    network = network_class(str(metadata.get("network"))).from_metadata(metadata)
    if tensors is not None:
        try:
            network.load_state_dict(dict(tensors))
        except RuntimeError as error:
            raise InputError(f"the weights do not fit the network {metadata['network']!r}: {error}") from error
    return network.eval()
