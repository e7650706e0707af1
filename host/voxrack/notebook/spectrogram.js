// Spectrograms of two takes, one under the other on the player's timeline and on one scale: what differs in the pictures
// differs in the sound. They are made a few columns a frame, so neither sound nor sliders wait for them.

const [SIZE, COLUMNS, ROWS, DEPTH] = [2048, 640, 112, 80]; // samples of a window; columns; rows; dB from bright to dark
const [BASS, TREBLE, BUDGET] = [40, 16000, 5]; // Hz, Hz, ms of a frame that are spent on it
const MAGMA = [
  [0, 0, 4], [28, 16, 68], [79, 18, 123], [129, 37, 129], [181, 54, 122], [229, 80, 100], [251, 135, 97], [254, 194, 135],
  [252, 253, 191],
]; // told apart by the colour-blind, and in grey

/** In-place Fourier transform of SIZE complex numbers, radix 2. */
const transform = (() => {
  const cos = Float64Array.from({ length: SIZE / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / SIZE));
  const sin = Float64Array.from({ length: SIZE / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / SIZE));
  const bits = Math.log2(SIZE);
  const mirrored = Uint16Array.from({ length: SIZE }, (_, k) => {
    let out = 0;
    for (let b = 0; b < bits; b++) out |= ((k >> b) & 1) << (bits - 1 - b);
    return out;
  });
  return (re, im) => {
    for (let k = 0; k < SIZE; k++) {
      const other = mirrored[k];
      if (other > k) {
        [re[k], re[other]] = [re[other], re[k]];
        [im[k], im[other]] = [im[other], im[k]];
      }
    }
    for (let half = 1; half < SIZE; half *= 2) {
      const step = SIZE / (2 * half);
      for (let start = 0; start < SIZE; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const [a, b, c, s] = [start + k, start + k + half, cos[k * step], sin[k * step]];
          const x = re[b] * c + im[b] * s;
          const y = im[b] * c - re[b] * s;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
  };
})();

const WINDOW = Float64Array.from({ length: SIZE }, (_, k) => 0.5 - 0.5 * Math.cos((2 * Math.PI * k) / SIZE)); // Hann
const topOf = (rate) => Math.min(TREBLE, rate / 2);
const hertzOf = (row, top) => BASS * (top / BASS) ** (row / ROWS); // lower edge of a row; row 0 is the lowest

/** Levels in dBFS (a sine at full scale is 0) of one take over time and logarithmic frequency. */
class Spectrogram {
  constructor(take, duration, top) {
    Object.assign(this, { take, duration, top, column: 0, loudest: -Infinity, painted: null });
    this.levels = new Float32Array(COLUMNS * ROWS).fill(-200);
    this.parts = [new Float64Array(SIZE), new Float64Array(SIZE)]; // the transform of one channel, or of both at once
    this.power = new Float64Array(SIZE / 2);
    const bin = take.rate / SIZE;
    this.edges = Float64Array.from({ length: ROWS + 1 }, (_, row) => hertzOf(row, top) / bin);
  }

  get done() {
    return this.column >= COLUMNS;
  }

  goOn(until) {
    while (!this.done && performance.now() < until) this.make(this.column++);
    if (this.done) this.parts = this.power = null;
  }

  make(column) {
    const { take, parts, power, edges } = this;
    const middle = ((column + 0.5) / COLUMNS) * this.duration * take.rate;
    const start = Math.round(middle) - SIZE / 2;
    if (middle >= take.frames) return; // this take is shorter than the longest
    const count = Math.min(2, take.channels.length);
    for (let c = 0; c < 2; c++) {
      const samples = take.channels[c];
      for (let k = 0; k < SIZE; k++) parts[c][k] = c < count ? (samples[start + k] ?? 0) * WINDOW[k] : 0;
    }
    transform(...parts);
    const [re, im] = parts;
    const scale = 1 / (2 * count * (SIZE / 4) ** 2); // the window's sum is SIZE / 2, a sine's line half of that
    for (let k = 1; k < SIZE / 2; k++) {
      const other = SIZE - k; // left and right went in as real and imaginary part: both lines together hold both powers
      power[k] = scale * (re[k] ** 2 + im[k] ** 2 + re[other] ** 2 + im[other] ** 2);
    }
    for (let row = 0; row < ROWS; row++) {
      const [low, high] = [edges[row], Math.min(edges[row + 1], SIZE / 2 - 1)];
      const first = Math.floor(low);
      let found = power[first] + (low - first) * ((power[first + 1] ?? 0) - power[first]); // between two bins
      for (let k = Math.ceil(low); k < high; k++) found = Math.max(found, power[k]);
      const level = 10 * Math.log10(found + 1e-20);
      this.levels[row * COLUMNS + column] = level;
      if (level > this.loudest) this.loudest = level;
    }
  }

  /** The picture where ``brightest`` dB get the brightest colour. */
  picture(brightest) {
    if (this.painted?.brightest === brightest) return this.painted.canvas;
    const canvas = this.painted?.canvas ?? Object.assign(document.createElement("canvas"), { width: COLUMNS, height: ROWS });
    const pen = canvas.getContext("2d");
    const image = pen.createImageData(COLUMNS, ROWS);
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < COLUMNS; column++) {
        const share = 1 + (this.levels[row * COLUMNS + column] - brightest) / DEPTH;
        const place = Math.min(1, Math.max(0, share)) * (MAGMA.length - 1);
        const below = Math.min(MAGMA.length - 2, Math.floor(place));
        const at = 4 * ((ROWS - 1 - row) * COLUMNS + column);
        for (let c = 0; c < 3; c++) {
          image.data[at + c] = MAGMA[below][c] + (place - below) * (MAGMA[below + 1][c] - MAGMA[below][c]);
        }
        image.data[at + 3] = 255;
      }
    }
    pen.putImageData(image, 0, 0);
    this.painted = { canvas, brightest };
    return canvas;
  }
}

/** The first take, and of the others the one that was heard last; while a new take is looked into, the old is shown. */
class SpectrogramPair {
  constructor(parent, engine) {
    this.engine = engine;
    this.root = element("div", "vx-spectrograms", parent);
    this.canvases = ["first", "second"].map(() => element("canvas", "vx-spectrogram", this.root, { role: "img" }));
    for (const canvas of this.canvases) {
      canvas.title = "click: seek";
      canvas.addEventListener("click", (event) => {
        const box = canvas.getBoundingClientRect();
        engine.seek(((event.clientX - box.left) / box.width) * engine.state.duration);
      });
    }
    this.ready = new Map(); // take name -> its latest whole spectrogram
    this.making = new Map(); // take name -> the one that is being made
    this.other = "";
    this.frame = 0;
  }

  shown() {
    const { takes, active } = this.engine.state;
    const names = takes.map((take) => take.name);
    if (active !== names[0]) this.other = active;
    if (!names.includes(this.other) || this.other === names[0]) this.other = names[1] ?? "";
    return takes.filter(({ name }, k) => k === 0 || name === this.other);
  }

  /** Draw what is ready, and see to what is not. */
  draw(style) {
    const { state, takes } = this.engine;
    this.root.hidden = !state.spectrogram || !state.duration;
    if (this.root.hidden) return;
    const entries = this.shown();
    const top = Math.min(...entries.map(({ name }) => topOf(takes.get(name)?.rate ?? 2 * TREBLE)));
    for (const { name } of entries) this.want(name, takes.get(name), top);
    for (const name of this.ready.keys()) if (!takes.has(name)) this.ready.delete(name);
    const gains = entries.map(({ gain }) => (state.matched ? gain : 0));
    const loudest = entries.map(({ name }, k) => (this.ready.get(name)?.loudest ?? -Infinity) + gains[k]);
    const brightest = 5 * Math.ceil(Math.max(-60, ...loudest) / 5);
    this.canvases.forEach((canvas, k) => {
      canvas.hidden = k >= entries.length;
      if (!canvas.hidden) this.paint(canvas, entries[k], brightest - gains[k], top, style);
    });
    if (this.making.size && !this.frame) this.frame = requestAnimationFrame(() => this.work(style));
  }

  want(name, take, top) {
    const { duration } = this.engine.state;
    const fits = (one) => one && one.take === take && one.duration === duration && one.top === top;
    if (!take || fits(this.making.get(name))) return;
    if (fits(this.ready.get(name))) this.making.delete(name);
    else this.making.set(name, new Spectrogram(take, duration, top));
  }

  work(style) {
    const until = performance.now() + BUDGET;
    const wanted = this.shown().map(({ name }) => name);
    for (const [name, one] of [...this.making]) {
      if (!wanted.includes(name)) this.making.delete(name);
      else one.goOn(until);
      if (!one.done) continue;
      this.making.delete(name);
      this.ready.set(name, one);
    }
    this.frame = 0;
    this.draw(style);
  }

  paint(canvas, { name }, brightest, top, style) {
    const [pen, width, height] = surface(canvas);
    const { state } = this.engine;
    const index = state.takes.findIndex((take) => take.name === name);
    const found = this.ready.get(name);
    canvas.dataset.take = name;
    canvas.dataset.current = !!found && found.take === this.engine.takes.get(name); // else it is still being looked into
    canvas.setAttribute("aria-label", `spectrogram of the take ${name}`);
    pen.fillStyle = `rgb(${MAGMA[0]})`;
    pen.fillRect(0, 0, width, height);
    if (found) pen.drawImage(found.picture(brightest), 0, 0, width, height);
    pen.font = "10px " + style.font;
    pen.fillStyle = "rgba(255, 255, 255, 0.75)";
    for (const hertz of [100, 1000, 10000].filter((hertz) => hertz < top)) {
      const y = height * (1 - Math.log(hertz / BASS) / Math.log(top / BASS));
      pen.fillRect(0, y, 5, 1);
      pen.fillText(hertz < 1000 ? `${hertz} Hz` : `${hertz / 1000} kHz`, 8, y + 3);
    }
    pen.font = `${name === state.active ? "bold " : ""}11px ${style.font}`;
    const wide = pen.measureText(name).width;
    pen.fillStyle = COLOURS[index % COLOURS.length];
    pen.fillRect(width - wide - 22, 6, 8, 8);
    pen.fillStyle = "#fff";
    pen.fillText(name, width - wide - 10, 14);
    pen.fillRect((this.engine.position() / state.duration) * width - 0.75, 0, 1.5, height);
  }

  close() {
    cancelAnimationFrame(this.frame);
  }
}
