// Pictures of what a device does: a response, a gain curve, echoes, a decay. Python sends the numbers (voxrack.drawn).

const MARGINS = { left: 38, right: 10, top: 8, bottom: 26 }; // pixels round a picture, for its numbers and units

/** 20 Hz, 1k, 10k; -12, 0.5: as short as a tick can be. */
const tickText = (value) => {
  const size = Math.abs(value);
  const text = size >= 1000 ? `${Number((size / 1000).toPrecision(3))}k` : `${Number(size.toPrecision(3))}`;
  return value < 0 ? `−${text}` : text;
};

/** Round numbers between two ends, about `count` of them; powers of ten and their halves on a logarithmic axis. */
function ticksOf(low, high, count, log) {
  const ticks = [];
  if (log) {
    for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) {
      for (const step of [1, 2, 5]) if (step * decade >= low && step * decade <= high) ticks.push(step * decade);
    }
    return ticks;
  }
  const rough = (high - low) / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * unit).find((size) => size >= rough);
  for (let tick = Math.ceil(low / step - 1e-9) * step; tick <= high + 1e-9 * step; tick += step) ticks.push(Math.abs(tick) < 1e-9 * step ? 0 : tick);
  return ticks;
}

/** One picture: axes with their units, lines or bars, a legend where there is more than one line. */
class Shape {
  constructor(parent) {
    const figure = element("figure", "vx-shape", parent);
    this.caption = element("figcaption", "", figure);
    this.canvas = element("canvas", "", figure, { role: "img" });
    this.observer = new ResizeObserver(() => this.curve && this.paint());
    this.observer.observe(this.canvas);
  }

  show(curve) {
    this.curve = curve;
    const names = Object.keys(curve.lines);
    this.caption.replaceChildren();
    element("b", "", this.caption).textContent = curve.name;
    element("span", "vx-unit", this.caption).textContent = `${curve.y_label} (${curve.y_unit})`;
    if (names.length > 1) {
      names.forEach((name, k) => {
        const entry = element("span", "vx-line", this.caption);
        entry.style.setProperty("--vx-colour", this.colour(k));
        entry.textContent = name;
      });
    }
    this.canvas.dataset.curve = curve.name;
    this.canvas.setAttribute("aria-label", `${curve.name}: ${curve.y_label} in ${curve.y_unit} over ${curve.x_label} in ${curve.x_unit}`);
    this.paint();
  }

  colour(k) {
    return COLOURS[k % COLOURS.length];
  }

  paint() {
    const [pen, width, height] = surface(this.canvas);
    if (width < 80) return;
    const { x, lines, scale, y_range: least, bars } = this.curve;
    const css = getComputedStyle(this.canvas);
    const faint = css.getPropertyValue("--vx-faint");
    const log = scale === "log";
    const all = Object.values(lines).flat().filter((value) => value !== null);
    const [low, high] = [Math.min(least[0], ...all), Math.max(least[1], ...all)];
    const [first, last] = bars ? [0, x.at(-1) * 1.05] : [x[0], x.at(-1)];
    const along = (value) => (log ? Math.log(value / first) / Math.log(last / first) : (value - first) / (last - first));
    const toX = (value) => MARGINS.left + along(value) * (width - MARGINS.left - MARGINS.right);
    const toY = (value) => height - MARGINS.bottom - ((value - low) / (high - low)) * (height - MARGINS.top - MARGINS.bottom);
    pen.font = `10px ${css.fontFamily}`;
    pen.fillStyle = faint;
    pen.textAlign = "right";
    for (const tick of ticksOf(low, high, 4, false)) {
      pen.globalAlpha = tick === 0 ? 0.6 : 0.22;
      pen.fillRect(MARGINS.left, toY(tick), width - MARGINS.left - MARGINS.right, 1);
      pen.globalAlpha = 1;
      pen.fillText(tickText(tick), MARGINS.left - 4, toY(tick) + 3);
    }
    pen.textAlign = "center";
    let free = 0; // numbers do not run over each other
    const unit = pen.measureText(this.curve.x_unit).width + 8; // the axis' unit stands at its end
    for (const tick of ticksOf(first, last, 5, log)) {
      pen.globalAlpha = 0.22;
      pen.fillRect(toX(tick), MARGINS.top, 1, height - MARGINS.top - MARGINS.bottom);
      pen.globalAlpha = 1;
      const half = pen.measureText(tickText(tick)).width / 2 + 3;
      if (toX(tick) - half < free || toX(tick) + half > width - unit) continue;
      free = toX(tick) + half;
      pen.fillText(tickText(tick), toX(tick), height - MARGINS.bottom + 12);
    }
    pen.textAlign = "right";
    pen.fillText(this.curve.x_unit, width - 2, height - MARGINS.bottom + 12);
    Object.values(lines).forEach((values, k) => {
      pen.strokeStyle = pen.fillStyle = this.colour(k);
      pen.lineWidth = k ? 1.4 : 2;
      if (bars) return this.bars(pen, values, toX, toY, k);
      pen.beginPath();
      let down = false;
      values.forEach((value, at) => {
        if (value !== null) pen[down ? "lineTo" : "moveTo"](toX(x[at]), toY(value));
        down = value !== null;
      });
      pen.stroke();
    });
  }

  /** A bar for each point; those of several lines stand beside each other. */
  bars(pen, values, toX, toY, k) {
    const foot = this.canvas.clientHeight - MARGINS.bottom;
    values.forEach((value, at) => {
      if (value !== null) pen.fillRect(toX(this.curve.x[at]) - 2 + 4 * k, toY(value), 3, Math.max(1, foot - toY(value)));
    });
  }
}

/** The pictures of one strip; they are made once and follow. */
class Shapes {
  constructor(node) {
    this.node = node;
    this.shapes = [];
  }

  show(curves) {
    while (this.shapes.length < curves.length) this.shapes.push(new Shape(this.node));
    curves.forEach((curve, k) => this.shapes[k].show(curve));
  }

  close() {
    for (const shape of this.shapes) shape.observer.disconnect();
  }
}
