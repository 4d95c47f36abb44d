// From values to pixels, and the values that an axis names.
function linear([low, high], [start, end]) {
  const size = high - low || 1;
  const scale = (value) => start + ((value - low) / size) * (end - start);
  scale.invert = (pixel) => low + ((pixel - start) / (end - start)) * size;
  scale.domain = [low, high];
  scale.ticks = (number) => {
    const rough = size / Math.max(1, number);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
  };
  scale.digits = (number) => Math.max(0, -Math.floor(Math.log10(size / Math.max(1, number)) + 1e-9));
  return scale;
}

function logarithmic([low, high], range) {
  const inner = linear([Math.log10(low), Math.log10(high)], range);
  const scale = (value) => inner(Math.log10(value));
  scale.invert = (pixel) => 10 ** inner.invert(pixel);
  scale.domain = [low, high];
  scale.ticks = (number) => {
    const found = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      found.push(...[1, 2, 5].map((factor) => factor * 10 ** power));
    }
    const inside = found.filter((value) => value >= low && value <= high);
    if (inside.length > number) {
      const tens = inside.filter((value) => Number.isInteger(Math.log10(value)) || /^1e?/.test(value.toExponential(0)));
      return tens.length > 1 ? tens : inside.filter((_, at) => at % 2 === 0);
    }
    return inside.length > 1 ? inside : linear([low, high], [0, 1]).ticks(number);
  };
  return scale;
}

function padded([low, high], part) {
  const room = (high - low || 0.02) * part;
  return [low - room, high + room];
}

// The smallest and the largest of many values; Math.min takes no long lists.
function extent(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Values with their names; written in full where short names would be the same for several.
function named(values, write) {
  const texts = values.map(write);
  const full = (value) => value.toLocaleString("en", { maximumFractionDigits: 6 });
  return values.map((value, at) => [value, new Set(texts).size < texts.length ? full(value) : texts[at]]);
}

// Axes with their lines and names; the frame is {left, top, right, bottom}.
function axes(frame, across, upwards, { x, y, writeX, writeY }) {
  const width = frame.right - frame.left;
  const parts = [];
  for (const [value, text] of named(across.ticks(Math.max(2, width / 90)), writeX)) {
    const at = across(value);
    parts.push(
      shape("line", { class: "grid", x1: at, x2: at, y1: frame.top, y2: frame.bottom }),
      shape("text", { class: "tick", x: at, y: frame.bottom + 18, "text-anchor": "middle" }, text),
    );
  }
  for (const [value, text] of named(upwards.ticks((frame.bottom - frame.top) / 45), writeY)) {
    const at = upwards(value);
    parts.push(
      shape("line", { class: "grid", x1: frame.left, x2: frame.right, y1: at, y2: at }),
      shape("text", { class: "tick", x: frame.left - 8, y: at + 4, "text-anchor": "end" }, text),
    );
  }
  parts.push(
    shape("text", { class: "axis", x: (frame.left + frame.right) / 2, y: frame.bottom + 38, "text-anchor": "middle" }, x),
    shape("text", { class: "axis", x: frame.left - 8, y: frame.top - 10 }, y),
  );
  return shape("g", { "aria-hidden": "true" }, parts);
}
