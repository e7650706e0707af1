"""Blocks of code in Markdown, and the shell's words held against click's own parser."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import click

_FENCE = re.compile(
    r"^(?:% (?P<mark>skip|run|file)(?:: (?P<reason>[^\n]*))?\n)?"  # a comment of MyST, which is not shown
    r"^```(?P<language>\w+)\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
_ENDS = {"|", "||", "&&", ";", ">", ">>", "<", "2>"}
_CHECKED = (click.Choice, click.IntRange, click.FloatRange, click.types.IntParamType, click.types.FloatParamType)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Parameters
    ----------
    language, code : str
    mark : str
        ``"skip"``, ``"run"`` or ``"file"`` where the line before it is ``% skip: reason``, ``% run`` or
        ``% file: name``; else empty.
    reason : str
        What stands behind the mark's colon.
    """

    language: str
    code: str
    mark: str = ""
    reason: str = ""


def blocks(text: str, language: str = "") -> list[Block]:
    """The fenced blocks of a text, of one language if given."""
    found = [Block(m["language"], m["code"], m["mark"] or "", m["reason"] or "") for m in _FENCE.finditer(text)]
    return [block for block in found if language in ("", block.language)]


def fenced(text: str, language: str) -> list[str]:
    """The code of the blocks of a language."""
    return [block.code for block in blocks(text, language)]


def calls(code: str) -> Iterator[list[str]]:
    """The words behind ``voxrack`` of every call in a block of shell; comments, pipes and redirections end it."""
    for line in code.replace("\\\n", " ").splitlines():
        words = _words(line)
        while "voxrack" in words:
            words = words[words.index("voxrack") + 1 :]
            end = next((at for at, word in enumerate(words) if word in _ENDS), len(words))
            yield words[:end]
            words = words[end:]


def _words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    return list(lexer)


def check_call(words: list[str]) -> None:
    """AssertionError where a verb, an option, a choice or a number of the call is none that click knows.

    Files are not looked for: what a page calls ``take.wav`` need not be there.
    """
    from voxrack.cli import cli

    command: click.Command | None = cli
    context = click.Context(cli, info_name="voxrack")
    while isinstance(command, click.Group):
        assert words, f"'{context.command_path}' wants a verb"
        name, *words = words
        command = command.get_command(context, name)
        assert command is not None, f"'{context.command_path}' has no verb '{name}'"
        context = click.Context(command, info_name=name, parent=context)
    assert command is not None
    try:
        values, over, _ = command.make_parser(context).parse_args(args=list(words))
        assert not over, f"{context.command_path}: what is '{over[0]}'?"
    except click.UsageError as error:
        raise AssertionError(f"{context.command_path} {' '.join(words)}: {error.format_message()}") from None
    _check_values(command, context, values)


def _check_values(command: click.Command, context: click.Context, values: dict[str, object]) -> None:
    for parameter in command.params:
        given = values.get(parameter.name or "")
        missing = given is None or parameter.value_is_missing(given)
        assert not (missing and parameter.required), f"{context.command_path} lacks {parameter.human_readable_name}"
        if isinstance(parameter.type, _CHECKED):
            for value in given if isinstance(given, (list, tuple)) else [given]:
                if isinstance(value, str):
                    _convert(parameter, context, value)


def _convert(parameter: click.Parameter, context: click.Context, value: str) -> None:
    try:
        parameter.type.convert(value, parameter, context)
    except click.UsageError as error:
        raise AssertionError(f"{context.command_path}: {error.format_message()}") from None
