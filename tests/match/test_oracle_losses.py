"""The losses, their gradients to the raw numbers and eight steps of descent against the reference."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from match.oracle_bench import RATE, cases, chain, module, numbers, parameters, signal

from voxrack_match import LOSS_WEIGHTS, Target, losses, total_loss
from voxrack_match.damping import damping_term
from voxrack_match.reference import NAMES, reference_losses

pytestmark = pytest.mark.oracle


def _agree(found: dict[str, float], wanted: dict[str, float], relative: float = 1e-6) -> None:
    for name, value in wanted.items():
        if name.startswith("mldr"):  # the reference rounds its coefficients to float32
            assert abs(found[name] - value) <= 2e-4 * value + 1e-4, name
        elif name != "total":
            assert found[name] == pytest.approx(value, rel=relative), name


@pytest.mark.parametrize("case", cases("loss"))
def test_loss(case: dict[str, Any]) -> None:
    pred, target = (np.atleast_3d(numbers()[case[key]]) for key in ("pred", "target"))
    pred, target = (x.reshape(-1, *x.shape[-2:]).astype(np.float64) for x in (pred, target))
    plain = reference_losses(torch.from_numpy(pred), torch.from_numpy(target), RATE, "paper")
    _agree(dict(zip(NAMES, plain.tolist())), case["losses"])
    fast = Target(target, RATE).losses(torch.from_numpy(pred))
    _agree(dict(zip(NAMES[:2], fast.tolist())), {name: case["losses"][name] for name in NAMES[:2]})
    single = Target(target.astype(np.float32), RATE).losses(torch.from_numpy(pred).float())
    _agree(dict(zip(NAMES[:2], single.tolist())), {name: case["losses"][name] for name in NAMES[:2]}, 1e-4)
    if len(pred) == 1:
        found = losses(pred[0], target[0], RATE)
        _agree(found, case["losses"])
        assert total_loss(found) == pytest.approx(case["total"], rel=2e-4)


@pytest.mark.parametrize("case", [pytest.param(*c.values, id=c.id, marks=[*c.marks, *([pytest.mark.slow] if i else [])])
                                  for i, c in enumerate(cases("loss_of_chain"))])  # fmt: skip
def test_loss_of_chain(case: dict[str, Any]) -> None:
    found = losses(_rendered(case["pred"])[0].numpy(), _rendered(case["target"])[0].numpy(), RATE)
    _agree(found, case["losses"])


def _rendered(words: str) -> torch.Tensor:
    """``"chain(internal 0, voice)"`` or ``"voice duplicated to 2 channels"``, (1, 2, frames)."""
    match = re.match(r"chain\((\w+) (\d+), (.+?)\)", words)
    if match:
        return chain(match[1], int(match[2]), match[3])
    return torch.from_numpy(signal(words.split()[0])).expand(2, -1)[None]


def _target(words: str) -> torch.Tensor:
    assert words.endswith("rounded to float32")
    return _rendered(words).float().double()


def _losses(raw: torch.Tensor, case: dict[str, Any], target: torch.Tensor, damped: bool) -> torch.Tensor:
    heard = module()(torch.from_numpy(signal(case["input"]))[None], parameters(raw if damped else raw[:151]))
    skip = case["overlap"]
    return Target(target[..., skip:].clone(), RATE, mode="paper").losses(heard[..., skip:])


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("grad"))
def test_gradient(case: dict[str, Any]) -> None:
    stem, _, mode = case["name"].rpartition("/")
    start = np.append(numbers()[f"{stem}/raw"].astype(np.float64), case["log_damp_raw"])
    raw = torch.tensor(start, requires_grad=True)
    terms = _losses(raw, case, _target(case["target"]), mode == "train")
    _agree(dict(zip(NAMES, terms.tolist())), case["losses"])
    total = torch.zeros(152, dtype=torch.float64)
    wanted = {name: torch.from_numpy(numbers()[place]) for name, place in case["grads"].items()}
    if set(wanted) == {"total"}:
        (total,) = torch.autograd.grad(total_loss(dict(zip(NAMES, terms))), raw)
    for name, term in zip(NAMES, terms):
        if name in wanted:
            (found,) = torch.autograd.grad(term, raw, retain_graph=True)
            total += LOSS_WEIGHTS[name] * found
            _alike(found, wanted[name], name)
    _alike(total, wanted["total"], "total")


def _alike(found: torch.Tensor, wanted: torch.Tensor, name: str) -> None:
    cosine = torch.dot(found, wanted) / (found.norm() * wanted.norm())
    assert float(cosine) >= 0.9999, name
    assert float((found - wanted).abs().max()) <= 1e-3 * float(wanted.abs().max()), name


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("trace"))
def test_each_of_eight_steps(case: dict[str, Any]) -> None:
    """Every step, from the reference's own numbers before it."""
    wanted = numbers()[case["params"]]
    starts = [numbers()[case["init"]], *wanted[:-1]]
    descent = _Descent(case)
    for step, (start, arrival) in enumerate(zip(starts, wanted)):
        with torch.no_grad():
            descent.raw.copy_(torch.tensor(start))
        _close(descent.step(), case, step, 1e-6)
        assert np.abs(descent.raw.detach().numpy() - arrival).max() <= 1e-5, step


@pytest.mark.slow
@pytest.mark.parametrize("case", cases("trace"))
def test_eight_steps_on_its_own(case: dict[str, Any]) -> None:
    """Free running. From the seventh step on the losses of this path are chaos: gradients of 1e-15, which ought to be
    0 (a band of 0 dB has no frequency), move a number by 1e-8 (Adam divides by their size), and 1e-10 anywhere at the
    start is 1 % of a loss there; so the first six steps and the arrival are held to the tolerance.
    """
    descent = _Descent(case)
    for step in range(len(numbers()[case["params"]])):
        terms = descent.step()
        if step < 6:
            _close(terms, case, step, 1e-3)
    assert np.abs(descent.raw.detach().numpy() - numbers()[case["params"]][-1]).max() <= 5e-3


class _Descent:
    """Adam on the raw numbers and the damping, as in the paper."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case, self.target = case, _target(case["target"])
        self.raw = torch.tensor(numbers()[case["init"]].astype(np.float64), requires_grad=True)
        self.adam = torch.optim.Adam([self.raw], lr=0.01)

    def step(self) -> dict[str, float]:
        """One step; the terms before it."""
        terms = _losses(self.raw, self.case, self.target, damped=True)
        damping = damping_term(-torch.nn.functional.softplus(self.raw[151]))
        total = total_loss(dict(zip(NAMES, terms))) + damping
        self.adam.zero_grad()
        total.backward()
        self.adam.step()
        return dict(zip((*NAMES, "delay_reg", "total"), (*terms.tolist(), damping.item(), total.item())))


def _close(found: dict[str, float], case: dict[str, Any], step: int, tolerance: float) -> None:
    for name, value in zip(case["loss_columns"], numbers()[case["losses"]][step]):
        assert found[name] == pytest.approx(value, rel=tolerance), (step, name)
