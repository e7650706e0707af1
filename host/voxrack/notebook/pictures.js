// The player's pictures: waveforms of all takes under one playhead, and the spectrum that is heard.

const clock = (seconds, digits = 2) =>
  `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(digits).padStart(digits ? digits + 3 : 2, "0")}`;

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

const [LOWEST, HIGHEST, FLOOR, CEILING] = [30, 18000, -100, -16]; // Hz, Hz, dB, dB: one bin of a voice is far below full scale
function drawSpectrum(canvas, engine, style, bins) {
  const [pen, width, height] = surface(canvas);
  const toX = (hertz) => (Math.log(hertz / LOWEST) / Math.log(HIGHEST / LOWEST)) * width;
  const toY = (db) => Math.min(height, Math.max(0, ((CEILING - db) / (CEILING - FLOOR)) * (height - 14)));
  pen.font = "10px " + style.font;
  for (const hertz of [50, 100, 200, 500, 1000, 2000, 5000, 10000]) {
    pen.fillStyle = style.faint;
    pen.globalAlpha = 0.35;
    pen.fillRect(toX(hertz), 0, 1, height - 14);
    pen.globalAlpha = 1;
    if ([100, 1000, 10000].includes(hertz)) pen.fillText(hertz < 1000 ? hertz : hertz / 1000 + "k", toX(hertz) + 3, height - 3);
  }
  for (const db of [-40, -60, -80]) pen.fillText(`−${-db} dB`, 3, toY(db) + 3);
  if (!engine.analyser) return;
  engine.analyser.getFloatFrequencyData(bins);
  const take = engine.takes.get(engine.state.active);
  if (engine.playing && take) {
    take.mean ??= Float32Array.from(bins, (level) => Math.max(level, FLOOR)); // silence reads -Infinity
    for (let b = 0; b < bins.length; b++) take.mean[b] += 0.03 * (Math.max(bins[b], FLOOR) - take.mean[b]);
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
