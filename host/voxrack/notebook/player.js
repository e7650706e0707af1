// A/B player. `Engine` sounds (one per widget model, shared by all its views), `render` draws one view.
// Messages from Python: take (float32 samples, channel after channel, in buffers[0]), state, transport, note.
// Messages to Python: ready, choose, match, region, volume. A click takes effect here at once and is only reported.

const FADE = 0.02; // seconds of every crossfade; linear, because takes of one performance are correlated
const AHEAD = 0.01; // seconds between deciding and sounding, so that all sources start on the same sample
const SHORTEST_LOOP = 0.05; // seconds
const COLOURS = ["#3b82d6", "#e07b1a", "#12a07a", "#c46aa5", "#b9a415", "#7a6ee0"]; // told apart by the colour-blind too

const engines = (window.__voxrack_players ??= {}); // by player id; tests read spectra here
let sharedContext = null;

/** One audio context for the page: browsers allow only a few. */
function audioContext() {
  sharedContext = window.__voxrack_audio ??= new AudioContext({ latencyHint: "interactive" });
  return sharedContext;
}

const decibels = (db) => 10 ** (db / 20);

/** Takes on one timeline: looped sources started together, each behind its own gain; one gain is open. */
class Engine extends EventTarget {
  constructor(send) {
    super();
    this.send = send;
    this.takes = new Map(); // name -> {rate, frames, channels: [Float32Array], buffer, peaks, mean}
    this.state = { takes: [], active: "", matched: true, volume: 0.5, region: null, duration: 0 };
    this.note = { text: "", level: "info" };
    this.voices = new Map(); // name -> {source, gain, ramp}
    this.playing = false;
    this.anchor = { time: 0, offset: 0 }; // timeline position `offset` sounds at context time `time`
    this.previous = ""; // the take heard before this one
    this.swaps = []; // when replaced takes began to sound, for measurements
  }

  // ---- messages ------------------------------------------------------------------------------
  receive(message, buffers) {
    if (message.type === "take") this.put(message, buffers[0]);
    else if (message.type === "state") this.adopt(message.state, true);
    else if (message.type === "note") this.note = { text: message.text, level: message.level };
    else if (message.type === "transport") {
      if (message.action === "play") this.play();
      if (message.action === "pause") this.pause();
      if (message.action === "seek") this.seek(message.position);
    }
    this.changed();
  }

  put({ name, sample_rate: rate, channels: count, frames, state }, data) {
    const bytes = data.buffer ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data;
    const samples = new Float32Array(bytes);
    const channels = Array.from({ length: count }, (_, c) => samples.subarray(c * frames, (c + 1) * frames));
    this.takes.set(name, { rate, frames, channels, buffer: null, peaks: null, mean: null });
    const longer = state.duration !== this.state.duration;
    this.adopt(state, false);
    if (!this.playing) return;
    if (longer) this.restart(this.position());
    else {
      const when = audioContext().currentTime + AHEAD;
      this.silence(name, when);
      this.sound(name, when, this.position(when));
      this.swaps.push({ name, at: performance.now(), when });
      if (this.swaps.length > 200) this.swaps.shift();
    }
  }

  /** Take over Python's state; what the user chose on the page stays unless Python asks for it. */
  adopt(state, everything) {
    const [before, position] = [this.state, this.position()];
    this.state = everything || !before.takes.length ? state : { ...before, takes: state.takes, duration: state.duration };
    const names = state.takes.map((take) => take.name);
    for (const name of [...this.takes.keys()]) {
      if (names.includes(name)) continue;
      this.takes.delete(name);
      this.silence(name, audioContext().currentTime + AHEAD);
    }
    if (!names.includes(this.state.active)) this.state.active = state.active;
    if (this.state.region && this.state.region[1] > state.duration) this.state.region = state.region;
    if (this.playing && String(before.region) !== String(this.state.region)) this.restart(position);
    else this.balance();
  }

  // ---- time ----------------------------------------------------------------------------------
  /** What is looped, in seconds: the region, or everything. */
  span() {
    return this.state.region ?? [0, this.state.duration];
  }

  inside(position) {
    const [start, end] = this.span();
    return position >= start && position < end ? position : start;
  }

  position(time = this.playing ? audioContext().currentTime : this.anchor.time) {
    const [start, end] = this.span();
    const linear = this.anchor.offset + Math.max(0, time - this.anchor.time);
    return linear < end || end <= start ? linear : start + ((linear - start) % (end - start));
  }

  async play() {
    if (!this.takes.size || this.playing) return;
    const context = audioContext();
    if (context.state !== "running") await context.resume();
    this.playing = true;
    this.restart(this.anchor.offset);
    this.changed();
  }

  pause() {
    if (!this.playing) return;
    const now = audioContext().currentTime;
    this.anchor = { time: 0, offset: this.position(now) };
    this.playing = false;
    for (const name of [...this.voices.keys()]) this.silence(name, now + AHEAD);
    this.changed();
  }

  seek(position) {
    if (this.playing) this.restart(position);
    else this.anchor = { time: 0, offset: this.inside(position) };
    this.changed();
  }

  /** Sound everything from `position`, fading out what sounded before. */
  restart(position) {
    const when = audioContext().currentTime + AHEAD;
    for (const name of [...this.voices.keys()]) this.silence(name, when);
    this.anchor = { time: when, offset: this.inside(position) };
    for (const name of this.takes.keys()) this.sound(name, when, this.anchor.offset);
  }

  // ---- sound ---------------------------------------------------------------------------------
  output() {
    if (!this.master) {
      const context = audioContext();
      this.master = context.createGain();
      this.analyser = context.createAnalyser();
      this.analyser.fftSize = 4096;
      this.analyser.smoothingTimeConstant = 0.75;
      this.master.gain.value = this.state.volume;
      this.master.connect(this.analyser).connect(context.destination);
    }
    return this.master;
  }

  /** The take's buffer, padded with silence to the longest take so that all loop alike. */
  bufferOf(take) {
    const frames = Math.max(take.frames, Math.ceil(this.state.duration * take.rate - 1e-6));
    if (take.buffer?.length !== frames) {
      take.buffer = audioContext().createBuffer(take.channels.length, frames, take.rate);
      take.channels.forEach((samples, c) => take.buffer.copyToChannel(samples, c));
    }
    return take.buffer;
  }

  levelOf(name) {
    if (name !== this.state.active) return 0;
    const entry = this.state.takes.find((take) => take.name === name);
    return this.state.matched && entry ? decibels(entry.gain) : 1;
  }

  sound(name, when, offset) {
    const context = audioContext();
    const source = context.createBufferSource();
    source.buffer = this.bufferOf(this.takes.get(name));
    source.loop = true;
    [source.loopStart, source.loopEnd] = this.span();
    const gain = context.createGain();
    gain.gain.setValueAtTime(0, 0);
    source.connect(gain).connect(this.output());
    source.start(when, offset);
    const voice = { source, gain, ramp: { from: 0, to: 0, start: 0, end: 0 } };
    this.voices.set(name, voice);
    this.fade(voice, this.levelOf(name), when);
  }

  silence(name, when) {
    const voice = this.voices.get(name);
    if (!voice) return;
    this.voices.delete(name);
    this.fade(voice, 0, when);
    voice.source.stop(when + FADE + 0.005);
    voice.source.onended = () => voice.gain.disconnect();
  }

  /** Linear ramp of FADE seconds from wherever an unfinished ramp has got to: no step, no click. */
  fade(voice, target, when) {
    const { from, to, start, end } = voice.ramp;
    const reached = when >= end ? to : from + ((to - from) * Math.max(0, when - start)) / (end - start);
    const level = voice.gain.gain;
    level.cancelScheduledValues(when);
    level.linearRampToValueAtTime(reached, when);
    level.linearRampToValueAtTime(target, when + FADE);
    voice.ramp = { from: reached, to: target, start: when, end: when + FADE };
  }

  /** Bring every gain to where the state wants it. */
  balance() {
    if (!this.master) return;
    const when = audioContext().currentTime + AHEAD;
    for (const [name, voice] of this.voices) {
      if (voice.ramp.to !== this.levelOf(name)) this.fade(voice, this.levelOf(name), when);
    }
    this.master.gain.setTargetAtTime(this.state.volume, when, FADE / 4);
  }

  // ---- what the user does --------------------------------------------------------------------
  choose(name) {
    if (!this.takes.has(name) || name === this.state.active) return;
    this.previous = this.state.active;
    this.state.active = name;
    this.balance();
    this.report({ type: "choose", name });
  }

  match(on) {
    this.state.matched = on;
    this.balance();
    this.report({ type: "match", on });
  }

  volume(value) {
    this.state.volume = value;
    this.balance();
    this.report({ type: "volume", value });
  }

  loop(region) {
    const position = this.position();
    this.state.region = region && region[1] - region[0] >= SHORTEST_LOOP ? region : null;
    this.seek(position);
    this.report({ type: "region", region: this.state.region });
  }

  report(message) {
    this.send(message);
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  close() {
    this.pause();
    this.master?.disconnect();
    this.analyser?.disconnect();
  }
}

// ---- pictures --------------------------------------------------------------------------------
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

/** Lowest and highest sample under each of `columns` pixels of the timeline. */
function peaksOf(take, duration, columns) {
  if (take.peaks?.columns === columns && take.peaks.duration === duration) return take.peaks;
  const [low, high] = [new Float32Array(columns), new Float32Array(columns)];
  for (let x = 0; x < columns; x++) {
    const start = Math.floor((x / columns) * duration * take.rate);
    const end = Math.min(take.frames, Math.max(start + 1, Math.floor(((x + 1) / columns) * duration * take.rate)));
    for (const samples of take.channels) {
      for (let n = start; n < end; n++) {
        if (samples[n] < low[x]) low[x] = samples[n];
        if (samples[n] > high[x]) high[x] = samples[n];
      }
    }
  }
  take.peaks = { columns, duration, low, high };
  return take.peaks;
}

function drawWave(canvas, engine, style) {
  const [pen, width, height] = surface(canvas);
  const { duration, active, takes, region, matched } = engine.state;
  const [middle, half] = [(height - 16) / 2, (height - 20) / 2];
  if (!duration || width < 2) return;
  const toX = (seconds) => (seconds / duration) * width;

  pen.font = "10px " + style.font;
  pen.fillStyle = style.faint;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((s) => toX(s) > 55) ?? 1200;
  for (let t = 0; t < duration; t += step) {
    pen.globalAlpha = 0.35;
    pen.fillRect(toX(t), 0, 1, height - 12);
    pen.globalAlpha = 1;
    pen.fillText(step < 1 ? t.toFixed(1) : clock(t, 0), toX(t) + 3, height - 3);
  }
  if (region) {
    pen.fillStyle = style.loop;
    pen.fillRect(toX(region[0]), 0, toX(region[1] - region[0]), height - 14);
  }
  // the heard take lies on top, the others show as shadows behind it
  const order = takes.map((take, k) => [take, k]).sort(([a], [b]) => (a.name === active) - (b.name === active));
  for (const [entry, k] of order) {
    const take = engine.takes.get(entry.name);
    if (!take) continue;
    const { low, high } = peaksOf(take, duration, Math.floor(width));
    const gain = (matched ? decibels(entry.gain) : 1) * half;
    pen.fillStyle = COLOURS[k % COLOURS.length];
    pen.globalAlpha = entry.name === active ? 0.9 : 0.22;
    for (let x = 0; x < low.length; x++) {
      const top = Math.max(-half, -high[x] * gain);
      const bottom = Math.min(half, -low[x] * gain);
      pen.fillRect(x, middle + top, 1, Math.max(1, bottom - top));
    }
  }
  pen.globalAlpha = 1;
  pen.fillStyle = style.text;
  const x = toX(engine.position());
  pen.fillRect(x - 0.75, 0, 1.5, height - 14);
  pen.beginPath();
  pen.moveTo(x - 5, 0);
  pen.lineTo(x + 5, 0);
  pen.lineTo(x, 6);
  pen.fill();
}

const [LOWEST, HIGHEST, FLOOR] = [30, 18000, -96]; // Hz, Hz, dB
function drawSpectrum(canvas, engine, style, bins) {
  const [pen, width, height] = surface(canvas);
  const toX = (hertz) => (Math.log(hertz / LOWEST) / Math.log(HIGHEST / LOWEST)) * width;
  const toY = (db) => Math.min(height, Math.max(0, (db / FLOOR) * (height - 14)));
  pen.font = "10px " + style.font;
  for (const hertz of [50, 100, 200, 500, 1000, 2000, 5000, 10000]) {
    pen.fillStyle = style.faint;
    pen.globalAlpha = 0.35;
    pen.fillRect(toX(hertz), 0, 1, height - 14);
    pen.globalAlpha = 1;
    if ([100, 1000, 10000].includes(hertz)) pen.fillText(hertz < 1000 ? hertz : hertz / 1000 + "k", toX(hertz) + 3, height - 3);
  }
  pen.fillText("dB", 3, 10);
  if (!engine.analyser) return;
  engine.analyser.getFloatFrequencyData(bins);
  const take = engine.takes.get(engine.state.active);
  if (engine.playing && take) {
    take.mean ??= Float32Array.from(bins);
    for (let b = 0; b < bins.length; b++) take.mean[b] += 0.03 * (Math.max(bins[b], FLOOR - 20) - take.mean[b]);
  }
  const width1 = audioContext().sampleRate / engine.analyser.fftSize; // Hz per bin
  const trace = (levels) => {
    pen.beginPath();
    for (let x = 0; x <= width; x += 2) {
      const from = LOWEST * (HIGHEST / LOWEST) ** (x / width);
      const upto = LOWEST * (HIGHEST / LOWEST) ** ((x + 2) / width);
      let top = -Infinity;
      const first = Math.max(1, Math.floor(from / width1));
      for (let b = first; b <= Math.max(first, Math.floor(upto / width1)); b++) top = Math.max(top, levels[b] ?? FLOOR);
      x ? pen.lineTo(x, toY(Math.max(top, FLOOR))) : pen.moveTo(x, toY(Math.max(top, FLOOR)));
    }
  };
  engine.state.takes.forEach(({ name }, k) => {
    const colour = COLOURS[k % COLOURS.length];
    const mean = engine.takes.get(name)?.mean;
    pen.strokeStyle = pen.fillStyle = colour;
    if (name === engine.state.active && engine.playing) {
      trace(bins);
      pen.lineTo(width, height - 14);
      pen.lineTo(0, height - 14);
      pen.globalAlpha = 0.3;
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.lineWidth = name === engine.state.active ? 1.6 : 1;
    if (mean) trace(mean), pen.stroke();
  });
}

// ---- view ------------------------------------------------------------------------------------
const clock = (seconds, digits = 2) =>
  `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;

const signed = (db) => (db >= 0 ? "+" : "−") + Math.abs(db).toFixed(1);

function element(tag, className, parent, attributes = {}) {
  const node = document.createElement(tag);
  node.className = className;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  parent?.append(node);
  return node;
}

function initialize({ model }) {
  const engine = new Engine((message) => model.send(message));
  engines[model.get("player_id")] = engine;
  const listen = (message, buffers) => engine.receive(message, buffers);
  model.on("msg:custom", listen);
  model.send({ type: "ready" });
  return () => {
    model.off("msg:custom", listen);
    engine.close();
    delete engines[model.get("player_id")];
  };
}

function render({ model, el }) {
  const engine = engines[model.get("player_id")];
  // Lab's own keyboard shortcuts stay out of the player while it has the focus
  const root = element("div", "vx-player", el, { tabindex: "0", "data-lm-suppress-shortcuts": "true" });
  root.setAttribute("aria-label", "A/B player: space plays, digits choose a take, arrows seek, L clears the loop");
  const bar = element("div", "vx-bar", root);
  const play = element("button", "vx-play", bar, { "aria-label": "play or pause", title: "play or pause (space)" });
  const time = element("span", "vx-time", bar);
  const chips = element("div", "vx-takes", bar, { role: "radiogroup", "aria-label": "take that is heard" });
  const match = element("button", "vx-match", bar, { title: "play all takes equally loud (M)" });
  match.textContent = "match loudness";
  const volume = element("input", "vx-volume", bar, { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "volume" });
  const screen = element("div", "vx-screen", root);
  const wave = element("canvas", "vx-wave", screen, { title: "click: seek · drag: loop · double-click: no loop" });
  const spectrum = element("canvas", "vx-spectrum", screen, { title: "spectrum heard now (filled) and averaged (lines)" });
  const foot = element("div", "vx-foot", root);
  const note = element("span", "vx-note", foot, { role: "status" });
  element("span", "vx-keys", foot).textContent = "space play · 1–9 take · X back · ←→ seek · drag to loop · L no loop";
  const bins = new Float32Array(2048);
  let shown = ""; // names, so that chips are rebuilt only when takes come or go

  const update = () => {
    const { takes, active, matched, region } = engine.state;
    play.textContent = engine.playing ? "❚❚" : "▶";
    play.disabled = !takes.length;
    const names = JSON.stringify(takes.map((take) => take.name));
    if (names !== shown) {
      shown = names;
      chips.replaceChildren();
      takes.forEach(({ name }, k) => {
        const chip = element("button", "vx-take", chips, { role: "radio", "data-take": name });
        chip.style.setProperty("--vx-colour", COLOURS[k % COLOURS.length]);
        element("b", "", chip).textContent = name;
        element("small", "", chip);
        chip.addEventListener("click", () => engine.choose(name));
      });
    }
    takes.forEach((take, k) => {
      const chip = chips.children[k];
      const loud = take.loudness === null ? "silent" : `${signed(take.loudness)} LUFS`;
      chip.querySelector("small").textContent = loud + (matched && Math.abs(take.gain) >= 0.05 ? ` → ${signed(take.gain)} dB` : "");
      chip.title = [`press ${k + 1}`, take.peak === null ? "" : `peak ${signed(take.peak)} dBFS`, take.note].filter(Boolean).join(" · ");
      chip.setAttribute("aria-checked", take.name === active);
      chip.classList.toggle("vx-over", !matched && take.peak > 0);
    });
    match.setAttribute("aria-pressed", matched);
    volume.value = Math.sqrt(engine.state.volume);
    volume.title = `volume ${signed(20 * Math.log10(Math.max(engine.state.volume, 1e-5)))} dB`;
    note.textContent = engine.note.text || (region ? `loop ${clock(region[0])} – ${clock(region[1])}` : "");
    note.classList.toggle("vx-error", engine.note.level === "error" && !!engine.note.text);
    draw();
  };

  const draw = () => {
    const css = getComputedStyle(root);
    const style = {
      font: css.fontFamily, text: css.color, faint: css.getPropertyValue("--vx-faint"), loop: css.getPropertyValue("--vx-loop"),
    };
    time.textContent = `${clock(engine.position())} / ${clock(engine.state.duration)}`;
    drawWave(wave, engine, style);
    drawSpectrum(spectrum, engine, style, bins);
  };
  let frame = 0;
  const animate = () => {
    if (engine.playing) draw();
    frame = requestAnimationFrame(animate);
  };

  play.addEventListener("click", () => (engine.playing ? engine.pause() : engine.play()));
  match.addEventListener("click", () => engine.match(!engine.state.matched));
  volume.addEventListener("input", () => engine.volume(Number(volume.value) ** 2));

  const seconds = (event) => {
    const box = wave.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * engine.state.duration;
  };
  let press = null; // where a drag began: {x, seconds}
  wave.addEventListener("pointerdown", (event) => {
    press = { x: event.clientX, seconds: seconds(event) };
    wave.setPointerCapture(event.pointerId);
    root.focus({ preventScroll: true });
  });
  wave.addEventListener("pointerup", (event) => {
    if (!press) return;
    const [start, end] = [press.seconds, seconds(event)].sort((a, b) => a - b);
    if (Math.abs(event.clientX - press.x) < 4) engine.seek(start);
    else engine.loop([start, end]);
    press = null;
  });
  wave.addEventListener("dblclick", () => engine.loop(null));

  const keys = {
    " ": () => (engine.playing ? engine.pause() : engine.play()),
    x: () => engine.choose(engine.previous),
    l: () => engine.loop(null),
    m: () => engine.match(!engine.state.matched),
    home: () => engine.seek(engine.span()[0]),
    arrowleft: (event) => engine.seek(Math.max(0, engine.position() - (event.shiftKey ? 0.1 : 1))),
    arrowright: (event) => engine.seek(Math.min(engine.state.duration, engine.position() + (event.shiftKey ? 0.1 : 1))),
  };
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === volume) return;
    const digit = engine.state.takes[Number(event.key) - 1];
    const action = digit ? () => engine.choose(digit.name) : keys[event.key.toLowerCase()];
    if (!action) return;
    action(event);
    event.preventDefault();
    event.stopPropagation();
  });

  engine.addEventListener("change", update);
  const resized = new ResizeObserver(draw);
  resized.observe(wave);
  update();
  frame = requestAnimationFrame(animate);
  return () => {
    cancelAnimationFrame(frame);
    resized.disconnect();
    engine.removeEventListener("change", update);
  };
}

export default { initialize, render };
