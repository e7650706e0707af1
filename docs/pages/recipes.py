"""A page for every recipe of this distribution, from its specification."""

from __future__ import annotations

from voxrack import default_host
from voxrack.datasets import PROTOCOLS
from voxrack.recipe import RecipeSpec

from . import devices
from .markdown import code, fence, listed, page, plain, table, toctree
from .parameters import option_table

OWN = "voxrack_"


def own() -> list[RecipeSpec]:
    """Recipes of this distribution, whatever else is installed."""
    return [spec for spec in default_host().recipes().values() if spec.factory.startswith(OWN)]


def pages() -> dict[str, str]:
    """Files: ``recipes/ID.md`` the list ``recipes.inc``, and the protocols of corpora in ``protocols.inc``."""
    specs = own()
    out = {f"recipes/{spec.id}.md": recipe(spec) for spec in specs}
    rows = [(f"[{code(s.id)}](/generated/recipes/{s.id}.md)", plain(s.summary)) for s in specs]
    out["recipes.inc"] = page(
        table(("recipe", "what it trains"), rows), toctree((f"/generated/recipes/{s.id}" for s in specs), "hidden")
    )
    protocols = [(code(name), plain(about)) for name, about in PROTOCOLS.items()]
    out["protocols.inc"] = page(table(("protocol", "what is tested"), protocols))
    return out


def recipe(spec: RecipeSpec) -> str:
    """The page of one recipe."""
    rows = [("makes", made(spec.device))]
    rows.append(("stages", ", ".join(f"[{stage}](/verbs/{stage}.md)" for stage in spec.stages)))
    rows += [("protocols", ", ".join(map(code, spec.protocols)))] if spec.protocols else []
    rows += [("needs", ", ".join(f"a device of the role {code(role)}" for role in spec.needs))] if spec.needs else []
    rows += [("noise", "takes noise sets: `--noise`, and `--unmatched` for testing only")] if spec.noise else []
    features = [param for param in spec.options if param.structural]
    training = [param for param in spec.options if not param.structural]
    return page(
        f"# Recipe {code(spec.id)}",
        f"**{plain(spec.title or spec.id)}.** {plain(spec.summary)}",
        listed(rows),
        fence(commands(spec), "sh"),
        "## Options of preparing" if features else "",
        "The feature file keeps them; training takes them from there." if features else "",
        option_table(features),
        "## Options of training and evaluating" if training else "",
        option_table(training),
    )


def made(id: str) -> str:
    """The device that it makes, as a link where there is one."""
    known = {entry.spec.id for entry in devices.own()}
    return f"[{code(id)}](../devices/{id}.md)" if id in known else code(id) if id else "weights that no device takes"


def commands(spec: RecipeSpec) -> str:
    """The stages as commands."""
    noise = " --noise noises" if spec.noise else ""
    lines = {
        "prepare": f"voxrack prepare {spec.id} --data corpus{noise} -o features.safetensors",
        "train": f"voxrack train {spec.id} --features features.safetensors -o runs/one",
        "evaluate": f"voxrack evaluate {spec.id} --features features.safetensors -o study",
    }
    return "\n".join(lines[stage] for stage in spec.stages)

