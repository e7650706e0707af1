// A training run as it grows: losses on the left, everything else that is measured on the right.
// Messages from Python: run {state, epoch, epochs, best, why, lines, lacks, audible}, sample {text, failed}.
// To Python: ready, stop, start, listen.

/** Values by epoch and curve: {"train loss": [[1, 2.0], …], …}, of those whose name passes. */
function curvesOf(lines, wanted) {
  const curves = new Map();
  for (const line of lines) {
    for (const part of ["train", "validation"]) {
      for (const [key, value] of Object.entries(line[part] ?? {})) {
        if (!wanted(key) || typeof value !== "number" || !Number.isFinite(value)) continue;
        const name = key.startsWith(part) ? key.replaceAll("_", " ") : `${part} ${key}`;
        if (!curves.has(name)) curves.set(name, []);
        curves.get(name).push([line.epoch, value]);
      }
    }
  }
  return curves;
}

const isLoss = (key) => /loss|nll|error/.test(key); // what falls

const short = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString());

class Plot {
  constructor(parent, title, unit) {
    this.title = title;
    this.unit = unit; // whether it is a share, which lies between 0 and 1
    const figure = element("figure", "", parent);
    this.caption = element("figcaption", "", figure);
    this.canvas = element("canvas", "vx-curves", figure, { "data-curves": title });
    this.curves = new Map();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.canvas);
  }

  show(curves, epochs, best) {
    Object.assign(this, { curves, epochs, best });
    this.caption.replaceChildren();
    element("b", "", this.caption).textContent = this.title;
    [...curves].forEach(([name, points], k) => {
      const entry = element("span", "", this.caption, { "data-curve": name });
      entry.style.setProperty("--vx-colour", COLOURS[k % COLOURS.length]);
      entry.textContent = `${name} ${short(points.at(-1)[1])}`;
    });
    this.draw();
  }

  draw() {
    const [pen, width, height] = surface(this.canvas);
    const values = [...this.curves.values()].flat().map(([, value]) => value);
    if (!values.length || width < 60) return;
    const css = getComputedStyle(this.canvas);
    const [left, foot, top] = [40, 16, 8];
    let [low, high] = [Math.min(...values, 0), Math.max(...values)];
    if (this.unit) high = Math.max(high, Math.min(1, 1.25 * high));
    if (high === low) high = low + 1;
    const last = Math.max(this.epochs, ...[...this.curves.values()].map((points) => points.at(-1)[0]), 2);
    const toX = (epoch) => left + ((epoch - 1) / (last - 1)) * (width - left - 10);
    const toY = (value) => height - foot - ((value - low) / (high - low)) * (height - foot - top);
    pen.font = "10px " + css.fontFamily;
    const faint = css.getPropertyValue("--vx-faint");
    for (const value of ticksOf(low, high, 5)) {
      pen.fillStyle = faint;
      pen.globalAlpha = 0.25;
      pen.fillRect(left, toY(value), width - left, 1);
      pen.globalAlpha = 1;
      pen.fillText(tickText(value), 4, toY(value) + 3);
    }
    pen.fillText("1", left, height - 4);
    pen.textAlign = "right";
    pen.fillText(`epoch ${last}`, width - 6, height - 4);
    pen.textAlign = "left";
    if (this.best) {
      pen.globalAlpha = 0.5;
      pen.fillRect(toX(this.best), top, 1, height - foot - top);
      pen.globalAlpha = 1;
      pen.fillText("best", Math.min(toX(this.best) + 3, width - 26), top + 8);
    }
    [...this.curves.values()].forEach((points, k) => {
      pen.strokeStyle = pen.fillStyle = COLOURS[k % COLOURS.length];
      pen.lineWidth = 1.8;
      pen.beginPath();
      points.forEach(([epoch, value], at) => pen[at ? "lineTo" : "moveTo"](toX(epoch), toY(value)));
      pen.stroke();
      if (points.length < 40) for (const [epoch, value] of points) pen.fillRect(toX(epoch) - 2, toY(value) - 2, 4, 4);
    });
  }
}

function render({ model, el }) {
  const root = element("div", "vx-training", el, { "data-lm-suppress-shortcuts": "true" });
  const top = element("div", "vx-top", root);
  const stop = element("button", "vx-stop", top, { title: "save a checkpoint and end; it can go on later" });
  stop.textContent = "■ stop";
  const start = element("button", "vx-resume", top, { title: "go on where it was stopped" });
  start.textContent = "▶ go on";
  const listen = element("button", "vx-listen", top, { title: "send the recording through the weights of this moment" });
  listen.textContent = "♪ listen";
  const state = element("span", "vx-state", top, { role: "status" });
  const progress = element("progress", "vx-progress", top, { max: 1, value: 0, "aria-label": "epochs done" });
  const why = element("span", "vx-why", top);
  const lacks = element("p", "vx-lacks", root, { role: "status" });
  const sample = element("p", "vx-sample", root, { role: "status" });
  const plots = element("div", "vx-plots", root);
  const losses = new Plot(plots, "loss", false);
  const measures = new Plot(plots, "measures", true);
  const receive = (message) => {
    if (message.type === "sample") {
      sample.textContent = message.text && `♪ ${message.text}`;
      sample.classList.toggle("vx-error", message.failed);
    }
    if (message.type !== "run") return;
    const { epoch, epochs, lines, best } = message;
    state.textContent = epochs ? `${message.state} · epoch ${epoch} of ${epochs}` : message.state;
    root.dataset.state = message.state;
    progress.value = epochs ? epoch / epochs : 0;
    why.textContent = message.why ?? "";
    stop.disabled = message.state !== "running";
    listen.hidden = !message.audible;
    listen.disabled = !epochs; // nothing has begun
    start.disabled = !!message.lacks || ["starting", "running", "ending", "finished"].includes(message.state);
    lacks.textContent = message.lacks && `It cannot go on from here: ${message.lacks}.`;
    losses.show(curvesOf(lines, isLoss), epochs, best);
    measures.show(curvesOf(lines, (key) => !isLoss(key)), epochs, best);
  };
  stop.addEventListener("click", () => {
    stop.disabled = true;
    deliver(model, { type: "stop" });
  });
  start.addEventListener("click", () => {
    start.disabled = true;
    deliver(model, { type: "start" });
  });
  listen.addEventListener("click", () => deliver(model, { type: "listen" }));
  const forget = watchKernel(model, el);
  model.on("msg:custom", receive);
  deliver(model, { type: "ready" });
  return () => {
    forget();
    model.off("msg:custom", receive);
    for (const plot of [losses, measures]) plot.observer.disconnect();
  };
}

export default { render };
