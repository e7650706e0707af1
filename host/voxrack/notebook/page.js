// What all widgets share: elements, colours, canvases, keys, and messages that a fast hand does not pile up.

const COLOURS = ["#3b82d6", "#e07b1a", "#118a5a", "#d75fb7", "#826f11", "#665ad9"]; // told apart by the colour-blind too

function element(tag, className, parent, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

/** Canvas that keeps its pixels in step with its size on the page; returns the context and its size. */
function surface(canvas) {
  const scale = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}

/** Keys of a view: what `actionOf` finds for a key is done and goes no further; `spared` keeps its own keys, and space
    and Enter press the button that has the focus. */
function shortcuts(root, spared, actionOf) {
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === spared) return;
    if (event.target.tagName === "BUTTON" && [" ", "Enter"].includes(event.key)) return;
    const action = actionOf(event);
    if (!action) return;
    action(event);
    event.preventDefault();
    event.stopPropagation();
  });
}

/** Says on a widget when its kernel is gone: what the page holds still plays, but nothing that asks Python is answered. */
function watchKernel(model, place) {
  const gone = element("p", "vx-gone", place, { role: "alert" });
  gone.style.cssText = "margin: 4px 0 8px; color: #d03c2f; font: 600 12px var(--jp-ui-font-family, sans-serif)";
  const tell = () => (gone.textContent = "The kernel that made this was restarted or is gone: run the cell again.");
  model.on("comm_live_update", tell);
  return () => model.off("comm_live_update", tell);
}

/** Sends to Python. A kernel that is gone takes nothing; `watchKernel` has told the user, and the page works on. */
function deliver(model, message) {
  try {
    model.send(message);
  } catch (error) {
    console.warn(`not sent to the kernel: ${error.message}`);
  }
}

/** Sends at most one message per address and animation frame; the newest wins. */
class Reporter {
  constructor(send) {
    this.send = send;
    this.waiting = new Map(); // address -> message
    this.serials = new Map(); // address -> serial of the newest message
  }

  report(address, message) {
    const serial = (this.serials.get(address) ?? 0) + 1;
    this.serials.set(address, serial);
    if (!this.waiting.size) requestAnimationFrame(() => this.flush());
    const before = this.waiting.get(address);
    if (before?.type === "points" && message.type === "points") {
      message.indices = [...before.indices, ...message.indices];
      message.units = [...before.units, ...message.units];
    }
    this.waiting.set(address, { ...message, address, serial });
  }

  flush() {
    for (const message of this.waiting.values()) this.send(message);
    this.waiting.clear();
  }

  overtaken({ address, serial }) {
    return serial !== 0 && serial !== this.serials.get(address);
  }
}
