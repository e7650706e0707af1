"""A widget's page side alone: its module on a blank page, with a stand-in for the widget's model; no Jupyter."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

# What Python sends is dispatched, what the page sends is kept.
HARNESS = """
async ({ source, css, id, sounding }) => {
  const [listeners, others] = [[], new Map()];
  window.sentToPython = [];
  const model = {
    get: () => id, send: (message) => window.sentToPython.push(message), off: () => {},
    on: (event, listener) => (event === "msg:custom" ? listeners.push(listener) : others.set(event, listener)),
  };
  window.trigger = (event) => others.get(event)?.();
  window.held = null; // a list keeps messages back until a test delivers them at a moment of its choice
  window.fromPython = (message, data) => {
    if (window.held) return void window.held.push([message, data]);
    const bytes = data ? Uint8Array.from(atob(data), (c) => c.charCodeAt(0)) : null;
    for (const listener of listeners) listener(message, bytes ? [new DataView(bytes.buffer)] : []);
  };
  const style = document.createElement("style");
  style.textContent = css;
  document.head.append(style);
  const module = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  if (sounding) module.default.initialize({ model });
  const el = document.createElement("div");
  document.body.append(el);
  module.default.render({ model, el });
  if (!sounding) return;
  window.engine = window.__voxrack_players[id];
  window.sentToPython.length = 0;
  // one long window of what the speakers get
  window.heard = async (seconds) => {
    await new Promise((done) => setTimeout(done, seconds * 1000));
    const samples = new Float32Array(engine.analyser.fftSize);
    engine.analyser.getFloatTimeDomainData(samples);
    return Array.from(samples);
  };
}
"""


def mount(page: Any, widget: type, *, sounding: bool = False) -> None:
    """Show a widget's module on a blank page; what it has sent is the page's ``sentToPython``.

    A ``sounding`` one has an engine, made by its ``initialize``: the page's ``engine``, listened to by ``heard(s)``;
    what it sent until it was shown is forgotten. While the page's ``held`` is a list, messages to it wait there.
    """
    page.goto("about:blank")
    files = {"source": widget._esm, "css": widget._css}  # pyright: ignore[reportAttributeAccessIssue]
    page.evaluate(HARNESS, files | {"id": "test" if sounding else "", "sounding": sounding})


def tell(page: Any, content: dict, buffers: Sequence = ()) -> None:
    """Send the page a message, as the widget does: JSON and at most one binary buffer."""
    data = base64.b64encode(buffers[0]).decode() if buffers else None
    message = json.loads(json.dumps(content, allow_nan=False))
    page.evaluate("([message, data]) => fromPython(message, data)", [message, data])
