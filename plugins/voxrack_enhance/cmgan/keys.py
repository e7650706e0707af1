"""Checkpoints of the authors' code (ruizhecao96/CMGAN) read into our generator, without unpickling any code.

The map of keys, theirs to ours; ``N`` counts blocks from 1 there and from 0 here, ``i`` layers of a dense block
likewise, and every row stands for ``weight`` and, where there is one, ``bias``::

    dense_encoder.conv_1.{0,1,2}                 encoder.enter.{conv,norm,slope}
    dense_encoder.dilated_dense.{conv,norm,prelu}i   encoder.dense.layers.i.{conv,norm,slope}
    dense_encoder.conv_2.{0,1,2}                 encoder.leave.{conv,norm,slope}
    TSCB_N.{time,freq}_conformer                 blocks.N.{time,frequency}
        .ff1.fn.norm, .ff1.fn.fn.net.{0,3}           .first.norm, .first.{enter,leave}
        .attn.norm                                   .attention.norm
        .attn.fn.{to_q,to_kv,to_out,rel_pos_emb}     .attention.{query,key_value,leave,distance}
        .conv.net.{0,2,4.conv,5,7}                   .convolution.{norm,enter,depthwise,batch_norm,leave}
        .ff2.…                                       .second.…, as .ff1
        .post_norm                                   .norm
    mask_decoder.dense_block.{conv,norm,prelu}i  mask.dense.layers.i.{conv,norm,slope}
    mask_decoder.sub_pixel.conv                  mask.doubling.conv
    mask_decoder.{conv_1,norm,prelu}             mask.{narrow,norm,slope}
    mask_decoder.{final_conv,prelu_out}          mask.{last,bin_slope}
    complex_decoder.dense_block.…, .sub_pixel    complex.dense.…, .doubling, as above
    complex_decoder.{norm,prelu,conv}            complex.{norm,slope,last}

A prefix ``module.`` (of DistributedDataParallel) is left off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from voxrack.errors import InputError

_PARTS = {"conv": "conv", "norm": "norm", "prelu": "slope"}
_CONFORMER = {
    "attn.norm": "attention.norm", "attn.fn.to_q": "attention.query", "attn.fn.to_kv": "attention.key_value",
    "attn.fn.to_out": "attention.leave", "attn.fn.rel_pos_emb": "attention.distance", "conv.net.0": "convolution.norm",
    "conv.net.2": "convolution.enter", "conv.net.4.conv": "convolution.depthwise",
    "conv.net.5": "convolution.batch_norm", "conv.net.7": "convolution.leave", "post_norm": "norm",
    "ff1.fn.norm": "first.norm", "ff1.fn.fn.net.0": "first.enter", "ff1.fn.fn.net.3": "first.leave",
    "ff2.fn.norm": "second.norm", "ff2.fn.fn.net.0": "second.enter", "ff2.fn.fn.net.3": "second.leave",
}  # fmt: skip
_MASK = {"conv_1": "narrow", "norm": "norm", "prelu": "slope", "final_conv": "last", "prelu_out": "bin_slope"}
_COMPLEX = {"norm": "norm", "prelu": "slope", "conv": "last"}
_PLACES = {"dense_encoder.conv_1": "encoder.enter", "dense_encoder.conv_2": "encoder.leave"}
_DENSE = {
    "dense_encoder.dilated_dense": "encoder.dense", "mask_decoder.dense_block": "mask.dense",
    "complex_decoder.dense_block": "complex.dense",
}  # fmt: skip
_DECODERS = {"mask_decoder": ("mask", _MASK), "complex_decoder": ("complex", _COMPLEX)}
_SIDES = {"time": "time", "freq": "frequency"}


def _dense(match: re.Match[str]) -> str:
    return f"{_DENSE[match[1]]}.layers.{int(match[3]) - 1}.{_PARTS[match[2]]}"


def _outer(match: re.Match[str]) -> str:
    return f"{_PLACES[match[1]]}.{('conv', 'norm', 'slope')[int(match[2])]}"


def _conformer(match: re.Match[str]) -> str:
    return f"blocks.{int(match[1]) - 1}.{_SIDES[match[2]]}.{_CONFORMER[match[3]]}"


def _decoder(match: re.Match[str]) -> str:
    place, names = _DECODERS[match[1]]
    return f"{place}.doubling.conv" if match[2] == "sub_pixel.conv" else f"{place}.{names[match[2]]}"


_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), rule)
    for pattern, rule in (
        (f"({'|'.join(map(re.escape, _DENSE))})\\.(conv|norm|prelu)([1-4])", _dense),
        (f"({'|'.join(map(re.escape, _PLACES))})\\.([012])", _outer),
        (f"TSCB_([1-9][0-9]*)\\.(time|freq)_conformer\\.({'|'.join(map(re.escape, _CONFORMER))})", _conformer),
        (f"(mask_decoder)\\.(sub_pixel\\.conv|{'|'.join(_MASK)})", _decoder),
        (f"(complex_decoder)\\.(sub_pixel\\.conv|{'|'.join(_COMPLEX)})", _decoder),
    )
)


def our_name(key: str) -> str:
    """Our name of the tensor that the authors' checkpoint calls ``key``; KeyError where it is none of theirs."""
    place, _, kind = key.removeprefix("module.").rpartition(".")
    for pattern, rule in _RULES:
        match = pattern.fullmatch(place)
        if match:
            return f"{rule(match)}.{kind}"
    raise KeyError(key)


def is_theirs(keys: Mapping[str, object]) -> bool:
    """Whether tensors are named as in the authors' checkpoints."""
    return any(key.removeprefix("module.").startswith("dense_encoder.") for key in keys)


def translated(tensors: Mapping[str, Tensor], path: Path) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Tensors by our names, and the width and number of blocks that they show.

    Raises
    ------
    InputError
        A key that CMGAN has not, or one that is missing which tells the width.
    """
    ours: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        try:
            ours[our_name(key)] = tensor
        except KeyError:
            raise InputError(f"{path}: '{key}' is no part of CMGAN's generator: a checkpoint of another?") from None
    first = ours.get("encoder.enter.conv.weight")
    blocks = {int(key.split(".")[1]) for key in ours if key.startswith("blocks.")}
    if first is None or first.ndim != 4 or blocks != set(range(len(blocks))) or not blocks:
        raise InputError(f"{path}: the checkpoint lacks parts of CMGAN's generator: its encoder, or some of its blocks")
    return ours, {"width": len(first), "blocks": len(blocks)}


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint: safetensors, or a zip archive of ``torch.save``.

    Of the archive only tensors and plain containers are taken up (``torch.load(weights_only=True)``); anything that
    would run code is refused. Dictionaries around the tensors (``model``, ``state_dict``, …) are opened.

    Raises
    ------
    InputError
        Another kind of file, a damaged one, or one that holds more than tensors.
    """
    start = _start(path)
    try:
        if start.startswith(b"PK\x03\x04"):
            found = torch.load(path, map_location="cpu", weights_only=True)
        elif start[8:9] == b"{":
            from safetensors.torch import load_file

            found = load_file(path)
        elif start.startswith(b"version https://git-lfs"):
            raise InputError(f"{path} is a Git LFS pointer, not the file itself: git lfs pull")
        else:
            raise InputError(
                f"{path} is neither safetensors nor a zip archive of torch.save; older pickles may run any code and "
                "are not opened. Save it anew with safetensors.torch.save_file"
            )
    except InputError:
        raise
    except Exception as error:  # of the zip reader, the restricted unpickler and safetensors: many kinds
        said = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is damaged, or holds more than tensors, which is not unpickled: {said}") from error
    return _tensors(found, path)


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _tensors(found: object, path: Path) -> dict[str, Tensor]:
    for _ in range(3):
        if not isinstance(found, Mapping):
            break
        if found and all(isinstance(value, Tensor) for value in found.values()):
            return {str(key): value for key, value in found.items()}
        inner = [found[key] for key in ("model", "state_dict", "generator", "model_state_dict") if key in found]
        found = inner[0] if inner else None
    raise InputError(f"{path} holds no dictionary of tensors; a checkpoint of CMGAN is its state_dict()")
