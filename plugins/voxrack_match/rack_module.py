"""A rack as a torch module: the desk without blocks, latencies and glides, with gradients to every number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from voxrack import Bus, Rack, Slot
from voxrack.channels import sum_width, width_for
from voxrack.errors import InputError, RoutingError, UsageError
from voxrack.instance import Missing
from voxrack.params import suggest
from voxrack.rack import as_rack

Params = Mapping[str, Tensor]


class RackModule(torch.nn.Module):
    """Any rack whose devices are differentiable (``voxrack.device.Differentiable``).

    Parameters
    ----------
    rack : Rack, Chain or device
        Its structure is taken now; values that :meth:`forward` is not given are read from it at every call.
    sample_rate : int
        Hz.
    mode : {"exact", "paper"}
        Handed to every device: the transfer function that is heard, or that of the reference.

    Raises
    ------
    RoutingError
        Naming the slot, for a device that has no module or works at another sample rate.
    """

    def __init__(self, rack: Any, sample_rate: int, mode: Literal["exact", "paper"] = "exact") -> None:
        super().__init__()
        if mode not in ("exact", "paper"):
            raise UsageError(f"mode is {mode!r}; it takes 'exact' or 'paper'")
        self.rack: Rack = as_rack(rack)
        self.sample_rate = int(sample_rate)
        self.mode: Literal["exact", "paper"] = mode
        self.nodes: dict[str, _SlotModule] = {
            prefix: _SlotModule(prefix, slot, self.sample_rate, mode) for prefix, slot in self.rack.slots().items()
        }
        for prefix, node in self.nodes.items():
            if isinstance(node.module, torch.nn.Module):
                self.add_module(prefix.replace(".", "-"), node.module)

    def forward(self, x: Tensor, params: Params | None = None) -> Tensor:
        """Process a batch.

        Parameters
        ----------
        x : Tensor, shape (batch, channels, frames)
            float32 or float64. Everything begins in silence; what sounds after the last frame is cut.
        params : mapping of str to Tensor, optional
            Plain values by address: shape () or (batch,) for numbers, the parameter's shape with or without a
            leading batch for arrays. With ``batch`` 1 in ``x``, a batch of settings gives a batch of outputs.

        Returns
        -------
        Tensor, shape (batch, output channels, frames)
        """
        parts = self.split(params or {}, x)
        return self.leave(self.master(self.sum(self.inserts(self.enter(x), parts), parts), parts))

    # ---- the way of the signal, in five steps ---------------------------------------------------
    def enter(self, x: Tensor) -> Tensor:
        """The input folded to mono where the rack says so, and delayed by its offset.

        With a negative offset it gets that much silence at its end, and :meth:`leave` cuts as much from the
        beginning of the output: what is moved out of sight is processed all the same, as the desk does.
        """
        check_signal(x)
        if self.rack.input == "mono":
            x = x.mean(dim=1, keepdim=True)
        shift, frames = self._shift, x.shape[-1]
        if shift > 0:
            return torch.nn.functional.pad(x, (shift, 0))[..., :frames]
        return torch.nn.functional.pad(x, (0, -shift)) if shift < 0 else x

    def leave(self, x: Tensor) -> Tensor:
        """The output without what a negative offset moves ahead of its beginning."""
        return x[..., max(0, -self._shift) :]

    @property
    def _shift(self) -> int:
        return round(self.rack.offset * 1e-3 * self.sample_rate)

    def inserts(self, x: Tensor, parts: Parts) -> Tensor:
        """Through the inserts."""
        return self._chain(x, self.rack.inserts, parts, "")

    def sum(self, insert: Tensor, parts: Parts) -> Tensor:
        """Buses and dry path, added."""
        rack = self.rack
        outputs: dict[str, Tensor] = {}
        for bus in rack.buses:
            outputs[bus.name] = self._bus(bus, insert, outputs, parts)
        width = sum_width([out.shape[1] for out in outputs.values()] + [insert.shape[1]], "the rack")
        paths = [_scaled(insert, parts.level("dry", rack.dry)), *outputs.values()]
        return _added(paths, width, insert)

    def master(self, x: Tensor, parts: Parts) -> Tensor:
        """Through the master."""
        return self._chain(x, self.rack.master, parts, "master.")

    def split(self, params: Params, like: Tensor) -> Parts:
        """``params`` sorted by slot; an address that the rack does not have is refused."""
        return Parts(params, self.nodes, self.rack, like)

    def _chain(self, x: Tensor, slots: Iterable[Slot], parts: Parts, prefix: str) -> Tensor:
        for slot in slots:
            x = self.nodes[prefix + slot.name](x, parts)
        return x

    def _bus(self, bus: Bus, insert: Tensor, outputs: dict[str, Tensor], parts: Parts) -> Tensor:
        """What is sent to a bus, through its chain and its level."""
        paths: list[Tensor | None] = []
        widths: list[int] = []
        if bus.name in self.rack.sends:
            paths.append(_scaled(insert, parts.level(f"send.{bus.name}", self.rack.sends[bus.name])))
            widths.append(insert.shape[1])
        for other in self.rack.buses:
            if bus.name in other.sends:
                out = outputs[other.name]
                paths.append(_scaled(out, parts.level(f"send.{other.name}.{bus.name}", other.sends[bus.name])))
                widths.append(out.shape[1])
        entering = _added(paths, sum_width(widths, f"bus '{bus.name}'"), insert)
        out = self._chain(entering, bus.chain, parts, "")
        scaled = _scaled(out, parts.level(f"bus.{bus.name}.level", bus.level))
        return torch.zeros_like(out) if scaled is None else scaled


class Parts:
    """Parameters of one call, sorted by slot.

    Parameters
    ----------
    params : mapping of str to Tensor
        By address.
    nodes : mapping
        Slots by prefix.
    rack : Rack
    like : Tensor
        A signal of the type and device in which gains are applied.
    """

    def __init__(self, params: Params, nodes: Mapping[str, Any], rack: Rack, like: Tensor) -> None:
        self._like = like
        self._slots: dict[str, dict[str, Tensor]] = {prefix: {} for prefix in nodes}
        self._levels: dict[str, Tensor] = {}
        known = {"dry", *(f"send.{to}" for to in rack.sends), *(f"bus.{bus.name}.level" for bus in rack.buses)}
        known |= {f"send.{bus.name}.{to}" for bus in rack.buses for to in bus.sends}
        for address, value in params.items():
            if address in known:
                self._levels[address] = value
                continue
            head = 2 if address.startswith("master.") else 1
            words = address.split(".", head)
            prefix, id = ".".join(words[:head]), words[head] if len(words) > head else ""
            if prefix not in self._slots or not id or id == "bypass":
                raise UsageError(f"the rack has no number '{address}'{suggest(address, rack.parameters())}")
            self._slots[prefix][id] = value

    def of(self, prefix: str) -> dict[str, Tensor]:
        """Parameters of a slot by id."""
        return self._slots[prefix]

    def level(self, address: str, default: float) -> Tensor | float:
        """Linear gain of a level in dB: a number where it is the rack's own, a tensor to multiply a signal with."""
        if address not in self._levels:
            return 10.0 ** (default / 20.0)
        level = self._levels[address].to(device=self._like.device, dtype=torch.float64)
        return broadcast(10.0 ** (level / 20.0), self._like)


class _SlotModule:
    """One slot: its device's module between dry and wet."""

    def __init__(self, prefix: str, slot: Slot, sample_rate: int, mode: str) -> None:
        self.prefix, self.slot = prefix, slot
        self.module: Any = None  # a missing device passes the signal
        device, place = slot.device, f"slot '{prefix}' ({slot.device.spec.id})"
        if isinstance(device, Missing):
            return
        if device.spec.rates and sample_rate not in device.spec.rates:
            rates = " or ".join(map(str, device.spec.rates))
            raise RoutingError(f"{place} works at {rates} Hz, not {sample_rate}; as a module it is not resampled")
        make = getattr(device.processor, "module", None)
        if make is None:
            raise RoutingError(
                f"{place} is not differentiable: it offers no torch module; leave it out, or bypass it "
                "in a rack of its own"
            )
        self.module = make(sample_rate, mode)

    def __call__(self, x: Tensor, parts: Parts) -> Tensor:
        params = dict(parts.of(self.prefix))
        given = params.pop("mix", None)
        if self.module is None:
            return x
        spec = self.slot.device.spec
        width = width_for(x.shape[1], spec.channels, f"slot '{self.prefix}' ({spec.id})")
        if given is None and (self.slot.bypass or self.slot.mix == 0.0):
            return x.expand(-1, self._out(x, width), -1)
        wet = self.module(_fitted(x, width), params)
        out = max(wet.shape[1], x.shape[1]) if 1 in (wet.shape[1], x.shape[1]) else wet.shape[1]
        if self.slot.bypass:
            return x.expand(-1, out, -1)
        if given is None and self.slot.mix == 1.0:
            return wet.expand(-1, out, -1)
        mix = broadcast(given.to(wet), x) if given is not None else self.slot.mix
        dry = x.expand(-1, out, -1)
        return dry + (wet.expand(-1, out, -1) - dry) * mix

    def _out(self, x: Tensor, width: int) -> int:
        """Channels that the device would give, found on two frames of silence."""
        wet = self.module(x.new_zeros(1, width, 2), {}).shape[1]
        return max(wet, x.shape[1]) if 1 in (wet, x.shape[1]) else wet


def broadcast(value: Tensor, like: Tensor) -> Tensor:
    """A number () or (batch,) shaped to multiply (batch, channels, frames), in the type of ``like``."""
    if value.ndim > 1:
        raise UsageError(f"a level or a mix is a number or (batch,); got shape {tuple(value.shape)}")
    return value.reshape(-1, 1, 1).to(like) if value.ndim else value.to(like)


def _fitted(x: Tensor, channels: int) -> Tensor:
    if x.shape[1] == channels:
        return x
    return x.mean(dim=1, keepdim=True) if channels == 1 else x.expand(-1, channels, -1)


def _scaled(x: Tensor, gain: Tensor | float) -> Tensor | None:
    """``x`` times ``gain``; None is silence."""
    if isinstance(gain, Tensor):
        return x * gain
    if gain == 0.0:
        return None
    return x if gain == 1.0 else x * gain


def _added(paths: Iterable[Tensor | None], width: int, like: Tensor) -> Tensor:
    heard = [path for path in paths if path is not None]
    if not heard:
        return like.new_zeros(like.shape[0], width, like.shape[-1])
    total = heard[0].expand(-1, width, -1)
    for path in heard[1:]:
        total = total + path
    return total


def check_signal(x: Tensor) -> None:
    """Refuse what is not a batch of signals."""
    if x.ndim != 3 or x.dtype not in (torch.float32, torch.float64) or not x.numel():
        raise InputError(
            f"a rack module takes (batch, channels, frames) of float32 or float64; got {tuple(x.shape)} {x.dtype}"
        )
