// A recogniser's timeline: bands over the waveform of the take that is heard (engine.js), probabilities, segments, and
// what else is known of the takes (timeline_tracks.js).
// Messages from Python besides the player's: timeline (probabilities, float32, window after window, in buffers[0]).
// To Python besides the player's: sought (position, seconds).

const found = {}; // by player id: the timelines that were sent, by the name of the take

const timelineOf = (id) => found[id]?.get(engines[id].state.active);

function initialize({ model }) {
  const id = model.get("player_id");
  const engine = new Engine((message) => deliver(model, message));
  engines[id] = engine;
  found[id] = new Map();
  const listen = (message, buffers) => {
    if (message.type !== "timeline") return engine.receive(message, buffers);
    const view = buffers[0];
    const bytes = view.buffer ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : view;
    if (message.alone) found[id].clear();
    found[id].set(message.name, { ...message, chances: new Float32Array(bytes) });
    engine.changed();
  };
  model.on("msg:custom", listen);
  deliver(model, { type: "ready" });
  return () => {
    model.off("msg:custom", listen);
    engine.close();
    delete engines[id];
    delete found[id];
  };
}

const paintOf = (timeline, label) =>
  timeline.colours[label] ?? (label === timeline.silent.label ? timeline.silent.colour : timeline.unsure.colour);

const named = (timeline, { emotion, confidence }) =>
  emotion in timeline.colours ? `${emotion} ${confidence.toFixed(2)}` : emotion;

/** Fills a stretch: a plain colour for an emotion, hatching for unsure, grey for no speech. */
function paint(pen, timeline, label, x, width, height, strength) {
  pen.save();
  pen.globalAlpha = strength;
  pen.fillStyle = pen.strokeStyle = paintOf(timeline, label);
  if (label !== timeline.unsure.label) pen.fillRect(x, 0, width, height);
  else {
    pen.beginPath();
    pen.rect(x, 0, width, height);
    pen.clip();
    pen.beginPath();
    for (let at = Math.floor((x - height) / 8) * 8; at < x + width; at += 8) {
      pen.moveTo(at, height);
      pen.lineTo(at + height, 0);
    }
    pen.stroke();
  }
  pen.restore();
}

function drawBands(canvas, engine, timeline, style) {
  const [pen, width, height] = surface(canvas);
  const duration = engine.state.duration;
  if (!duration || width < 2) return;
  const toX = (seconds) => (seconds / duration) * width;
  const [foot, middle] = [height - 14, (height - 14) * 0.55];
  for (const { start, end, emotion, confidence } of timeline?.bands ?? []) {
    const [x, wide] = [toX(start), toX(end) - toX(start)];
    paint(pen, timeline, emotion, x, wide, foot, 0.6);
    const text = named(timeline, { emotion, confidence });
    pen.font = "11px " + style.font;
    pen.fillStyle = style.text;
    if (pen.measureText(text).width < wide - 6) pen.fillText(text, x + 4, 12);
  }
  if (engine.state.region) {
    const [start, end] = engine.state.region;
    pen.fillStyle = style.loop;
    pen.fillRect(toX(start), 0, toX(end - start), foot);
  }
  const all = [...engine.takes.values()].map((one) => peaksOf(one, duration, Math.floor(width)));
  const tallest = Math.max(1e-4, ...all.flatMap((one) => [...one.high, ...one.low.map((value) => -value)]));
  const half = (foot * 0.42) / tallest;
  // the heard take lies on top, the others show as shadows behind it
  const order = engine.state.takes.map(({ name }, k) => [name, k]).sort(([a], [b]) => (a === engine.state.active) - (b === engine.state.active));
  for (const [name, k] of order) {
    if (!engine.takes.has(name)) continue;
    const { low, high } = peaksOf(engine.takes.get(name), duration, Math.floor(width));
    const heard = name === engine.state.active;
    pen.fillStyle = heard ? style.text : COLOURS[k % COLOURS.length];
    pen.globalAlpha = heard ? 0.8 : 0.35;
    low.forEach((bottom, x) => pen.fillRect(x, middle - high[x] * half, 1, Math.max(1, (high[x] - bottom) * half)));
  }
  pen.globalAlpha = 1;
  pen.font = "10px " + style.font;
  pen.fillStyle = style.faint;
  const step = [0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600].find((s) => toX(s) > 55) ?? 1200;
  for (let t = 0; t < duration; t += step) pen.fillText(clock(t, step < 1 ? 1 : 0), toX(t) + 2, height - 3);
  head(pen, toX(engine.position()), foot, style);
}

function head(pen, x, height, style) {
  pen.fillStyle = style.text;
  pen.fillRect(x - 0.75, 0, 1.5, height);
}

function silences(pen, timeline, toX, height) {
  for (const { start, end, emotion } of timeline.bands) {
    if (emotion === timeline.silent.label) paint(pen, timeline, emotion, toX(start), toX(end) - toX(start), height, 0.6);
  }
}

function drawChances(canvas, engine, timeline, style) {
  const [pen, width, height] = surface(canvas);
  const duration = engine.state.duration;
  if (!duration || !timeline) return;
  const [toX, toY] = [(seconds) => (seconds / duration) * width, (p) => (1 - p) * (height - 4) + 2];
  const count = timeline.labels.length;
  silences(pen, timeline, toX, height);
  timeline.labels.forEach((label, column) => {
    pen.strokeStyle = pen.fillStyle = paintOf(timeline, label);
    pen.lineWidth = 1.6;
    pen.beginPath();
    let down = false;
    timeline.times.forEach((time, row) => {
      const chances = timeline.chances.subarray(row * count, (row + 1) * count);
      const spoken = chances.some((p) => p > 0);
      const [x, y] = [toX(time), toY(chances[column])];
      if (spoken && down) pen.lineTo(x, y);
      else if (spoken) pen.moveTo(x, y);
      if (spoken && timeline.times.length < 60) pen.fillRect(x - 1.5, y - 1.5, 3, 3);
      down = spoken;
    });
    pen.stroke();
  });
  pen.strokeStyle = style.faint;
  pen.lineWidth = 1;
  pen.setLineDash([4, 3]);
  pen.strokeRect(-2, toY(timeline.threshold), width + 4, height * 2);
  pen.setLineDash([]);
  pen.font = "10px " + style.font;
  pen.fillStyle = style.faint;
  pen.fillText("threshold", 4, toY(timeline.threshold) - 3);
  pen.textAlign = "right";
  pen.fillText("probability, 0 to 1", width - 4, 11);
  pen.textAlign = "left";
  head(pen, toX(engine.position()), height, style);
}

/** How far each window is believed as it came: a line between 0 and 1, broken where nothing was judged. */
function drawTrust(canvas, engine, timeline, style) {
  canvas.hidden = !timeline?.trust;
  if (canvas.hidden) return;
  const [pen, width, height] = surface(canvas);
  const duration = engine.state.duration;
  if (!duration) return;
  const [toX, toY] = [(seconds) => (seconds / duration) * width, (c) => (1 - c) * (height - 10) + 5];
  silences(pen, timeline, toX, height);
  pen.font = "10px " + style.font;
  pen.strokeStyle = pen.fillStyle = style.faint;
  pen.lineWidth = 0.5;
  for (const level of [0, 0.5, 1]) {
    pen.beginPath();
    pen.moveTo(0, toY(level));
    pen.lineTo(width, toY(level));
    pen.stroke();
  }
  pen.fillText("1 trusted as it came", 4, toY(1) + 10);
  pen.fillText("0 only enhanced", 4, toY(0) - 3);
  pen.strokeStyle = pen.fillStyle = style.text;
  pen.lineWidth = 1.8;
  pen.beginPath();
  timeline.trust.forEach((c, row) => {
    if (c === null) return;
    const [x, y] = [toX(timeline.times[row]), toY(c)];
    if (row > 0 && timeline.trust[row - 1] !== null) pen.lineTo(x, y);
    else pen.moveTo(x, y);
    if (timeline.times.length < 60) pen.fillRect(x - 1.5, y - 1.5, 3, 3);
  });
  pen.stroke();
  head(pen, toX(engine.position()), height, style);
}

/** " · trust 0.40" at a time; nothing where there is none. */
function trustAt(timeline, position) {
  if (!timeline.trust) return "";
  const row = timeline.edges.findLastIndex((edge, k) => edge <= position && k < timeline.trust.length);
  const c = timeline.trust[row] ?? null;
  return c === null ? "" : ` · trust ${c.toFixed(2)}`;
}

function render({ model, el }) {
  const id = model.get("player_id");
  const engine = engines[id];
  const root = element("div", "vx-player vx-timeline", el, { tabindex: "0", "data-lm-suppress-shortcuts": "true" });
  root.setAttribute("aria-label", "emotion timeline: space plays, arrows seek, brackets go from segment to segment");
  const bar = element("div", "vx-bar", root);
  const play = element("button", "vx-play", bar, { "aria-label": "play or pause", title: "play or pause (space)" });
  const time = element("span", "vx-time", bar);
  const group = element("div", "vx-takes", bar, { role: "radiogroup", "aria-label": "what is heard and shown" });
  const label = takeButtons(engine, group, (button, _, k) => (button.title = `press ${k + 1}`));
  const now = element("span", "vx-now", bar, { role: "status" });
  element("i", "", now);
  const word = element("span", "vx-word", now);
  const volume = element("input", "vx-volume", bar, { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "volume" });
  const screen = element("div", "vx-screen", root);
  const wave = element("canvas", "vx-wave", screen, { title: "click: seek · drag: loop · double-click: no loop" });
  const chances = element("canvas", "vx-chances", screen, { title: "probability of each emotion" });
  const trust = element("canvas", "vx-trust", screen, {
    title: "trust: 1 where the recording is believed as it came, 0 where only the enhanced one is",
  });
  trust.hidden = true;
  const strips = element("canvas", "vx-strips", screen, { title: "what was heard in each take" });
  strips.hidden = true;
  const further = element("div", "vx-tracks", screen); // curves of other analyzers, one figure each
  const legend = element("div", "vx-legend", root);
  const segments = element("div", "vx-segments", root, { role: "list", "aria-label": "segments" });
  const foot = element("div", "vx-foot", root);
  const note = element("span", "vx-note", foot);
  element("span", "vx-keys", foot).textContent = "space play · ←→ seek · [ ] segment · drag, or I and O, to loop · L no loop";
  let shown = null; // the timeline whose legend and segments are on the page
  let panels = new Map(); // canvas of a further track, by its name

  const seek = (seconds) => {
    engine.seek(Math.max(0, Math.min(engine.state.duration - 0.001, seconds))); // at the very end it would begin anew
    deliver(model, { type: "sought", position: engine.position() });
  };
  const build = (timeline) => {
    shown = timeline;
    legend.replaceChildren();
    segments.replaceChildren();
    const heard = new Set(timeline.bands.map(({ emotion }) => emotion));
    for (const label of [...timeline.labels, timeline.unsure.label, timeline.silent.label]) {
      const entry = element("span", heard.has(label) ? "vx-heard" : "", legend);
      entry.classList.toggle("vx-doubt", label === timeline.unsure.label);
      entry.style.setProperty("--vx-colour", paintOf(timeline, label));
      entry.textContent = label;
    }
    for (const { start, end, emotion } of timeline.bands.slice(0, 400)) {
      const button = element("button", "vx-segment", segments, { role: "listitem", "data-start": start, "data-emotion": emotion });
      button.style.setProperty("--vx-colour", paintOf(timeline, emotion));
      button.textContent = `${clock(start, 1)}–${clock(end, 1)} ${emotion}`;
      button.addEventListener("click", () => seek(start));
    }
  };
  const buildPanels = () => {
    const tracks = new Map([...found[id].values()].flatMap((one) => one.tracks.map((track) => [track.name, track])));
    if (String([...tracks.keys()]) === String([...panels.keys()])) return;
    further.replaceChildren();
    panels = new Map();
    for (const track of tracks.values()) {
      const figure = element("figure", "vx-track", further);
      element("figcaption", "", figure).textContent = trackTitle(track);
      panels.set(track.name, element("canvas", "", figure, { "data-track": track.name, role: "img", "aria-label": trackTitle(track) }));
      listen(panels.get(track.name));
    }
  };
  const draw = () => {
    const css = getComputedStyle(root);
    const style = {
      font: css.fontFamily, text: css.color, faint: css.getPropertyValue("--vx-faint"), loop: css.getPropertyValue("--vx-loop"),
      paper: css.backgroundColor,
    };
    const timeline = timelineOf(id);
    drawBands(wave, engine, timeline, style);
    drawChances(chances, engine, timeline, style);
    drawTrust(trust, engine, timeline, style);
    drawStrips(strips, engine, found[id], style);
    for (const [name, canvas] of panels) drawTrack(canvas, engine, found[id], name, style);
    const position = engine.position();
    time.textContent = `${clock(position)} / ${clock(engine.state.duration)}`;
    const bands = timeline?.bands ?? [];
    const at = bands.findIndex(({ start, end }) => position >= start && position < end);
    const band = bands[at] ?? bands.at(-1);
    if (!band) return;
    const text = named(timeline, band) + trustAt(timeline, position);
    if (word.textContent !== text) word.textContent = text;
    now.style.setProperty("--vx-colour", paintOf(timeline, band.emotion));
    [...segments.children].forEach((button, k) => button.setAttribute("aria-current", bands[k] === band));
  };
  const update = () => {
    play.textContent = engine.playing ? "❚❚" : "▶";
    play.disabled = !engine.state.takes.length;
    volume.value = Math.sqrt(engine.state.volume);
    const region = engine.state.region;
    const loop = region ? `loop ${clock(region[0])} – ${clock(region[1])}` : "";
    note.textContent = engine.trouble || [loop, engine.remark].filter(Boolean).join(" · ");
    note.classList.toggle("vx-error", !!engine.trouble);
    group.hidden = engine.state.takes.length < 2;
    label();
    const timeline = timelineOf(id);
    if (timeline && timeline !== shown) build(timeline);
    buildPanels();
    draw();
  };
  const step = (direction) => {
    const starts = (timelineOf(id)?.bands ?? []).map(({ start }) => start);
    const position = engine.position();
    const next = direction > 0 ? starts.find((s) => s > position + 0.01) : starts.findLast((s) => s < position - 0.01);
    if (next !== undefined) seek(next);
  };

  play.addEventListener("click", () => (engine.playing ? engine.pause() : engine.play()));
  volume.addEventListener("input", () => engine.volume(Number(volume.value) ** 2));
  let press = null; // where a drag began: {x, seconds}
  const listen = (canvas) => {
    const seconds = (event) => {
      const box = canvas.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * engine.state.duration;
    };
    canvas.addEventListener("pointerdown", (event) => {
      press = { x: event.clientX, seconds: seconds(event) };
      canvas.setPointerCapture(event.pointerId);
      root.focus({ preventScroll: true });
    });
    canvas.addEventListener("pointerup", (event) => {
      if (!press) return;
      const [start, end] = [press.seconds, seconds(event)].sort((a, b) => a - b);
      if (Math.abs(event.clientX - press.x) < 4) seek(start);
      else engine.loop([start, end]);
      press = null;
    });
    canvas.addEventListener("dblclick", () => engine.loop(null));
  };
  for (const canvas of [wave, chances, trust, strips]) listen(canvas);
  const keys = {
    " ": () => (engine.playing ? engine.pause() : engine.play()),
    l: () => engine.loop(null),
    i: () => engine.loopFrom(0),
    o: () => engine.loopFrom(1),
    x: () => engine.choose(engine.previous),
    home: () => seek(engine.span()[0]),
    arrowleft: (event) => seek(engine.position() - (event.shiftKey ? 0.1 : 1)),
    arrowright: (event) => seek(engine.position() + (event.shiftKey ? 0.1 : 1)),
    "[": () => step(-1),
    "]": () => step(1),
  };
  shortcuts(root, volume, (event) => {
    const digit = engine.state.takes[Number(event.key) - 1];
    return digit ? () => engine.choose(digit.name) : keys[event.key.toLowerCase()];
  });
  const forget = watchKernel(model, el);
  const end = follow(engine, wave, update, draw);
  return () => (forget(), end());
}

export default { initialize, render };
