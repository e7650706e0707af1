"""``voxrack completion``: the script that teaches a shell the Tab key."""

from __future__ import annotations

import click

from . import common


@common.verb("completion", short_help="Print the script for the Tab key.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str, as_json: bool) -> None:
    """Print the script that completes verbs, presets, devices and addresses in SHELL.

    \b
    Examples:
      voxrack completion bash > ~/.local/share/bash-completion/completions/voxrack
      voxrack completion zsh > "${fpath[1]}/_voxrack"
      voxrack completion fish > ~/.config/fish/completions/voxrack.fish
      eval "$(voxrack completion bash)"           for this terminal only
    """
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    if maker is None:
        raise click.UsageError(f"click knows no completion for {shell}; upgrade click")
    # source_template instead of source(): the latter runs bash to ask its version
    names = maker(context.find_root().command, {}, "voxrack", "_VOXRACK_COMPLETE")
    script = names.source_template % names.source_vars()
    if as_json:
        common.emit({"shell": shell, "script": script})
    else:
        common.write(script.rstrip("\n"))


COMMANDS = (completion,)
