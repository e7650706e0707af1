// Explorer of principal components: sliders in standard deviations beside a map of the corpus. Python moves the rack.
// Messages from Python: space (sliders, dots; builds the page), state (scores, texts), saved, error.
// Messages to Python: ready, slide, text, place, mean, random, snap, load, save; `serial` as in the controls.

/** One component: number and share, slider, field, a dot that brings it back to 0, and what it does. */
class Component {
  constructor(number, { label, share, words }, limit, report, parent) {
    Object.assign(this, { limit, report: (message) => report(`component ${number}`, { component: number, ...message }) });
    this.node = element("div", "vx-row vx-component", parent, { "data-component": number });
    const name = element("label", "vx-label", this.node);
    element("b", "", name).textContent = label;
    element("small", "", name).textContent = ` ${share}`;
    this.slider = element("input", "vx-slider", this.node, {
      type: "range", min: -limit, max: limit, step: 0.01, "aria-label": `component ${number}, standard deviations`,
    });
    this.slider.addEventListener("input", () => {
      this.fill();
      this.report({ type: "slide", sd: Number(this.slider.value) });
    });
    this.slider.addEventListener("dblclick", () => this.report({ type: "slide", sd: 0 }));
    this.field = element("input", "vx-field", this.node, { "aria-label": `component ${number}, as text`, spellcheck: "false" });
    this.field.addEventListener("change", () => this.report({ type: "text", sd: this.field.value }));
    this.reset = element("button", "vx-reset", this.node, { title: "back to 0", "aria-label": `component ${number} back to 0` });
    this.reset.addEventListener("click", () => this.report({ type: "slide", sd: 0 }));
    if (words) element("p", "vx-words", this.node).textContent = words;
  }

  /** The track is coloured between the mean, which is its middle, and the thumb (14 px wide, as in the style). */
  fill() {
    const share = Number(this.slider.value) / (2 * this.limit);
    const at = (unit) => `calc(7px + (100% - 14px) * ${unit})`;
    this.slider.style.setProperty("--vx-from", at(0.5 + Math.min(0, share)));
    this.slider.style.setProperty("--vx-to", at(0.5 + Math.max(0, share)));
  }

  show(score, overtaken) {
    const text = `${score < -0.005 ? "−" : "+"}${Math.abs(score).toFixed(2)} sd`;
    if (!overtaken) {
      this.slider.value = score;
      this.fill();
      this.slider.setAttribute("aria-valuetext", text);
    }
    if (document.activeElement !== this.field || !overtaken) this.field.value = text;
    this.reset.classList.toggle("vx-changed", Math.abs(score) > 1e-6);
  }
}

/** The corpus over the first two components; a click goes there. */
class PlaneMap {
  constructor(parent, { dots, limit }, send) {
    Object.assign(this, { dots, limit, here: [0, 0] });
    this.canvas = element("canvas", "vx-map", parent, { role: "img", "aria-label": "presets over components 1 and 2" });
    this.canvas.addEventListener("click", (event) => {
      const dot = this.dotAt(event);
      if (dot) send({ type: "load", row: dot.row });
      else send({ type: "place", at: this.fromPage(event) });
    });
    this.canvas.addEventListener("pointermove", (event) => (this.canvas.title = this.dotAt(event)?.name ?? "go there"));
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(this.canvas);
  }

  toPixel([x, y]) {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const clip = (v) => Math.max(-1.06, Math.min(1.06, v / this.limit)); // what lies farther out stands at the edge
    return [width * (0.5 + clip(x) * 0.45), height * (0.5 - clip(y) * 0.45)];
  }

  fromPage(event) {
    const box = this.canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return [((x - 0.5) / 0.45) * this.limit, ((0.5 - y) / 0.45) * this.limit];
  }

  dotAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const off = ({ at }) => {
      const [x, y] = this.toPixel([at[0], at[1] ?? 0]);
      return Math.hypot(x - event.clientX + box.left, y - event.clientY + box.top);
    };
    const nearest = this.dots.reduce((best, dot) => (best && off(best) <= off(dot) ? best : dot), null);
    return nearest && off(nearest) < 8 ? nearest : null;
  }

  paint(here = this.here) {
    this.here = here;
    const [pen, width, height] = surface(this.canvas);
    const css = getComputedStyle(this.canvas);
    const [line, faint] = [css.getPropertyValue("--vx-line"), css.getPropertyValue("--vx-faint")];
    pen.strokeStyle = line;
    pen.fillStyle = faint;
    pen.font = `11px ${css.fontFamily}`;
    for (let sd = -this.limit; sd <= this.limit; sd++) {
      const [x, y] = this.toPixel([sd, sd]);
      pen.globalAlpha = sd === 0 ? 1 : 0.45;
      pen.strokeRect(x, 0, 0, height);
      pen.strokeRect(0, y, width, 0);
      pen.globalAlpha = 1;
      if (sd) pen.fillText(sd, x + 2, height - 3);
    }
    pen.textAlign = "right";
    pen.fillText("component 1 →", width - 4, height / 2 - 4);
    pen.textAlign = "left";
    pen.fillText("component 2 ↑", width / 2 + 4, 11);
    pen.fillStyle = COLOURS[0];
    pen.globalAlpha = 0.75;
    for (const { at } of this.dots) {
      pen.beginPath();
      pen.arc(...this.toPixel([at[0], at[1] ?? 0]), 3.5, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    const [x, y] = this.toPixel([here[0], here[1] ?? 0]);
    pen.strokeStyle = COLOURS[1];
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(x, y, 7, 0, 7);
    for (const [a, b] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) pen.moveTo(x + 4 * a, y + 4 * b), pen.lineTo(x + 11 * a, y + 11 * b);
    pen.stroke();
    pen.lineWidth = 1;
  }
}

function build(root, space, reporter, send) {
  root.replaceChildren();
  const bar = element("div", "vx-tools", root);
  const press = (type, text, title) => {
    const button = element("button", "vx-press", bar, { title, "data-action": type });
    button.textContent = text;
    button.addEventListener("click", () => send({ type }));
    return button;
  };
  press("mean", "mean", "all components to 0");
  press("random", "random", "draw every component");
  press("snap", "nearest preset", "go to the real preset nearest to here").disabled = !space.dots.length;
  const pick = element("select", "vx-press", bar, { "aria-label": "load a preset", title: "the dots of the map, by name" });
  element("option", "", pick, { value: "" }).textContent = "load …";
  for (const { row, name } of space.dots) element("option", "", pick, { value: row }).textContent = name;
  pick.hidden = !space.dots.length;
  pick.addEventListener("change", () => {
    if (pick.value !== "") send({ type: "load", row: Number(pick.value) });
    pick.value = "";
  });
  const form = element("form", "vx-save", bar);
  const name = element("input", "vx-field vx-name", form, { placeholder: "name", "aria-label": `name of a preset in ${space.folder}`, spellcheck: "false" });
  element("button", "vx-press", form, { title: `write a preset into ${space.folder}`, "data-action": "save" }).textContent = "save";
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send({ type: "save", name: name.value });
  });
  const where = element("p", "vx-where", root);
  const note = element("p", "vx-note", root, { role: "status" });
  const body = element("div", "vx-pca-body", root);
  const list = element("div", "vx-components", body);
  const components = space.sliders.map((slider, k) => new Component(k + 1, slider, space.limit, (...m) => reporter.report(...m), list));
  const plane = new PlaneMap(body, space, send);
  return {
    state(message) {
      const overtaken = reporter.overtaken(message);
      components.forEach((component, k) => {
        const own = message.address === `component ${k + 1}`;
        component.show(message.scores[k], own && overtaken);
      });
      where.textContent = message.text;
      where.title = `begun at ${message.start}`;
      plane.paint(message.scores);
    },
    say(text, bad) {
      note.textContent = text;
      note.classList.toggle("vx-error", bad);
    },
    close: () => plane.observer.disconnect(),
  };
}

function render({ model, el }) {
  const root = element("div", "vx-pca", el, { "data-lm-suppress-shortcuts": "true" });
  const reporter = new Reporter((message) => deliver(model, message));
  let page = null;
  let refused = false; // the state that follows a refusal must not clear it
  const send = (message) => deliver(model, message);
  const listen = (message) => {
    if (message.type === "space") {
      page?.close();
      page = build(root, message, reporter, send);
    } else if (message.type === "state") {
      page?.state(message);
      if (!refused) page?.say("", false);
      refused = false;
    } else if (message.type === "saved") page?.say(`saved as ${message.path}`, false);
    else if (message.type === "error") {
      refused = true;
      page?.say(message.message, true);
    }
  };
  const forget = watchKernel(model, el);
  model.on("msg:custom", listen);
  deliver(model, { type: "ready" });
  return () => {
    forget();
    model.off("msg:custom", listen);
    page?.close();
  };
}

export default { render };
