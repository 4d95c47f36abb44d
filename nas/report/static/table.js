// The table of networks: all that the plot shows, in numbers.
const listing = { column: "dice", down: true, page: 0 };
const ROWS = 20;

const COLUMNS = [
  { id: "dice", name: "Dice", value: (network, score) => score.dice, write: (value) => dice(value) },
  { id: "low", name: "95 % interval", value: (network, score) => score.low, write: (value, network, score) => interval(score.low, score.high) },
  { id: "gain", name: "gain on plain", value: (network, score) => score.gain, write: (value) => signed(value) },
  { id: "chance", name: "on front", value: (network, score) => score.chance, write: (value) => share(value) },
  { id: "params", name: "parameters", value: (network) => network.params, write: (value) => count(value) },
  { id: "macs", name: "MACs", value: (network) => network.macs, write: (value) => count(value) },
  { id: "kind", name: "is", value: (network, score) => nameOf(network, score), write: (value) => value },
];

function sorted() {
  const { value } = COLUMNS.find((column) => column.id === listing.column);
  const keyed = shown().map((network) => [value(network, scoreOf(network)), network]);
  const sign = listing.down ? -1 : 1;
  keyed.sort(([one], [other]) => {
    if (!known(one) || !known(other)) return known(one) ? -1 : known(other) ? 1 : 0; // what is not known comes last
    return sign * (one < other ? -1 : one > other ? 1 : 0);
  });
  return keyed.map(([, network]) => network);
}

function networkTable() {
  const every = sorted();
  const pages = Math.max(1, Math.ceil(every.length / ROWS));
  listing.page = Math.min(listing.page, pages - 1);
  const part = every.slice(listing.page * ROWS, (listing.page + 1) * ROWS);
  const head = COLUMNS.map(({ id, name }) => {
    const here = listing.column === id;
    const mark = here ? (listing.down ? " ▼" : " ▲") : "";
    const order = () => {
      Object.assign(listing, { column: id, down: here ? !listing.down : id !== "params" && id !== "macs" && id !== "kind", page: 0 });
      networkTable();
      byId(`sort-${id}`).focus();
    };
    return element(
      "th",
      { scope: "col", "aria-sort": here ? (listing.down ? "descending" : "ascending") : "none" },
      element("button", { type: "button", id: `sort-${id}`, onclick: order }, name, element("span", { "aria-hidden": "true" }, mark)),
    );
  });
  const rows = part.map((network) => {
    const score = scoreOf(network);
    const open = () => {
      select(network.key);
      byId("detail-heading").focus();
    };
    return element(
      "tr",
      { "data-key": network.key, onclick: open, "aria-current": network.key === state.selected ? "true" : undefined },
      COLUMNS.map(({ value, write }) => element("td", {}, write(value(network, score), network, score))),
      element("th", { scope: "row" }, element("button", { type: "button", class: "link", title: words(network) }, words(network))),
    );
  });
  const turn = (by) => () => {
    listing.page += by;
    networkTable();
    byId(by > 0 ? "next-page" : "previous-page").focus();
  };
  byId("table").replaceChildren(
    scrolled(
      "Networks",
      element(
        "table",
        { class: "networks" },
        element("caption", {}, `${several(every.length, "network")}, ${content.phases[state.phase].on}`),
        element("thead", {}, element("tr", {}, head, element("th", { scope: "col" }, "network"))),
        element("tbody", {}, rows),
      ),
    ),
    element(
      "div",
      { class: "row" },
      element("button", { type: "button", id: "previous-page", disabled: listing.page === 0, onclick: turn(-1) }, "Previous"),
      element("span", {}, `page ${listing.page + 1} of ${pages}`),
      element("button", { type: "button", id: "next-page", disabled: listing.page === pages - 1, onclick: turn(1) }, "Next"),
    ),
  );
}

function markRow() {
  for (const row of byId("table").querySelectorAll("tbody tr")) {
    if (row.dataset.key === state.selected) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

section((changed) => {
  if (any(changed, "filters", "text", "frontOnly", "phase")) listing.page = 0;
  if (any(changed, "content", "filters", "text", "frontOnly", "phase")) networkTable();
  else if (changed.has("selected")) markRow();
});
