// The front: Dice over parameters, with intervals; filled by the probability to be on the front.
const front = { placed: [], svg: null, ring: null, tip: null, frame: null, across: null, upwards: null };
const NEAR = 28; // pixels within which a point is taken

const MARK = {
  front: "M -6 0 a 6 6 0 1 0 12 0 a 6 6 0 1 0 -12 0 z",
  dominated: "M -4 0 a 4 4 0 1 0 8 0 a 4 4 0 1 0 -8 0 z",
  behind: "M -4 0 a 4 4 0 1 0 8 0 a 4 4 0 1 0 -8 0 z",
  plain: "M 0 -8 L 8 0 L 0 8 L -8 0 z",
  control: "M 0 -6 L 6 0 L 0 6 L -6 0 z",
  reference: "M -6 -6 H 6 V 6 H -6 z",
};

function withScore() {
  return content.networks.filter((network) => scoreOf(network));
}

// What the axes span: what matters at first, all on request, or what the reader has marked.
function spans() {
  if (typeof state.range === "object") return state.range;
  const every = withScore();
  const named = (network) => kindOf(network, scoreOf(network)) !== "dominated" && scoreOf(network).place !== "behind";
  const wanted = state.range === "all" ? every : every.filter(named);
  const sizes = extent((state.range === "all" ? every : wanted).map((network) => network.params));
  const scores = wanted.flatMap((network) => {
    const score = scoreOf(network);
    return [score.dice, score.low ?? score.dice, score.high ?? score.dice];
  });
  const logs = padded(sizes.map(Math.log10), 0.06);
  return { x: logs.map((value) => 10 ** value), y: padded(extent(scores), 0.08) };
}

function drawFront() {
  const box = byId("front-plot");
  const width = Math.max(280, box.clientWidth);
  const height = width < 520 ? 340 : 440;
  const frame = { left: 52, top: 30, right: width - 14, bottom: height - 48 };
  const { x, y } = spans();
  const across = logarithmic(x, [frame.left, frame.right]);
  const upwards = linear(y, [frame.bottom, frame.top]);
  Object.assign(front, { frame, across, upwards, placed: [] });

  const passing = new Set(shown());
  const dots = { shown: [], hidden: [] };
  const bars = [];
  const marks = [];
  let outside = 0;
  for (const network of withScore()) {
    const score = scoreOf(network);
    const at = { x: across(network.params), y: upwards(score.dice), network };
    const inside = at.x >= frame.left && at.x <= frame.right && at.y >= frame.top && at.y <= frame.bottom;
    const kind = kindOf(network, score);
    const passes = passing.has(network);
    outside += !inside && passes;
    if (inside && passes) front.placed.push(at);
    if (kind === "dominated" || kind === "behind") {
      if (inside) dots[passes ? "shown" : "hidden"].push(`M${at.x.toFixed(1)} ${at.y.toFixed(1)}h0`);
      continue;
    }
    const faint = passes ? "" : " faint";
    if (known(score.low)) {
      const ends = { y1: upwards(score.low), y2: upwards(score.high) };
      bars.push(shape("line", { class: `bar ${kind}${faint}`, x1: at.x, x2: at.x, ...ends }));
    }
    const opacity = kind === "front" ? 0.15 + 0.85 * (score.chance ?? 1) : 1;
    marks.push(
      shape("path", {
        class: `mark ${kind}${faint}`,
        d: MARK[kind],
        "fill-opacity": opacity.toFixed(2),
        transform: `translate(${at.x.toFixed(1)} ${at.y.toFixed(1)})`,
      }),
    );
  }
  const clip = shape("clipPath", { id: "front-clip" }, shape("rect", {
    x: frame.left - 9, y: frame.top - 9, width: frame.right - frame.left + 18, height: frame.bottom - frame.top + 18,
  }));
  front.ring = shape("circle", { class: "ring", r: 11, hidden: true });
  front.brush = shape("rect", { class: "brush" });
  front.svg = shape(
    "svg",
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      tabindex: "0",
      role: "application",
      "aria-roledescription": "plot",
      "aria-label":
        "Dice over parameters. Left and right arrow: networks of the front; with Shift: all that are shown. " +
        "The table below holds the same.",
      onkeydown: stepThrough,
      onpointermove: hover,
      onpointerleave: () => tip(null),
      onpointerdown: startBrush,
      onclick: pick,
    },
    shape("defs", {}, clip),
    axes(frame, across, upwards, {
      x: "parameters",
      y: `mean foreground Dice, ${content.phases[state.phase].on}`,
      writeX: count,
      writeY: (value) => value.toFixed(Math.max(2, upwards.digits((frame.bottom - frame.top) / 45))),
    }),
    shape(
      "g",
      { "clip-path": "url(#front-clip)", "aria-hidden": "true" },
      shape("path", { class: "dots faint", d: dots.hidden.join("") }),
      shape("path", { class: "dots", d: dots.shown.join("") }),
      shape("path", { class: "stairs", d: stairs(across, upwards, frame) }),
      bars,
      marks,
    ),
  );
  // What changes with every click lies on a sheet of its own: thousands of points need not be painted again.
  const sheet = shape("svg", { class: "sheet", width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, front.ring, front.brush);
  front.tip = element("div", { class: "tip", hidden: true });
  box.replaceChildren(front.svg, sheet, front.tip);
  frontLegend(outside);
  showRing();
}

function stairs(across, upwards, frame) {
  const points = withScore().filter((network) => scoreOf(network).place === "front");
  if (!points.length) return "";
  const steps = points.map((network, at) => {
    const [x, y] = [across(network.params).toFixed(1), upwards(scoreOf(network).dice).toFixed(1)];
    return at ? `H${x}V${y}` : `M${x} ${y}`;
  });
  return `${steps.join("")}H${frame.right}`;
}

function frontLegend(outside) {
  const found = new Set(withScore().map((network) => kindOf(network, scoreOf(network))));
  const item = (kind) =>
    element(
      "span",
      {},
      shape(
        "svg",
        { width: 18, height: 18, viewBox: "-9 -9 18 18", "aria-hidden": "true" },
        shape("path", { class: `mark ${kind}`, d: MARK[kind] }),
      ),
      KINDS[kind],
    );
  const kinds = Object.keys(KINDS).filter((kind) => found.has(kind));
  const model = state.phase === "search" ? " of the model of all trials, which need not hold the score that was seen" : "";
  byId("front-legend").replaceChildren(
    ...kinds.map(item),
    element("span", {}, `lines: 95 % intervals${model}; the fuller a circle, the more probably it is on the front`),
    outside ? element("span", {}, `${several(outside, "network")} outside the range`) : "",
  );
}

function nearest(event) {
  const box = front.svg.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  let found = null;
  let least = NEAR * NEAR;
  for (const at of front.placed) {
    const named = kindOf(at.network, scoreOf(at.network)) !== "dominated";
    const distance = ((at.x - x) ** 2 + (at.y - y) ** 2) * (named ? 0.4 : 1); // what is marked is meant rather
    if (distance < least) [found, least] = [at, distance];
  }
  return found;
}

function hover(event) {
  if (front.from) return moveBrush(event);
  return tip(nearest(event));
}

function tip(at) {
  front.tip.hidden = !at;
  front.svg.classList.toggle("pointing", Boolean(at));
  if (!at) return;
  const score = scoreOf(at.network);
  front.tip.replaceChildren(
    element("strong", {}, `${dice(score.dice)} with ${count(at.network.params)} parameters`),
    element("div", {}, nameOf(at.network, score)),
    element("div", {}, tellings(score).join("; ")),
    element("div", {}, words(at.network)),
  );
  const width = front.svg.clientWidth;
  front.tip.style.left = `${Math.max(0, Math.min(at.x + 14, width - front.tip.offsetWidth - 4))}px`;
  front.tip.style.top = `${at.y + 16}px`;
}

function tellings(score) {
  const told = [];
  if (known(score.low)) told.push(`95 % ${interval(score.low, score.high)}`);
  if (known(score.gain)) told.push(`gain on the plain network ${withInterval(score.gain, score.gain_low, score.gain_high, signed)}`);
  if (known(score.chance)) told.push(`on the front with probability ${score.chance.toFixed(2)}`);
  return told;
}

function pick(event) {
  if (front.brushed) {
    front.brushed = false;
    return;
  }
  const at = nearest(event);
  if (at) select(at.network.key);
}

function select(key) {
  change({ selected: key });
  const network = byKey.get(key);
  const score = network && scoreOf(network);
  if (score) byId("said").textContent = `Selected: ${dice(score.dice)}, ${count(network.params)} parameters, ${words(network)}`;
}

function stepThrough(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const every = shown();
  const ladder = event.shiftKey ? every : every.filter((network) => kindOf(network, scoreOf(network)) !== "dominated");
  if (!ladder.length) return;
  const now = ladder.findIndex((network) => network.key === state.selected);
  const next = now < 0 ? (step > 0 ? 0 : ladder.length - 1) : Math.min(ladder.length - 1, Math.max(0, now + step));
  select(ladder[next].key);
}

function startBrush(event) {
  if (event.pointerType !== "mouse" || event.button) return;
  const box = front.svg.getBoundingClientRect();
  front.brushed = false;
  front.from = { x: event.clientX - box.left, y: event.clientY - box.top };
  const move = (later) => moveBrush(later);
  const end = (later) => {
    window.removeEventListener("pointermove", move);
    endBrush(later);
  };
  window.addEventListener("pointermove", move);
  window.addEventListener("pointerup", end, { once: true });
}

function corners(event) {
  const box = front.svg.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const { left, right, top, bottom } = front.frame;
  const inside = (value, low, high) => Math.min(high, Math.max(low, value));
  const sides = [inside(front.from.x, left, right), inside(x, left, right)].sort((a, b) => a - b);
  const heights = [inside(front.from.y, top, bottom), inside(y, top, bottom)].sort((a, b) => a - b);
  return { sides, heights };
}

function moveBrush(event) {
  const { sides, heights } = corners(event);
  put(front.brush, { x: sides[0], y: heights[0], width: sides[1] - sides[0], height: heights[1] - heights[0] }, []);
}

function endBrush(event) {
  const { sides, heights } = corners(event);
  front.from = null;
  if (sides[1] - sides[0] < 12 || heights[1] - heights[0] < 12) {
    put(front.brush, { width: 0, height: 0 }, []);
    return;
  }
  front.brushed = true;
  change({
    range: { x: sides.map(front.across.invert), y: [heights[1], heights[0]].map(front.upwards.invert) },
  });
}

function showRing() {
  const network = byKey.get(state.selected);
  const score = network && scoreOf(network);
  const at = score && { cx: front.across(network.params), cy: front.upwards(score.dice) };
  const { left, right, top, bottom } = front.frame;
  const inside = at && at.cx >= left && at.cx <= right && at.cy >= top && at.cy <= bottom;
  front.ring.toggleAttribute("hidden", !inside);
  if (inside) put(front.ring, at, []);
}

function frontChoices() {
  const phases = Object.entries(content.phases).map(([name, phase]) => [
    name,
    name === "final" ? `${phase.on} (retrained)` : `${phase.on} (search)`,
  ]);
  choice(byId("phases"), "phase", phases.reverse(), state.phase, (phase) => change({ phase, range: "front" }));
  const marked = typeof state.range === "object";
  const ranges = [["front", "the front"], ["all", "everything"], ...(marked ? [["marked", "what was marked"]] : [])];
  choice(byId("ranges"), "range", ranges, marked ? "marked" : state.range, (range) => change({ range }));
  byId("picks").replaceChildren(
    ...content.picks.map(({ rule, key }) => {
      const network = byKey.get(key);
      const score = network.final || network.search;
      return element(
        "button",
        { type: "button", class: "pick", onclick: () => select(key) },
        element("span", {}, rule),
        element("strong", {}, `${dice(score.dice)}, ${count(network.params)}`),
      );
    }),
  );
}

section((changed) => {
  if (any(changed, "content", "phase", "range")) frontChoices();
  if (any(changed, "content", "phase", "range", "filters", "text", "frontOnly", "width")) drawFront();
  else if (changed.has("selected")) showRing();
});
