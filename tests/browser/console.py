"""What a page says is wrong with it, whoever says it: uncaught errors, and errors in the console."""

from __future__ import annotations

from typing import Any


def complaints_of(page: Any) -> list[str]:
    """A list that grows with every complaint of the page, from now on.

    Nothing is filtered: JupyterLab itself (4.6) complains of nothing while our notebooks run, also not where a kernel
    is restarted. Should another version do, name its very message here, with the reason.
    """
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))

    def listen(message: Any) -> None:
        if message.type == "error":
            said.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", listen)
    return said
