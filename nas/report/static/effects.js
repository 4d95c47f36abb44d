// The effect of each mechanism in each slot, as a table in colours; a cell sets the filter that shows its networks.
function effects() {
  const { cells, tolerance, reason } = content.effects;
  const place = byId("effects");
  if (!cells.length) {
    place.replaceChildren(element("p", {}, `Nothing can be said yet: ${reason}.`));
    return;
  }
  const { slots, mechanisms } = content.vocabulary;
  const used = slots.filter((slot) => cells.some((cell) => cell.slot === slot));
  const names = [...new Set(cells.map((cell) => cell.mechanism))]; // the best first
  const at = new Map(cells.map((cell) => [`${cell.mechanism}\n${cell.slot}`, cell]));
  const most = Math.max(...cells.map((cell) => Math.abs(cell.mean)));
  const button = (cell) => {
    const filter = { slot: slots.indexOf(cell.slot), mechanism: mechanisms.findIndex((one) => one.name === cell.mechanism) };
    const told = `${cell.mechanism} in ${cell.slot}: ${withInterval(cell.mean, cell.low, cell.high, signed)}, ${cell.verdict}, in ${several(cell.networks, "network")}`;
    return element(
      "button",
      { type: "button", title: `${told}; show them`, "aria-label": `${told}; show them`, onclick: () => show(filter) },
      signed(cell.mean),
    );
  };
  const show = (filter) => {
    addFilter(filter);
    byId("front-heading").scrollIntoView();
  };
  const heat = (cell) => {
    if (!cell) return element("td", { class: "none" });
    const node = element("td", { class: `${cell.mean < 0 ? "down" : "up"} ${cell.verdict.replace(" ", "-")}` }, button(cell));
    node.style.setProperty("--strength", (Math.abs(cell.mean) / most).toFixed(2));
    return node;
  };
  const sure = cells.filter((cell) => cell.verdict === "helps" || cell.verdict === "hurts");
  const list = sure.map((cell) => `${cell.mechanism} in ${cell.slot} ${cell.verdict} (${withInterval(cell.mean, cell.low, cell.high, signed)})`);
  place.replaceChildren(
    element(
      "p",
      {},
      `Dice that a mechanism adds in a slot, by the model of all trials of the search, on ${content.phases.search.on}. `,
      "Framed: surely different from none (the 95 % interval lies on one side of 0). ",
      `Struck through: surely smaller than ${tolerance}. The others are open.`,
    ),
    element("p", {}, sure.length ? `Sure: ${list.slice(0, 8).join("; ")}${list.length > 8 ? "; …" : ""}.` : "Of no mechanism at any place it is sure that it helps or hurts."),
    scrolled(
      "Effects",
      element(
        "table",
        { class: "heat" },
        element("caption", {}, "Mechanism by slot"),
        element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "mechanism"), used.map((slot) => element("th", { scope: "col" }, slot)))),
        element(
          "tbody",
          {},
          names.map((name) => element("tr", {}, element("th", { scope: "row" }, name), used.map((slot) => heat(at.get(`${name}\n${slot}`))))),
        ),
      ),
    ),
  );
}

section((changed) => {
  if (changed.has("content")) effects();
});
