// What stands under a timeline's waveform besides the recogniser's own: the bands of all takes, one strip above the
// other (before and after), and curves of further analyzers, such as loudness, of all takes in one panel.

const STRIP = 15; // pixels of a take's strip

/** The bands of every take under each other, named at the left; that of the heard take is framed. */
function drawStrips(canvas, engine, timelines, style) {
  const shown = engine.state.takes.filter(({ name }) => timelines?.has(name));
  canvas.hidden = shown.length < 2;
  if (canvas.hidden) return;
  canvas.style.height = `${shown.length * STRIP}px`;
  const [pen, width] = surface(canvas);
  const duration = engine.state.duration;
  pen.font = "10px " + style.font;
  shown.forEach(({ name }, row) => {
    const timeline = timelines.get(name);
    pen.save();
    pen.translate(0, row * STRIP);
    pen.beginPath();
    pen.rect(0, 0, width, STRIP - 2);
    pen.clip();
    for (const { start, end, emotion } of timeline.bands) {
      paint(pen, timeline, emotion, (start / duration) * width, ((end - start) / duration) * width, STRIP - 2, 0.6);
    }
    pen.globalAlpha = 0.75;
    pen.fillStyle = style.paper;
    pen.fillRect(0, 0, pen.measureText(name).width + 10, STRIP - 2);
    pen.globalAlpha = 1;
    pen.fillStyle = style.text;
    pen.fillText(name, 4, 10);
    if (name === engine.state.active) {
      pen.strokeStyle = style.text;
      pen.lineWidth = 1.5;
      pen.strokeRect(0.75, 0.75, width - 1.5, STRIP - 3.5);
    }
    pen.restore();
  });
  head(pen, (engine.position() / duration) * width, shown.length * STRIP, style);
}

/** Lowest and highest value of a track; the softest hundredth, between words, would press everything else into a line. */
function rangeOf(track) {
  if (track.range === undefined) {
    const values = track.values.flat().filter((value) => value !== null).sort((a, b) => a - b);
    track.range = values.length ? [values[Math.floor(0.01 * values.length)], values.at(-1)] : null;
  }
  return track.range;
}

/** Curves of one track: of the heard take drawn out, of the others behind it, fainter; the first column is the boldest. */
function drawTrack(canvas, engine, timelines, name, style) {
  const [pen, width, height] = surface(canvas);
  const duration = engine.state.duration;
  const own = engine.state.takes
    .map((take, k) => ({ name: take.name, k, track: timelines?.get(take.name)?.tracks.find((each) => each.name === name) }))
    .filter(({ track }) => track);
  if (!duration || !own.length) return;
  const ranges = own.map(({ track }) => rangeOf(track)).filter(Boolean);
  if (!ranges.length) return;
  const [low, high] = [Math.min(...ranges.map(([least]) => least)), Math.max(...ranges.map(([, most]) => most))];
  const span = Math.max(1e-6, high - low);
  const toX = (seconds) => (seconds / duration) * width;
  const toY = (value) => height - 8 - ((Math.max(value, low) - low) / span) * (height - 16);
  pen.font = "10px " + style.font;
  for (const tick of ticksOf(low, high, 3, false)) {
    pen.fillStyle = style.faint;
    pen.globalAlpha = 0.25;
    pen.fillRect(0, toY(tick), width, 1);
    pen.globalAlpha = 1;
    pen.fillText(`${tickText(tick)} ${own[0].track.unit}`, 4, toY(tick) - 2);
  }
  for (const { name: take, k, track } of own.sort((a, b) => (a.name === engine.state.active) - (b.name === engine.state.active))) {
    const heard = take === engine.state.active;
    track.labels.forEach((_, column) => {
      pen.strokeStyle = heard ? style.text : COLOURS[k % COLOURS.length];
      pen.globalAlpha = column ? 0.45 : 1;
      pen.lineWidth = heard && !column ? 1.7 : 1;
      pen.beginPath();
      let down = false;
      track.times.forEach((time, row) => {
        const value = track.values[row][column];
        if (value !== null) pen[down ? "lineTo" : "moveTo"](toX(time), toY(value));
        down = value !== null;
      });
      pen.stroke();
    });
  }
  pen.globalAlpha = 1;
  head(pen, toX(engine.position()), height, style);
}

/** "loudness (LUFS): momentary bold, short-term thin" */
function trackTitle(track) {
  const [bold, ...thin] = track.labels;
  const lines = thin.length ? `: ${bold} bold, ${thin.join(", ")} thin` : "";
  return `${track.name.replaceAll("_", " ")} (${track.unit})${lines}`;
}
