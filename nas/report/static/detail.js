// One network in detail.
function detail() {
  const network = byKey.get(state.selected);
  const place = byId("detail");
  const heading = element("h2", { id: "detail-heading", tabindex: "-1" }, network ? "The network selected" : "No network selected");
  if (!network) {
    place.replaceChildren(heading, element("p", {}, "Select one in the plot or in the table."));
    return;
  }
  const phases = Object.keys(content.phases).filter((phase) => network[phase]).reverse();
  place.replaceChildren(
    heading,
    ...description(network),
    drawing(network) || element("p", {}, "The page holds no drawing of this host."),
    takingHome(network),
    scoreTable(network, phases),
    ...overlays(network),
    ...phases.flatMap((phase) => [byClass(network, phase), byCase(network, phase), curves(network, phase)]),
  );
}

const FEW = 3; // filled slots that are told in a line

function description(network) {
  const { heads, slots, placements } = content.vocabulary;
  const key = element("code", {}, network.key);
  if (network.attention.length <= FEW) return [element("p", { class: "words" }, words(network), " ", key)];
  const rows = network.attention.map(([slot, ...series]) => [slots[slot], series.map((item) => placements[item].text).join(" > ")]);
  return [
    element("p", { class: "words" }, `${heads[network.head].text}, ${rows.length} slots filled `, key),
    element("details", {}, element("summary", {}, "What sits in each slot"), table("Slots", ["slot", "mechanism"], rows)),
  ];
}

function scoreTable(network, phases) {
  const scores = phases.map((phase) => network[phase]);
  const rows = [];
  const row = (name, write) => {
    const cells = scores.map(write);
    if (cells.some((cell) => cell !== "" && known(cell))) rows.push([name, ...cells]);
  };
  row("Dice", (score) => withInterval(score.dice, score.low, score.high));
  row("gain on the plain network", (score) => withInterval(score.gain, score.gain_low, score.gain_high, signed));
  row("p", (score) => pValue(score.p));
  row("gain on the plain network of equal size", (score) => (score.equal_size ? withInterval(...score.equal_size, signed) : ""));
  row("probability to be on the front", (score) => (known(score.chance) ? score.chance.toFixed(2) : ""));
  row("is", (score) => nameOf(network, score));
  row("seeds", (score) => `${score.seeds}` + (known(score.spread) ? `, Dice ± ${dice(score.spread)}` : ""));
  row("failed seeds", (score) => (score.failed ? `${score.failed}, each counts as 0` : ""));
  row("steps", (score) => score.steps);
  const metrics = new Set(scores.flatMap((score) => Object.keys(score.metrics)));
  for (const name of metrics) row(name.replaceAll("_", " "), (score) => score.metrics[name] ?? "");
  rows.push(["parameters", ...scores.map(() => network.params.toLocaleString("en"))]);
  rows.push(["multiply-accumulates", ...scores.map(() => network.macs.toLocaleString("en"))]);
  return scrolled("Scores", table("Scores; intervals are of 95 %", ["", ...phases.map((phase) => content.phases[phase].on)], rows));
}

function command(text, name) {
  const button = element("button", { type: "button", "aria-label": `Copy: ${name}` }, "Copy");
  button.onclick = async () => {
    const done = await copied(text);
    button.textContent = done ? "Copied" : "Select and copy";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  };
  return element("div", { class: "command" }, element("code", { tabindex: "0" }, text), button);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = element("textarea", {});
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

function takingHome(network) {
  if (network.export) {
    return element("div", {}, element("h3", {}, "Take it home"), command(network.export, "the command that exports this network"));
  }
  const file = `${network.key}.yaml`;
  return element(
    "div",
    {},
    element("h3", {}, "Take it home"),
    element(
      "p",
      {},
      network.final
        ? "It is not on the front of the finals, from which models are exported. To train and export it, "
        : "The run kept no trained weights of it: only networks of the finals keep theirs. To train and export it, ",
      `save this as ${file}:`,
    ),
    command(architecture(network), "the architecture"),
    command(`nas train ${file} --config ${quoted(content.config)} --out ${network.key}`, "the command that trains this network"),
  );
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

function overlays(network) {
  const found = content.overlays[network.key];
  if (!found) return [];
  const figure = (one) => {
    const told = `${one.rank} case ${one.case}, Dice ${dice(one.dice)}`;
    const voxels = `voxels: ${one.missed} missed, ${one.extra} too many, ${one.confused} of another class`;
    return element(
      "figure",
      {},
      element("img", { src: one.picture, alt: `Prediction over the ${told}; ${voxels}` }),
      element("figcaption", {}, told + (one.plane && `, ${one.plane}`), element("br"), voxels),
    );
  };
  return [
    element("h3", {}, "Predictions over images"),
    element("div", { class: "overlays" }, found.map(figure)),
    element(
      "p",
      { class: "legend" },
      element("span", { class: "key missed" }, "missed"),
      element("span", { class: "key extra" }, "too much"),
      content.phases[state.phase].classes.length > 1 ? element("span", { class: "key confused" }, "another class") : "",
      element("span", { class: "key right" }, "border of what is right"),
    ),
  ];
}

// Dice of each class, and of each case a point on a line.
function byClass(network, phase) {
  const { classes, on } = content.phases[phase];
  const score = network[phase];
  const cases = score.by_case;
  const width = 260;
  const across = linear([0, 1], [8, width - 8]);
  const strip = (at) => {
    if (!cases) return "";
    const values = [];
    for (let place = at; place < cases.length; place += classes.length) if (known(cases[place])) values.push(cases[place] / 1000);
    const path = values.map((value) => `M${across(value).toFixed(1)} 4v14`).join("");
    const label = `${values.length} cases from ${dice(extent(values)[0])} to ${dice(extent(values)[1])}`;
    const mean = score.by_class[at];
    return shape(
      "svg",
      { class: "strip", width, height: 22, viewBox: `0 0 ${width} 22`, role: "img", "aria-label": label },
      shape("line", { class: "grid", x1: 8, x2: width - 8, y1: 11, y2: 11 }),
      shape("path", { class: "cases", d: path }),
      known(mean) ? shape("path", { class: "mean", d: `M${across(mean).toFixed(1)} 1v20` }) : null,
    );
  };
  const rows = classes.map((name, at) => [name, dice(score.by_class[at]), strip(at)]);
  return element(
    "div",
    {},
    element("h3", {}, `Classes, ${on}`),
    scrolled(`Classes, ${on}`, table("Dice by class; a stroke for each case, from 0 to 1", ["class", "Dice", "cases"], rows)),
  );
}

function byCase(network, phase) {
  const { cases, classes, on } = content.phases[phase];
  const scores = network[phase].by_case;
  if (!scores) {
    return element("p", {}, "The page has no room for the scores by case of this network; they are in the run's journal.jsonl.");
  }
  const box = element("details", {}, element("summary", {}, `Each case, ${on}`));
  box.addEventListener(
    "toggle",
    () => {
      const rows = cases.map((name, at) => [name, ...classes.map((_, place) => scores[at * classes.length + place])]);
      const mean = (row) => {
        const values = row.slice(1).filter(known);
        return values.length ? values.reduce((one, other) => one + other) / values.length : Infinity;
      };
      rows.sort((one, other) => mean(one) - mean(other));
      const cells = rows.map(([name, ...values]) => [name, ...values.map((value) => (known(value) ? dice(value / 1000) : "–"))]);
      box.append(scrolled("Scores by case", table("Dice by case, the worst first; –: the case does not show the class", ["case", ...classes], cells)));
    },
    { once: true },
  );
  return box;
}

function curves(network, phase) {
  const lines = network[phase].curves.map((flat) => {
    const points = [];
    for (let at = 0; at < flat.length; at += 2) points.push([flat[at], flat[at + 1]]);
    return points;
  });
  const longest = Math.max(0, ...lines.map((points) => points.length));
  if (longest < 2) return "";
  const every = lines.flat();
  const [width, height] = [Math.min(520, byId("detail").clientWidth - 34), 180];
  const frame = { left: 48, top: 26, right: width - 12, bottom: height - 44 };
  const across = linear([0, extent(every.map((point) => point[0]))[1]], [frame.left, frame.right]);
  const upwards = linear(padded(extent(every.map((point) => point[1])), 0.1), [frame.bottom, frame.top]);
  const told = lines.map((points) => points.map(([step, value]) => `${dice(value)} after ${step} steps`).join(", "));
  return element(
    "figure",
    {},
    element("h3", {}, `Learning curve, ${content.phases[phase].on}`),
    shape(
      "svg",
      { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Learning curve: ${told.join("; ")}` },
      axes(frame, across, upwards, { x: "steps", y: "Dice", writeX: count, writeY: dice }),
      lines.map((points) => [
        shape("path", { class: "line", d: points.map(([x, y], at) => `${at ? "L" : "M"}${across(x)} ${upwards(y)}`).join("") }),
        points.map(([x, y]) => shape("circle", { class: "knot", cx: across(x), cy: upwards(y), r: 3 })),
      ]),
    ),
  );
}

section((changed) => {
  if (any(changed, "content", "selected", "phase")) detail();
});
