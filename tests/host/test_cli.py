"""The command line as a whole: help, listings, exit codes, plugins' verbs, completion."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
from click.shell_completion import ShellComplete
from command_line import done, run

from voxrack import Host, hookimpl
from voxrack.cli import cli
from voxrack.commands.group import Verbs

VERBS = [["plugins"], ["devices"], ["render"], ["analyze"], ["demo"], ["doctor"], ["lab"], ["completion"]] + [
    ["preset", verb] for verb in ("list", "show", "check", "upgrade", "diff", "schema", "save")
]


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_help_has_examples_exit_codes_and_json(verb: list[str]) -> None:
    text = done(*verb, "--help").stdout
    assert "Example" in text and f"voxrack {' '.join(verb)}" in text
    assert "Exit codes: 0 done, 1 some items failed, 2 wrong use, 3 bad input." in text
    assert "--json" in text


def test_plugins_lists_status_and_devices() -> None:
    found = {entry["name"]: entry for entry in json.loads(done("plugins", "--json").stdout)}
    assert found["fx"]["status"] == "loaded" and "fx.compressor" in found["fx"]["devices"]
    table = done("plugins").stdout
    assert "fx" in table and "loaded" in table


def test_devices_lists_parameters_with_units() -> None:
    ids = [entry["id"] for entry in json.loads(done("devices", "--json").stdout)]
    assert ids == sorted(ids) and "fx.reverb" in ids
    kinds = {entry["kind"] for entry in json.loads(done("devices", "--kind", "analyzer", "--json").stdout)}
    assert kinds == {"analyzer"}
    one = json.loads(done("devices", "fx.compressor", "--json").stdout)
    threshold = next(param for param in one["parameters"] if param["id"] == "threshold")
    assert threshold["unit"] == "dB" and threshold["lo"] < threshold["default"] < threshold["hi"] and threshold["help"]
    text = done("devices", "fx.compressor").stdout
    assert "threshold" in text and "dB" in text


def test_unknown_device_names_the_near_one() -> None:
    result = run("devices", "fx.compresor")
    assert result.exit_code == 2 and "did you mean 'fx.compressor'" in result.stderr and not result.stdout


@pytest.mark.parametrize(
    "words", [["nonsense"], ["render"], ["devices", "--kind", "x"], ["render", "a", "b", "-o", "c", "--jobs", "x"]]
)
def test_wrong_use_is_code_2_and_stdout_stays_empty(words: list[str]) -> None:
    result = run(*words)
    assert result.exit_code == 2 and result.stderr and not result.stdout and "Traceback" not in result.stderr


def test_version() -> None:
    assert done("--version").stdout.startswith("voxrack ")


# ---- failures ----------------------------------------------------------------------------------
def group(action: Any) -> Verbs:
    verbs = Verbs("voxrack")
    verbs._plugins_asked = True
    verbs.add_command(click.command("act")(action))
    return verbs


def broken() -> None:
    raise RuntimeError("the cat is\non the keyboard")


def test_unexpected_error_is_one_line_that_says_how_to_report(capsys: pytest.CaptureFixture[str]) -> None:
    assert group(broken).run(["act"]) == 1
    err = capsys.readouterr().err
    assert "RuntimeError: the cat is on the keyboard" in err and "--debug" in err and err.count("\n") == 1


@pytest.mark.parametrize("how", ["flag", "variable"])
def test_debug_shows_the_traceback(
    how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "variable":
        monkeypatch.setenv("VOXRACK_DEBUG", "1")
    verbs = group(broken)
    verbs.params = cli.params
    assert verbs.run(["--debug", "act"] if how == "flag" else ["act"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_os_error_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> None:
        raise PermissionError(13, "Permission denied", "/some/where")

    assert group(act).run(["act"]) == 1
    assert capsys.readouterr().err == "voxrack: /some/where: Permission denied\n"


def test_interruption_is_code_130(capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> None:
        raise KeyboardInterrupt

    assert group(act).run(["act"]) == 130
    assert "stopped" in capsys.readouterr().err


def test_verb_value_is_the_exit_code() -> None:
    def act() -> int:
        return 1

    assert group(act).run(["act"]) == 1


# ---- plugins' verbs ----------------------------------------------------------------------------
class Good:
    @hookimpl
    def voxrack_commands(self, cli: click.Group) -> None:
        cli.add_command(click.Command("sing", callback=lambda: click.echo("la"), help="Sing."))


class Thief:
    @hookimpl
    def voxrack_commands(self, cli: click.Group) -> None:
        cli.add_command(click.Command("render", callback=lambda: click.echo("mine")))


class Broken:
    @hookimpl
    def voxrack_commands(self, cli: click.Group) -> None:
        raise RuntimeError("no verbs today")


@pytest.fixture
def with_plugins(monkeypatch: pytest.MonkeyPatch) -> Verbs:
    host = Host({"broken": Broken(), "thief": Thief(), "good": Good()}, discover=False)
    monkeypatch.setattr("voxrack.host.default_host", lambda: host)
    return Verbs("voxrack", commands=dict(cli.commands))


def test_plugin_verb_runs_and_a_broken_plugin_hurts_nobody(
    with_plugins: Verbs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert with_plugins.run(["sing"]) == 0
    assert capsys.readouterr().out == "la\n"
    assert with_plugins.run(["--help"]) == 0
    help_text = capsys.readouterr().out
    assert "sing" in help_text and "render" in help_text
    assert with_plugins.commands["render"] is cli.commands["render"]


def test_plugins_lists_the_one_whose_verbs_failed(with_plugins: Verbs, capsys: pytest.CaptureFixture[str]) -> None:
    assert with_plugins.run(["plugins", "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["broken"]["status"] == "failed" and "no verbs today" in found["broken"]["error"]
    assert found["good"]["status"] == "loaded" and found["thief"]["status"] == "shadowed"


# ---- completion --------------------------------------------------------------------------------
def offered(words: list[str], begun: str) -> list[str]:
    shell = ShellComplete(cli, {}, "voxrack", "_VOXRACK_COMPLETE")
    return [item.value for item in shell.get_completions(words, begun) if item.type == "plain"]


def test_completion_offers_devices_presets_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(["devices"], "fx.comp") == ["fx.compressor"]
    assert offered(["analyze"], "fx.") == ["fx.loudness"]
    assert "render" in offered([], "re")
    presets = sorted(Host().presets())
    assert offered(["preset", "show"], "") == presets and presets
    monkeypatch.setenv("COMP_WORDS", f"voxrack render {presets[0]} in.wav --set ")
    addresses = offered(["render", presets[0], "in.wav", "--set"], "")
    assert "dry=" in addresses and all(address.endswith("=") for address in addresses)
    monkeypatch.setenv("COMP_WORDS", "voxrack render no-such.json --set ")
    assert offered(["render", "no-such.json", "--set"], "") == []  # a half-typed line offers nothing, quietly


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    script = done("completion", shell).stdout
    assert "_VOXRACK_COMPLETE" in script and "voxrack" in script
    assert json.loads(done("completion", shell, "--json").stdout)["script"].strip() == script.strip()
