"""The losses, their gradients to the raw numbers and eight steps of descent against the reference."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from match.oracle_bench import RATE, cases, chain, module, numbers, parameters, signal

from voxrack_match import LOSS_WEIGHTS, Target, losses, total_loss
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


# the fast path holds the last value where the reference reads on in the next row: that is checked in test_losses
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
def test_eight_steps(case: dict[str, Any]) -> None:
    raw = torch.tensor(numbers()[case["init"]].astype(np.float64), requires_grad=True)
    target = _target(case["target"])
    wanted_losses, wanted_raw = numbers()[case["losses"]], numbers()[case["params"]]
    adam = torch.optim.Adam([raw], lr=0.01)
    for step, row in enumerate(wanted_losses):
        terms = _losses(raw, case, target, damped=True)
        damping = (1.0 - torch.exp(-torch.nn.functional.softplus(raw[151]))) ** 2
        total = total_loss(dict(zip(NAMES, terms))) + damping
        found = dict(zip((*NAMES, "delay_reg", "total"), (*terms.tolist(), damping.item(), total.item())))
        for name, value in zip(case["loss_columns"], row):
            assert found[name] == pytest.approx(value, rel=1e-3), (step, name)
        adam.zero_grad()
        total.backward()
        adam.step()
        if step == len(wanted_losses) - 1:
            assert np.abs(raw.detach().numpy() - wanted_raw[step]).max() <= 5e-3
