// Numbers as the tool writes them.
function count(value) {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (value >= 0.9995 * size) return `${Number((value / size).toPrecision(3))}${unit}`;
  }
  return String(value);
}

function known(value) {
  return value !== undefined && value !== null;
}

function dice(value) {
  return known(value) ? value.toFixed(3) : "";
}

function signed(value) {
  return known(value) ? (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3) : "";
}

function interval(low, high, write = dice) {
  return known(low) && known(high) ? `${write(low)} to ${write(high)}` : "";
}

function withInterval(value, low, high, write = dice) {
  const range = interval(low, high, write);
  return write(value) + (range && ` (${range})`);
}

function share(value) {
  return known(value) ? `${Math.round(100 * value)} %` : "";
}

function pValue(value) {
  return known(value) ? (value < 0.001 ? "< 0.001" : value.toFixed(3)) : "";
}

function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function several(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}
