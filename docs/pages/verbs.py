"""The options of every verb, from the click commands themselves; a page of its own where none was written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

from .markdown import code, fence, page, plain, prose, table, toctree


def commands() -> dict[str, click.Command]:
    """Every verb of the command line by name, those of the built-in plugins included."""
    from voxrack.cli import cli

    context = click.Context(cli, info_name="voxrack")
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def pages(written: set[str]) -> dict[str, str]:
    """Files: ``options/VERB.inc``, the list ``verbs.inc``, and a page for each verb that is not in ``written``."""
    from voxrack.cli import cli

    root = click.Context(cli, info_name="voxrack")
    out, rows, places = {}, [], []
    for name, command in commands().items():
        out[f"options/{name}.inc"] = options(command, click.Context(command, info_name=name, parent=root), 2)
        place = f"/verbs/{name}" if name in written else f"/generated/verbs/{name}"
        places.append(place)
        rows.append((f"[{code(name)}]({place}.md)", plain(command.get_short_help_str(200))))
        if name not in written:
            out[f"verbs/{name}.md"] = page(f"# {name}: {plain(summary(command))}", out[f"options/{name}.inc"])
    out["verbs.inc"] = page(table(("verb", "what it does"), rows), toctree(places, "hidden"))
    return out


def summary(command: click.Command) -> str:
    """The short help, with a small first letter and no full stop."""
    text = command.get_short_help_str(200).rstrip(".")
    return text[:1].lower() + text[1:]


def options(command: click.Command, context: click.Context, level: int) -> str:
    """Usage, help, examples and options of a command; a group's commands one below the other."""
    if isinstance(command, click.Group):
        parts = [options(sub, inner, level) for sub, inner in _below(command, context)]
        return page(*parts)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    rows = []
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            rows.append((code(record[0].replace("|", " | ")), prose(record[1])))
    return page(
        f"{'#' * level} {code(context.command_path)}",
        fence(usage, "text"),
        *_help(command.help or ""),
        table(("option", "meaning"), rows),
        plain(command.epilog or ""),
    )


def _below(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is not None:
            yield command, click.Context(command, info_name=name, parent=context)


def _help(text: str) -> Iterator[str]:
    """Paragraphs; what click would not wrap (after ``\\b``) is code: a shell's where a line calls voxrack."""
    for paragraph in re.split(r"\n\s*\n", cleandoc(text)):
        if not paragraph.startswith("\b"):
            yield prose(paragraph)
            continue
        lines = paragraph.lstrip("\b\n").splitlines()
        if lines[0].rstrip().endswith(":"):
            yield plain(lines.pop(0))
        body = "\n".join(line[2:] if line.startswith("  ") else line for line in lines)
        yield fence(body, "sh" if "voxrack " in body else "text")
