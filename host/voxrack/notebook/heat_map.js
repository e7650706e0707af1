// Correlation heat map: the matrix on the left, the presets behind the chosen cell on the right.
// Messages from Python: matrix (float32 in buffers[0], row after row), scatter. To Python: ready, cell (row, column).

const RED = [178, 24, 43], BLUE = [33, 102, 172], MIDDLE = [247, 247, 247]; // told apart by the colour-blind too
const MARGIN = { left: 64, bottom: 40, top: 8, right: 10 }; // pixels round the scatter

function shade(value) {
  if (Number.isNaN(value)) return [190, 190, 190];
  const end = value > 0 ? RED : BLUE;
  const share = Math.sqrt(Math.min(1, Math.abs(value))); // weak pairs are many: they shall be seen
  return MIDDLE.map((m, k) => m + (end[k] - m) * share);
}

class Matrix {
  constructor(parent, { columns, groups }, cells, choose) {
    Object.assign(this, { columns, groups, cells, choose, size: columns.length, cell: [0, 0] });
    this.image = element("canvas", "", null);
    this.image.width = this.image.height = this.size;
    const pen = this.image.getContext("2d");
    const pixels = pen.createImageData(this.size, this.size);
    cells.forEach((value, k) => pixels.data.set([...shade(value), 255], 4 * k));
    pen.putImageData(pixels, 0, 0);
    this.canvas = element("canvas", "vx-matrix", parent, {
      tabindex: "0", role: "application", "aria-label": "correlations; arrows choose a pair",
    });
    this.canvas.addEventListener("click", (event) => {
      const cell = this.cellAt(event);
      if (cell) choose(...cell);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      const cell = this.cellAt(event);
      this.canvas.title = cell ? this.text(...cell) : "";
    });
    this.canvas.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
      if (!step) return;
      event.preventDefault();
      choose(...step.map((move, k) => Math.min(this.size - 1, Math.max(0, this.cell[k] + move))));
    });
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(this.canvas);
  }

  text(row, column) {
    const value = this.cells[row * this.size + column];
    const said = Number.isNaN(value) ? "constant" : value.toFixed(2);
    return `${this.columns[row]} · ${this.columns[column]}: ${said}`;
  }

  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const side = this.side();
    const [column, row] = [event.clientX - box.left - this.edge, event.clientY - box.top].map((v) => Math.floor((v / side) * this.size));
    return row >= 0 && column >= 0 && row < this.size && column < this.size ? [row, column] : null;
  }

  get edge() {
    return Math.min(110, this.canvas.clientWidth * 0.24);
  }

  side() {
    return this.canvas.clientWidth - this.edge - 4;
  }

  paint(cell = this.cell) {
    this.cell = cell;
    const [pen] = surface(this.canvas);
    const css = getComputedStyle(this.canvas);
    const [side, edge] = [this.side(), this.edge];
    const unit = side / this.size;
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.image, edge, 0, side, side);
    pen.font = `11px ${css.fontFamily}`;
    pen.fillStyle = pen.strokeStyle = css.getPropertyValue("--vx-faint");
    let free = 0; // labels do not run over each other
    for (const { name, start, stop } of this.groups) {
      const [from, to] = [start * unit, stop * unit];
      pen.globalAlpha = 0.35;
      pen.strokeRect(edge, from, side, 0);
      pen.strokeRect(edge + from, 0, 0, side);
      pen.globalAlpha = 1;
      const middle = (from + to) / 2 + 4;
      if (middle < free) continue;
      free = middle + 11;
      pen.textAlign = "right";
      pen.fillText(name, edge - 5, middle, edge - 8);
    }
    const [row, column] = cell;
    pen.strokeStyle = css.color;
    pen.lineWidth = 2;
    const wide = Math.max(unit, 6);
    pen.strokeRect(edge + (column + 0.5) * unit - wide / 2, (row + 0.5) * unit - wide / 2, wide, wide);
    pen.lineWidth = 1;
  }
}

class Scatter {
  constructor(parent) {
    this.title = element("p", "vx-pair", parent, { role: "status" });
    this.canvas = element("canvas", "vx-scatter", parent, { role: "img" });
    this.canvas.addEventListener("pointermove", (event) => (this.canvas.title = this.nameAt(event)));
    this.observer = new ResizeObserver(() => this.paint());
    this.observer.observe(this.canvas);
  }

  show(message) {
    this.shown = message;
    const value = message.value === null ? "constant" : message.value.toFixed(2).replace("-", "−");
    this.title.textContent = `${message.first} · ${message.second}: ${value}`;
    this.canvas.setAttribute("aria-label", `${message.names.length} presets: ${this.title.textContent}`);
    this.paint();
  }

  pixel(k) {
    const { x, y } = this.shown;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    return [
      MARGIN.left + x.at[k] * (width - MARGIN.left - MARGIN.right),
      height - MARGIN.bottom - y.at[k] * (height - MARGIN.bottom - MARGIN.top),
    ];
  }

  nameAt(event) {
    if (!this.shown) return "";
    const box = this.canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let [best, name] = [8, ""];
    this.shown.names.forEach((candidate, k) => {
      const [x, y] = this.pixel(k);
      const off = Math.hypot(x - px, y - py);
      if (off < best) [best, name] = [off, candidate];
    });
    return name;
  }

  paint() {
    if (!this.shown) return;
    const [pen, width, height] = surface(this.canvas);
    const css = getComputedStyle(this.canvas);
    const { x, y, first, second, names } = this.shown;
    pen.font = `11px ${css.fontFamily}`;
    pen.fillStyle = css.getPropertyValue("--vx-faint");
    pen.strokeStyle = css.getPropertyValue("--vx-line");
    pen.strokeRect(MARGIN.left, MARGIN.top, width - MARGIN.left - MARGIN.right, height - MARGIN.bottom - MARGIN.top);
    const [right, down] = [width - MARGIN.left - MARGIN.right, height - MARGIN.bottom - MARGIN.top];
    pen.textAlign = "right";
    for (const [at, text] of y.ticks) pen.fillText(text, MARGIN.left - 4, height - MARGIN.bottom - at * down + 4, MARGIN.left - 6);
    x.ticks.forEach(([at, text], k) => {
      if (k % 2) return; // every other one, so that they fit
      pen.textAlign = at < 0.1 ? "left" : at > 0.9 ? "right" : "center";
      pen.fillText(text, MARGIN.left + at * right, height - MARGIN.bottom + 14);
    });
    pen.fillStyle = css.color;
    pen.textAlign = "right";
    pen.fillText(`${first} →`, width - MARGIN.right, height - 6, width);
    pen.textAlign = "left";
    pen.fillText(`↑ ${second}`, MARGIN.left + 5, MARGIN.top + 13, right - 8);
    pen.fillStyle = COLOURS[0];
    pen.globalAlpha = names.length > 200 ? 0.4 : 0.75;
    names.forEach((_, k) => {
      pen.beginPath();
      pen.arc(...this.pixel(k), names.length > 200 ? 2.5 : 3.5, 0, 7);
      pen.fill();
    });
    pen.globalAlpha = 1;
  }
}

function build(root, message, cells, send) {
  root.replaceChildren();
  const head = element("p", "vx-heading", root);
  head.textContent = `${message.method}, ${message.count} presets, ${message.columns.length} numbers`;
  const scale = element("span", "vx-scale", head, { "aria-hidden": "true" });
  scale.textContent = "−1 … +1";
  const body = element("div", "vx-heat-body", root);
  const left = element("div", "vx-left", body);
  const right = element("div", "vx-right", body);
  const choose = (row, column) => {
    matrix.paint([row, column]);
    send({ type: "cell", row, column });
  };
  const matrix = new Matrix(left, message, cells, choose);
  const picks = [0, 1].map((k) => {
    const pick = element("select", "vx-pick", right, { "aria-label": k ? "second parameter" : "first parameter" });
    message.columns.forEach((column, place) => (element("option", "", pick, { value: place }).textContent = column));
    pick.addEventListener("change", () => choose(...picks.map((each) => Number(each.value))));
    return pick;
  });
  const scatter = new Scatter(right);
  return {
    scatter(found) {
      matrix.paint([found.row, found.column]);
      [picks[0].value, picks[1].value] = [found.row, found.column];
      scatter.show(found);
    },
    close: () => [matrix, scatter].forEach((part) => part.observer.disconnect()),
  };
}

function render({ model, el }) {
  const root = element("div", "vx-heat", el, { "data-lm-suppress-shortcuts": "true" });
  let page = null;
  const listen = (message, buffers) => {
    if (message.type === "matrix") {
      page?.close();
      const view = buffers[0];
      const bytes = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength); // floats lie on multiples of 4
      page = build(root, message, new Float32Array(bytes), (content) => deliver(model, content));
    } else if (message.type === "scatter") page?.scatter(message);
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
