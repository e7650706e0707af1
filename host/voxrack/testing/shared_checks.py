"""Checks that streaming and whole-signal processors have in common: the preset and the torch module."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..audio import Audio
from ..device import Block, Differentiable
from ..params import NUMERIC
from .subject import Broken, NotApplicable, Subject, difference, run

AGREE = 1e-4  # module against process, share of the peak: -80 dB


def preset(subject: Subject) -> str:
    """Through a preset and back: the same text, the same settings, the same sound."""
    from ..preset import Preset
    from ..rack import Rack
    from ..rendering import render

    before = Rack([subject.make(next(subject.random_values(1)))])
    audio = Audio(subject.signal(0.1), subject.rate)
    with TemporaryDirectory(prefix="voxrack-check-") as folder:  # assets lie beside the file, so a file it must be
        saved = Preset.of(before, name="check", created="")
        saved.save(Path(folder) / "check.json")
        after = Preset.load(Path(folder) / "check.json").rack(subject.host)
        if Preset.of(after, name="check", created="").text() != saved.text():
            raise Broken("saved, loaded and saved again, the preset is another text")
        one, other = before.values(), after.values()
        if one.keys() != other.keys():
            raise Broken(f"the addresses come back as {sorted(other)} where they were {sorted(one)}")
        assets = [address for address, param in before.parameters().items() if param.kind == "asset"]
        for address in one.keys() - assets:  # an asset comes back as the copy that was saved with the preset
            if not np.array_equal(one[address], other[address]):
                raise Broken(f"{address} was {one[address]!r} and comes back as {other[address]!r}")
        worst = difference(render(before, audio).samples, render(after, audio).samples, "the rack out of the preset")
    return f"{len(one)} values; largest difference {worst:.1g}"


def module(subject: Subject) -> str:
    """The torch module gives what process gives, and finite gradients."""
    device = subject.make()
    if not isinstance(device.processor, Differentiable):
        raise NotApplicable("the device offers no torch module")
    import torch

    worst = 0.0
    signal = subject.signal(0.1)
    for values in ({}, *subject.random_values(2)):
        device = subject.make(values)
        expected = _plain(subject, device, signal)
        leaves = {
            p.id: torch.tensor(device.values[p.id], dtype=torch.float32, requires_grad=p.fit and p.kind != "int")
            for p in subject.spec.params
            if p.kind in NUMERIC
        }
        out = device.processor.module(subject.rate)(torch.from_numpy(signal)[None], leaves)
        got = out.detach().numpy()[0]
        frames = min(got.shape[1], expected.shape[1])
        if got.shape[0] != expected.shape[0] or frames < signal.shape[1]:
            raise Broken(f"the module returns {tuple(out.shape)} for (1, {', '.join(map(str, signal.shape))})")
        gap = float(np.abs(got[:, :frames] - expected[:, :frames]).max())
        if gap > AGREE * max(1.0, float(np.abs(expected).max())):
            raise Broken(f"module and process differ by {gap:.3g} with {values or 'the defaults'}")
        worst = max(worst, gap)
        _check_gradients(out, leaves)
    return f"largest difference {worst:.1g}; gradients finite"


def _plain(subject: Subject, device: Any, signal: Block) -> Block:
    if not subject.spec.streaming:
        return device.convert(signal, subject.rate)
    return run(device, signal, subject.rate)[:, device.latency :]


def _check_gradients(out: Any, leaves: dict[str, Any]) -> None:
    wanted = [leaf for leaf in leaves.values() if leaf.requires_grad]
    if wanted:
        out.square().mean().backward()
    for id, leaf in leaves.items():
        if leaf.requires_grad and leaf.grad is not None and not bool(leaf.grad.isfinite().all()):
            raise Broken(f"the gradient of {id} is not finite")
