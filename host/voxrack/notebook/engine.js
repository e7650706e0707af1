// The sounding half of the A/B player: one engine per widget model, shared by all views of it.
// Messages from Python: take (float32 samples, channel after channel, in buffers[0]), piece (the frames of one that are
// heard next, ahead of the rest), state, transport, note.
// Messages to Python: ready, choose, match, spectrogram, region, volume, playhead (when it starts, stops or jumps).
// A click takes effect here at once and is only reported.
// The widget's module is page.js, this file, pictures.js and player.js joined.

const FADE = 0.02; // seconds of every crossfade; linear, because takes of one performance are correlated
const AHEAD = 0.01; // seconds between deciding and sounding, at least, so that all sources start on the same sample
const SHORTEST_LOOP = 0.05; // seconds
const MARGIN = 0.3; // seconds of a piece that must still be ahead, or the take itself is waited for
const LOUDEST = 10 ** (-1 / 20); // -1 dBFS: no take comes out of a player higher
const WAKE = 3000; // ms in which the browser opens its audio output, or is said not to

const engines = (window.__voxrack_players ??= {}); // by player id; tests read spectra here
/** One audio context for the page: browsers allow only a few. */
function audioContext() {
  return (window.__voxrack_audio ??= new AudioContext({ latencyHint: "interactive" }));
}

/** Channels of samples that came as one buffer, channel after channel. */
function planes(data, count, frames) {
  const samples = new Float32Array(data.buffer ? data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) : data);
  return Array.from({ length: count }, (_, c) => samples.subarray(c * frames, (c + 1) * frames));
}

const decibels = (db) => 10 ** (db / 20);

/** Where all players of the page meet. Together they may exceed what each keeps to: beyond 0.9 the sum is bent, never cut. */
function commonBus() {
  if (window.__voxrack_bus) return window.__voxrack_bus.input;
  const context = audioContext();
  const [bus, shaper] = [context.createGain(), context.createWaveShaper()];
  const [range, knee, top] = [8, 0.9, 0.98]; // the curve reaches from -range to range
  bus.gain.value = 1 / range;
  shaper.curve = Float32Array.from({ length: 16385 }, (_, k) => {
    const x = ((k - 8192) / 8192) * range;
    const size = Math.abs(x);
    return Math.sign(x) * (size <= knee ? size : knee + (top - knee) * Math.tanh((size - knee) / (top - knee)));
  });
  bus.connect(shaper).connect(context.destination);
  window.__voxrack_bus = { input: bus, output: shaper };
  return bus;
}

/** Wakes the page's audio output; returns what keeps it from sounding, empty where nothing does. */
async function awake() {
  let context;
  try {
    context = audioContext();
  } catch (error) {
    return `no sound: this browser has no audio output (${error.message})`;
  }
  if (context.state !== "running") {
    const late = new Promise((done) => setTimeout(done, WAKE));
    await Promise.race([context.resume().catch(() => late), late]);
  }
  if (context.state === "running") return "";
  return "no sound: the browser did not open an audio output; connect one, or allow this page to play, and press ▶ again";
}

/** Takes on one timeline: looped sources started together, each behind its own gain; one gain is open. */
class Engine extends EventTarget {
  constructor(send) {
    super();
    this.send = send;
    this.takes = new Map(); // name -> {rate, frames, channels: [Float32Array], buffer, peaks, mean}
    this.state = { takes: [], active: "", matched: true, spectrogram: false, volume: 0.5, region: null, duration: 0 };
    this.note = { text: "", level: "info" };
    this.voices = new Map(); // name -> {source, gain, ramp}
    this.playing = false;
    this.anchor = { time: 0, offset: 0 }; // timeline position `offset` sounds at context time `time`
    this.previous = ""; // the take heard before this one
    this.trouble = ""; // what keeps it from sounding
    this.swaps = 0; // how many takes were replaced while playing, and the latest: for measurements
    this.swap = null; // {name, at: performance.now(), when: context time}
  }

  // ---- messages ------------------------------------------------------------------------------
  receive(message, buffers) {
    if (message.type === "take") this.put(message, buffers[0]);
    else if (message.type === "piece") this.patch(message, buffers[0]);
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
    this.takes.set(name, { rate, frames, channels: planes(data, count, frames), buffer: null, peaks: null, mean: null });
    const longer = state.duration !== this.state.duration;
    this.adopt(state, false);
    if (!this.playing) return;
    if (longer) this.restart(this.position());
    else this.exchange(name);
  }

  /** What is heard next of a take that is on its way: laid over the old one, if the playhead is in it and stays a while. */
  patch({ name, sample_rate: rate, channels: count, frames, first, length, state }, data) {
    const old = this.takes.get(name);
    const here = this.position() * rate;
    const alike = old && old.rate === rate && old.frames === frames && old.channels.length === count;
    if (!alike || !this.playing || here < first || here > first + length - MARGIN * rate) return;
    const pieces = planes(data, count, length);
    const channels = old.channels.map((samples) => samples.slice());
    channels.forEach((samples, c) => samples.set(pieces[c], first));
    this.takes.set(name, { ...old, channels, buffer: null });
    this.adopt(state, false);
    this.exchange(name);
  }

  /** Fade from what sounds of a take to what it is now. */
  exchange(name) {
    const when = this.soon([name]);
    this.silence(name, when);
    this.sound(name, when, this.position(when));
    this.swaps += 1;
    this.swap = { name, at: performance.now(), when };
  }

  /** Take over Python's state; what the user chose on the page stays unless Python asks for it. */
  adopt(state, everything) {
    const [before, position] = [this.state, this.position()];
    this.state = everything || !before.takes.length ? state : { ...before, takes: state.takes, duration: state.duration };
    const names = state.takes.map((take) => take.name);
    for (const name of [...this.takes.keys()]) {
      if (names.includes(name)) continue;
      this.takes.delete(name);
      if (this.voices.has(name)) this.silence(name, this.soon());
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
    const trouble = await awake();
    if (trouble || this.trouble) {
      this.trouble = trouble;
      this.changed();
    }
    if (trouble || this.playing) return;
    this.playing = true;
    this.restart(this.anchor.offset);
    this.changed();
  }

  pause() {
    if (!this.playing) return;
    const now = audioContext().currentTime;
    this.anchor = { time: 0, offset: this.position(now) };
    this.playing = false;
    this.send({ type: "playhead", position: this.anchor.offset, playing: false });
    for (const name of [...this.voices.keys()]) this.silence(name, this.soon());
    this.changed();
  }

  seek(position) {
    if (this.playing) this.restart(position);
    else this.anchor = { time: 0, offset: this.inside(position) };
    this.changed();
  }

  /** The moment at which a decision taken now sounds. Buffers are filled before the clock is read: that takes time. */
  soon(names = []) {
    for (const name of names) this.bufferOf(this.takes.get(name));
    return audioContext().currentTime + Math.max(AHEAD, 2 * audioContext().baseLatency);
  }

  /** Sound everything from `position`, fading out what sounded before. */
  restart(position) {
    const when = this.soon([...this.takes.keys()]);
    for (const name of [...this.voices.keys()]) this.silence(name, when);
    this.anchor = { time: when, offset: this.inside(position) };
    this.send({ type: "playhead", position: this.anchor.offset, playing: true });
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
      this.master.connect(this.analyser).connect(commonBus());
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
    return name === this.state.active ? this.wantedOf(name) * this.limitOf(name) : 0;
  }

  wantedOf(name) {
    const entry = this.state.takes.find((take) => take.name === name);
    return this.state.matched && entry ? decibels(entry.gain) : 1;
  }

  /** Factor that keeps a take under the ceiling. Its peak is known, so it is turned down as a whole: nothing is distorted. */
  limitOf(name) {
    const entry = this.state.takes.find((take) => take.name === name);
    if (!entry || entry.peak === null) return 1;
    return Math.min(1, LOUDEST / (decibels(entry.peak) * this.wantedOf(name) * this.state.volume));
  }

  /** What a listener must know of the take that is heard. */
  get remark() {
    const entry = this.state.takes.find((take) => take.name === this.state.active);
    const limit = this.limitOf(this.state.active);
    const less = limit < 0.99 ? `turned down ${(-20 * Math.log10(limit)).toFixed(1)} dB, so that nothing clips` : "";
    return [entry?.note, less].filter(Boolean).join(" · ");
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
    const when = this.soon();
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

  look(on) {
    this.state.spectrogram = on;
    this.report({ type: "spectrogram", on });
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

  /** Loop from here (edge 0), or up to here (edge 1); the other edge stays where it is. */
  loopFrom(edge) {
    const [start, end] = this.span();
    const here = this.position();
    this.loop(edge ? [here > start ? start : 0, here] : [here, here < end ? end : this.state.duration]);
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

/** A button for each take. Returns what brings them up to date; `describe(button, take, k)` says what else they show. */
function takeButtons(engine, group, describe) {
  let shown = ""; // names, so that buttons are made anew only when takes come or go
  return () => {
    const { takes, active } = engine.state;
    const names = JSON.stringify(takes.map((take) => take.name));
    if (names !== shown) {
      shown = names;
      group.replaceChildren();
      takes.forEach(({ name }, k) => {
        const button = element("button", "vx-take", group, { role: "radio", "data-take": name });
        button.style.setProperty("--vx-colour", COLOURS[k % COLOURS.length]);
        element("b", "", button).textContent = name;
        button.addEventListener("click", () => engine.choose(name));
      });
    }
    takes.forEach((take, k) => {
      const button = group.children[k];
      button.setAttribute("aria-checked", take.name === active);
      describe(button, take, k);
    });
  };
}

/** Keeps a view up to date: all of it as the engine changes, its drawing while it plays; returns what ends that. */
function follow(engine, canvas, update, draw) {
  let frame = 0;
  const animate = () => {
    if (engine.playing) draw();
    frame = requestAnimationFrame(animate);
  };
  engine.addEventListener("change", update);
  const resized = new ResizeObserver(draw);
  resized.observe(canvas);
  update();
  frame = requestAnimationFrame(animate);
  return () => {
    cancelAnimationFrame(frame);
    resized.disconnect();
    engine.removeEventListener("change", update);
  };
}
