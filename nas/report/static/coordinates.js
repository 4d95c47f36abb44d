// Every network as a line over its options, its size and its Dice; the selected one and the front stand out.
const parallel = { axes: [], width: 0, height: 300, canvas: null, over: null };

function axisOfNumbers(name, value, write, log) {
  const values = withScore().map(value).filter(known);
  const domain = extent(values);
  const range = [parallel.height - 34, 34];
  const scale = log ? logarithmic(domain, range) : linear(padded(domain, 0.02), range);
  return { name, place: (network) => (known(value(network)) ? scale(value(network)) : null), ticks: scale.ticks(5).map((tick) => [scale(tick), write(tick)]) };
}

function axisOfWords(name, value) {
  const words = [...new Set(withScore().map(value))].sort((one, other) => (typeof one === "number" ? one - other : String(one).localeCompare(String(other))));
  const scale = linear([0, Math.max(1, words.length - 1)], [parallel.height - 34, 34]);
  const at = new Map(words.map((word, place) => [word, scale(words.length === 1 ? 0.5 : place)]));
  return { name, place: (network) => at.get(value(network)), ticks: words.length > 16 ? [] : words.map((word) => [at.get(word), String(word)]) };
}

function coordinateAxes() {
  const { heads } = content.vocabulary;
  const hosts = new Set(heads.map((head) => head.host));
  const options = new Map();
  for (const head of heads) {
    for (const [name, value] of Object.entries(head.options)) {
      if (!options.has(name)) options.set(name, new Set());
      options.get(name).add(value);
    }
  }
  const varied = [...options].filter(([, values]) => values.size > 1).map(([name]) => name);
  return [
    ...(hosts.size > 1 ? [axisOfWords("host", (network) => heads[network.head].host)] : []),
    ...varied.map((name) => axisOfWords(name, (network) => heads[network.head].options[name] ?? "–")),
    axisOfWords("slots filled", (network) => network.held.size),
    axisOfNumbers("parameters", (network) => network.params, count, true),
    axisOfNumbers("MACs", (network) => network.macs, count, true),
    axisOfNumbers("Dice", (network) => scoreOf(network)?.dice, dice, false),
  ];
}

function pointsOf(network) {
  const step = (parallel.width - 100) / Math.max(1, parallel.axes.length - 1);
  return parallel.axes.map((axis, at) => [50 + at * step, axis.place(network)]).filter((point) => known(point[1]));
}

function drawCoordinates() {
  const place = byId("coordinates");
  parallel.axes = coordinateAxes();
  parallel.width = Math.max(place.clientWidth, 84 * parallel.axes.length);
  const { width, height } = parallel;
  const sharp = window.devicePixelRatio || 1;
  parallel.canvas = element("canvas", { width: width * sharp, height: height * sharp, "aria-hidden": "true" });
  Object.assign(parallel.canvas.style, { width: `${width}px`, height: `${height}px` });
  const pen = parallel.canvas.getContext("2d");
  pen.scale(sharp, sharp);
  const styles = getComputedStyle(document.documentElement);
  const networks = shown();
  pen.strokeStyle = styles.getPropertyValue("--other");
  pen.globalAlpha = Math.max(0.05, Math.min(0.6, 40 / Math.max(1, networks.length)));
  const strokes = (network) => {
    pen.beginPath();
    pointsOf(network).forEach(([x, y], at) => (at ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  };
  networks.forEach(strokes);
  pen.globalAlpha = 0.9;
  pen.lineWidth = 1.6;
  pen.strokeStyle = styles.getPropertyValue("--front");
  networks.filter((network) => scoreOf(network).place === "front").forEach(strokes);
  parallel.line = shape("path", { class: "selected-line" });
  const step = (width - 100) / Math.max(1, parallel.axes.length - 1);
  const drawn = parallel.axes.map(({ name, ticks }, at) => {
    const x = 50 + at * step;
    return [
      shape("line", { class: "rail", x1: x, x2: x, y1: 34, y2: height - 34 }),
      shape("text", { class: "axis", x, y: 18, "text-anchor": "middle" }, name),
      ticks.map(([y, text]) => shape("text", { class: "tick halo", x: x + 5, y: y + 4 }, text)),
    ];
  });
  const over = shape(
    "svg",
    { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${several(networks.length, "network")} over ${parallel.axes.map((axis) => axis.name).join(", ")}; the table of networks holds the same` },
    drawn,
    parallel.line,
  );
  place.replaceChildren(
    element("p", { class: "legend" }, element("span", {}, "A line is a network that passes the filters; green: the front; thick: the one selected.")),
    scrolled("Networks side by side", element("div", { class: "layers" }, parallel.canvas, over)),
  );
  showLine();
}

function showLine() {
  const network = byKey.get(state.selected);
  const points = network && scoreOf(network) ? pointsOf(network) : [];
  parallel.line.setAttribute("d", points.map(([x, y], at) => `${at ? "L" : "M"}${x} ${y}`).join(""));
}

section((changed) => {
  if (any(changed, "content", "phase", "filters", "text", "frontOnly", "width", "dark")) drawCoordinates();
  else if (changed.has("selected")) showLine();
});
