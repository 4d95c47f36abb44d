// A network drawn: the drawing of its host, with the mechanisms put into their slots.
const parsed = new Map();
const SMALLEST = 0.6; // of its own size: smaller it could not be read, and scrolls

section((changed) => {
  if (changed.has("content")) parsed.clear();
});

function templateOf(number) {
  if (!parsed.has(number)) {
    const text = content.drawings.pictures[number];
    parsed.set(number, new DOMParser().parseFromString(text, "image/svg+xml").documentElement);
  }
  return document.importNode(parsed.get(number), true);
}

// The names of mechanisms in series, equal ones that follow one another once, with how often.
function chipsOf(series) {
  const found = [];
  for (const number of series) {
    const last = found[found.length - 1];
    if (last && last.number === number) last.times += 1;
    else found.push({ number, times: 1 });
  }
  return found;
}

function drawing(network) {
  const number = content.drawings.of_head[network.head];
  if (number === undefined || number === null) return null;
  const { slots, mechanisms } = content.vocabulary;
  const numbers = new Map(slots.map((slot, at) => [slot, at]));
  const picture = templateOf(number);
  const seriesIn = (slot) => network.held.get(numbers.get(slot)) || [];
  const seen = new Map();
  for (const group of picture.querySelectorAll("[data-slot]")) {
    const slot = group.getAttribute("data-slot");
    const at = seen.get(slot) || 0;
    seen.set(slot, at + 1);
    const chip = chipsOf(seriesIn(slot))[at];
    if (!chip) {
      group.remove();
      continue;
    }
    const mechanism = mechanisms[chip.number];
    const times = chip.times > 1 ? ` × ${chip.times}` : "";
    group.querySelector("rect").setAttribute("fill", mechanism.colour);
    group.querySelector("text").textContent = mechanism.name + times + group.getAttribute("data-note");
  }
  const names = (node, attribute) => node.getAttribute(attribute).split(" ");
  const keep = (attribute, wanted) => {
    for (const node of picture.querySelectorAll(`[${attribute}]`)) if (!wanted(names(node, attribute))) node.remove();
  };
  keep("data-empty", ([slot]) => !seriesIn(slot).length);
  keep("data-filled", (every) => every.some((slot) => seriesIn(slot).length));
  keep("data-bare", (every) => every.every((slot) => !seriesIn(slot).length));
  keep("data-guided", (every) => every.some((slot) => seriesIn(slot).some((one) => mechanisms[one].guided)));
  const borrowed = content.drawings.borrowed.includes(network.head);
  if (borrowed) for (const node of picture.querySelectorAll("[data-channels]")) node.remove();
  picture.style.minWidth = `${SMALLEST * Number(picture.getAttribute("width"))}px`;
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `The network drawn: ${words(network)}`);
  const families = new Map([...network.held.values()].flat().map((one) => [mechanisms[one].family, mechanisms[one].colour]));
  const legend = [...families].map(([family, colour]) => {
    const patch = shape("svg", { width: 14, height: 12, "aria-hidden": "true" }, shape("rect", { width: 14, height: 12, rx: 6, fill: colour }));
    return element("span", {}, patch, family);
  });
  return element(
    "figure",
    { class: "drawing" },
    scrolled("Drawing of the network", picture),
    element(
      "figcaption",
      { class: "legend" },
      legend,
      element("span", {}, "small circles and squares: empty slots"),
      borrowed ? element("span", {}, "channels are not told: the drawing is that of a host with the same slots") : "",
    ),
  );
}
