// The view of the A/B player: buttons, keys and mouse over the engine (engine.js), its pictures (pictures.js) and
// spectrograms (spectrogram.js).

const signed = (db) => (db >= 0 ? "+" : "−") + Math.abs(db).toFixed(1);

function initialize({ model }) {
  const engine = new Engine((message) => deliver(model, message));
  engines[model.get("player_id")] = engine;
  const listen = (message, buffers) => engine.receive(message, buffers);
  model.on("msg:custom", listen);
  deliver(model, { type: "ready" });
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
  const sight = element("button", "vx-sight", bar, { title: "show spectrograms of the first take and of the other (S)" });
  sight.textContent = "spectrogram";
  const volume = element("input", "vx-volume", bar, { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "volume" });
  const screen = element("div", "vx-screen", root);
  const wave = element("canvas", "vx-wave", screen, { title: "click: seek · drag: loop · double-click: no loop" });
  const pair = new SpectrogramPair(screen, engine); // between the two, as wide as the waveform: one time axis
  const spectrum = element("canvas", "vx-spectrum", screen, { title: "spectrum heard now (filled) and averaged (lines)" });
  const foot = element("div", "vx-foot", root);
  const note = element("span", "vx-note", foot, { role: "status" });
  element("span", "vx-keys", foot).textContent = "space play · 1–9 take · X back · ←→ seek · drag, or I and O, to loop · L no loop";
  const bins = new Float32Array(2048);
  const label = takeButtons(engine, chips, (chip, take, k) => {
    const { matched } = engine.state;
    const small = chip.querySelector("small") ?? element("small", "", chip);
    const loud = take.loudness === null ? "silent" : `${signed(take.loudness)} LUFS`;
    small.textContent = loud + (matched && Math.abs(take.gain) >= 0.05 ? ` · ${signed(take.gain)} dB` : "");
    chip.title = [`press ${k + 1}`, take.peak === null ? "" : `peak ${signed(take.peak)} dBFS`, take.note].filter(Boolean).join(" · ");
    chip.classList.toggle("vx-over", !matched && take.peak > 0);
  });

  const update = () => {
    const { takes, matched, region, spectrogram } = engine.state;
    play.textContent = engine.playing ? "❚❚" : "▶";
    play.disabled = !takes.length;
    label();
    match.setAttribute("aria-pressed", matched);
    sight.setAttribute("aria-pressed", spectrogram);
    volume.value = Math.sqrt(engine.state.volume);
    volume.title = `volume ${signed(20 * Math.log10(Math.max(engine.state.volume, 1e-5)))} dB`;
    const loop = region ? `loop ${clock(region[0])} – ${clock(region[1])}` : "";
    note.textContent = engine.trouble || engine.note.text || [loop, engine.remark].filter(Boolean).join(" · ");
    note.classList.toggle("vx-error", !!engine.trouble || (engine.note.level === "error" && !!engine.note.text));
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
    pair.draw(style);
  };

  play.addEventListener("click", () => (engine.playing ? engine.pause() : engine.play()));
  match.addEventListener("click", () => engine.match(!engine.state.matched));
  sight.addEventListener("click", () => engine.look(!engine.state.spectrogram));
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
    i: () => engine.loopFrom(0),
    o: () => engine.loopFrom(1),
    m: () => engine.match(!engine.state.matched),
    s: () => engine.look(!engine.state.spectrogram),
    home: () => engine.seek(engine.span()[0]),
    arrowleft: (event) => engine.seek(Math.max(0, engine.position() - (event.shiftKey ? 0.1 : 1))),
    arrowright: (event) => engine.seek(Math.min(engine.state.duration, engine.position() + (event.shiftKey ? 0.1 : 1))),
  };
  shortcuts(root, volume, ({ key }) => {
    const digit = engine.state.takes[Number(key) - 1];
    return digit ? () => engine.choose(digit.name) : keys[key.toLowerCase()];
  });
  const forget = watchKernel(model, el);
  const end = follow(engine, wave, update, draw);
  return () => (forget(), pair.close(), end());
}

export default { initialize, render };
