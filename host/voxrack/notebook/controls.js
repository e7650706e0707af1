// Controls of a rack. Python knows what a position means; the page shows positions and texts, and reports moves.
// Messages from Python: rack (everything), value (one address), curves (one strip's pictures, shapes.js), error (one
// address). A `rack` message rebuilds.
// Messages to Python: ready, position, text, toggle, points, reset; `serial` tells an answer to the newest move
// from one that a faster hand has overtaken.

/** One line of a strip: label, what moves the value, text field, reset dot, and a place for a refusal. */
class Row {
  constructor(address, fixed, report, parent) {
    Object.assign(this, { address, fixed, report });
    this.node = element("div", `vx-row vx-${fixed.kind}`, parent, { "data-address": address });
    const label = element("label", "vx-label", this.node);
    label.textContent = fixed.label;
    this.node.title = [address, fixed.help, fixed.range].filter(Boolean).join(" · ");
    this.build();
    this.refusal = element("div", "vx-refusal", this.node, { role: "alert" });
  }

  build() {
    const { kind, choices } = this.fixed;
    if (kind === "bool") this.switch = this.lamp(this.node);
    else if (kind === "choice") {
      this.field = element("select", "vx-field vx-wide", this.node, { "aria-label": this.address });
      for (const choice of choices) element("option", "", this.field, { value: choice }).textContent = choice;
    } else {
      if (kind === "float" || kind === "int") this.slider = this.range(this.node);
      const wide = this.slider ? "" : " vx-wide";
      this.field = element("input", "vx-field" + wide, this.node, { "aria-label": `${this.address}, as text`, spellcheck: "false" });
      if (kind === "asset") this.field.placeholder = "path of a file";
    }
    this.field?.addEventListener("change", () => this.report({ type: "text", text: this.field.value }));
    this.field?.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.field.tagName === "SELECT") return;
      this.field.value = this.value.text;
      this.field.blur();
    });
    this.reset = element("button", "vx-reset", this.node, { title: "back to the default", "aria-label": `reset ${this.address}` });
    this.reset.addEventListener("click", () => this.report({ type: "reset" }));
  }

  range(parent) {
    const slider = element("input", "vx-slider", parent, { type: "range", min: 0, max: 1, step: 0.001, "aria-label": this.address });
    slider.addEventListener("input", () => {
      this.fill(slider);
      this.report({ type: "position", unit: Number(slider.value) });
    });
    slider.addEventListener("dblclick", () => this.report({ type: "reset" }));
    return slider;
  }

  lamp(parent) {
    const lamp = element("button", "vx-lamp", parent, { role: "switch", "aria-label": this.address });
    lamp.addEventListener("click", () => this.report({ type: "toggle", on: lamp.getAttribute("aria-checked") !== "true" }));
    return lamp;
  }

  fill(slider) {
    // the thumb's middle runs from half a thumb (7 px) inside one end to half a thumb inside the other
    const [from, to] = [Number(slider.value), this.fixed.origin].sort((a, b) => a - b);
    const at = (unit) => (unit <= 0 ? "0px" : `calc(7px + (100% - 14px) * ${unit})`);
    slider.style.setProperty("--vx-from", at(from));
    slider.style.setProperty("--vx-to", at(to));
  }

  show(value) {
    this.value = value;
    if (this.slider) {
      this.slider.value = value.unit;
      this.slider.setAttribute("aria-valuetext", value.text);
      this.fill(this.slider);
    }
    if (this.field) this.field.value = value.text;
    this.switch?.setAttribute("aria-checked", value.on);
    this.reset?.classList.toggle("vx-changed", !value.default);
  }

  /** The text follows every answer; the slider only the answer to its newest move. */
  answer(value, overtaken) {
    if (!overtaken) this.show(value);
    else if (this.field && document.activeElement !== this.field) this.field.value = value.text;
    if (!this.refused) this.refuse("");
    this.refused = false;
  }

  refuse(message) {
    this.refused = !!message; // the value that follows a refusal must not clear it
    this.refusal.textContent = message;
    this.node.classList.toggle("vx-bad", !!message);
  }
}

/** An array: a curve to draw on, one line at a time; the chosen point has a field of its own. */
class CurveRow extends Row {
  build() {
    const { lines, line_names: names, points } = this.fixed;
    [this.line, this.point] = [0, 0];
    this.pick = element("select", "vx-field vx-pick", this.node, { "aria-label": `${this.address}, line` });
    names.forEach((name, k) => (element("option", "", this.pick, { value: k }).textContent = name || "all"));
    this.pick.hidden = lines.length < 2;
    this.pick.addEventListener("change", () => this.choose(Number(this.pick.value), this.point));
    this.where = element("span", "vx-where", this.node);
    this.field = element("input", "vx-field", this.node, { "aria-label": `${this.address}, chosen point, as text` });
    this.reset = element("button", "vx-reset", this.node, { title: "back to the default", "aria-label": `reset ${this.address}` });
    this.canvas = element("canvas", "vx-curve", this.node, {
      tabindex: "0", role: "slider", "aria-label": `${this.address}: arrows choose and move a point`, title: "draw · arrows choose and move a point",
    });
    this.reset.addEventListener("click", () => this.report({ type: "reset" }));
    this.field.addEventListener("change", () => {
      this.report({ type: "text", text: this.field.value, indices: [lines[this.line][this.point]] });
    });
    let last = null; // [point, unit] of the stroke so far
    const stroke = (event) => {
      const box = this.canvas.getBoundingClientRect();
      const share = (event.clientX - box.left) / box.width;
      const point = Math.min(points.length - 1, Math.max(0, Math.floor(share * points.length)));
      const unit = Math.min(1, Math.max(0, 1 - (event.clientY - box.top - 4) / (box.height - 8)));
      this.draw(last ?? [point, unit], [point, unit]);
      last = [point, unit];
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      stroke(event);
    });
    this.canvas.addEventListener("pointermove", (event) => last && stroke(event));
    for (const over of ["pointerup", "pointercancel"]) this.canvas.addEventListener(over, () => (last = null));
    this.canvas.addEventListener("keydown", (event) => {
      const [across, up] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 0.02], ArrowDown: [0, -0.02] }[event.key] ?? [0, 0];
      if (!across && !up) return;
      event.preventDefault();
      this.choose(this.line, Math.min(points.length - 1, Math.max(0, this.point + across)));
      if (up) this.draw(...Array(2).fill([this.point, Math.min(1, Math.max(0, this.unit(this.point) + up))]));
    });
    new ResizeObserver(() => this.value && this.paint()).observe(this.canvas);
  }

  unit(point) {
    return this.value.units[this.fixed.lines[this.line][point]];
  }

  choose(line, point) {
    [this.line, this.point] = [line, point];
    this.show(this.value);
  }

  /** A straight stroke between two points, so that a fast hand leaves no gaps. */
  draw([from, low], [to, high]) {
    const [indices, units] = [[], []];
    const steps = Math.abs(to - from);
    for (let step = 0; step <= steps; step++) {
      const point = from + Math.sign(to - from) * step;
      indices.push(this.fixed.lines[this.line][point]);
      units.push(steps ? low + ((high - low) * step) / steps : high);
    }
    indices.forEach((index, k) => (this.value.units[index] = units[k]));
    this.point = to;
    this.paint();
    this.report({ type: "points", indices, units });
  }

  show(value) {
    this.value = value;
    const index = this.fixed.lines[this.line][this.point];
    this.where.textContent = this.fixed.points[this.point];
    this.field.value = value.texts[index];
    this.canvas.setAttribute("aria-valuetext", `${this.fixed.points[this.point]}: ${value.texts[index]}`);
    this.reset.classList.toggle("vx-changed", !value.default);
    this.paint();
  }

  paint() {
    const { canvas, fixed } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    [canvas.width, canvas.height] = [width * scale, height * scale];
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const count = fixed.points.length;
    const toX = (point) => ((point + 0.5) / count) * width;
    const toY = (unit) => 4 + (1 - unit) * (height - 8);
    if (fixed.origin) {
      pen.fillStyle = getComputedStyle(canvas).getPropertyValue("--vx-line");
      pen.fillRect(0, toY(fixed.origin), width, 1);
    }
    fixed.lines.forEach((line, k) => {
      pen.strokeStyle = pen.fillStyle = COLOURS[k % COLOURS.length];
      pen.globalAlpha = k === this.line ? 1 : 0.3;
      pen.lineWidth = k === this.line ? 2 : 1;
      pen.beginPath();
      line.forEach((index, point) => pen.lineTo(toX(point), toY(this.value.units[index])));
      pen.stroke();
      if (k !== this.line) return;
      line.forEach((index, point) => {
        pen.beginPath();
        pen.arc(toX(point), toY(this.value.units[index]), point === this.point ? 4.5 : count > 24 ? 1.5 : 3, 0, 7);
        pen.fill();
      });
    });
  }
}

/** Build the page of one rack; returns the rows by address, and the places for pictures by strip. */
function build(root, { groups, parameters }, reporter) {
  root.replaceChildren();
  const rows = new Map();
  const shapes = new Map();
  const add = (address, parent, kind = Row) => {
    rows.set(address, new kind(address, parameters[address], (message) => reporter.report(address, message), parent));
    return rows.get(address);
  };
  for (const group of groups) {
    const strip = element("section", "vx-strip", root, { "data-group": group.id });
    const head = element("header", "vx-head", strip);
    element("b", "", head).textContent = group.title;
    element("span", "vx-device", head).textContent = group.device;
    if (group.mix) add(group.mix, head);
    if (group.bypass) {
      const row = add(group.bypass, head);
      const dim = row.show.bind(row);
      row.show = (value) => (dim(value), strip.classList.toggle("vx-bypassed", value.on));
    }
    if (group.note) element("p", "vx-missing", strip).textContent = group.note;
    shapes.set(group.id, new Shapes(element("div", "vx-shapes", strip)));
    const body = element("div", "vx-body", strip);
    for (const section of group.sections) {
      const box = element("div", section.title ? "vx-section" : "vx-section vx-plain", body);
      if (section.title) element("h4", "", box).textContent = section.title.replaceAll("_", " ");
      for (const address of section.rows) add(address, box, parameters[address].kind === "array" ? CurveRow : Row);
    }
  }
  return { rows, shapes };
}

function render({ model, el }) {
  const root = element("div", "vx-controls", el, { "data-lm-suppress-shortcuts": "true" });
  const reporter = new Reporter((message) => deliver(model, message));
  let [rows, shapes] = [new Map(), new Map()];
  const listen = (message) => {
    if (message.type === "rack") {
      for (const shape of shapes.values()) shape.close();
      ({ rows, shapes } = build(root, message, reporter));
      for (const [address, row] of rows) row.show(message.values[address]);
    } else if (message.type === "curves") shapes.get(message.group)?.show(message.curves);
    else if (message.type === "value") rows.get(message.address)?.answer(message, reporter.overtaken(message));
    else if (message.type === "error") rows.get(message.address)?.refuse(message.message);
  };
  const forget = watchKernel(model, el);
  model.on("msg:custom", listen);
  deliver(model, { type: "ready" });
  return () => {
    forget();
    model.off("msg:custom", listen);
    for (const shape of shapes.values()) shape.close();
  };
}

export default { render };
