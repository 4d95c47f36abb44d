// Filters by slot and mechanism, by text, and to the front alone.
function filterName({ slot, mechanism }) {
  const { slots, mechanisms } = content.vocabulary;
  const where = slot === ANY ? "any slot" : slots[slot];
  const what = mechanism === ANY ? "filled" : mechanism === EMPTY ? "empty" : mechanisms[mechanism].name;
  return `${where}: ${what}`;
}

function addFilter(filter) {
  const there = state.filters.some((one) => one.slot === filter.slot && one.mechanism === filter.mechanism);
  if (!there) change({ filters: [...state.filters, filter] });
}

function filterForm() {
  const { slots, mechanisms } = content.vocabulary;
  const option = (value, text) => element("option", { value }, text);
  const slot = element("select", { id: "filter-slot" }, option(ANY, "any slot"), slots.map((one, at) => option(at, one)));
  const mechanism = element(
    "select",
    { id: "filter-mechanism" },
    option(ANY, "any mechanism"),
    option(EMPTY, "empty"),
    mechanisms.map((one, at) => option(at, one.name)),
  );
  const add = (event) => {
    event.preventDefault();
    addFilter({ slot: Number(slot.value), mechanism: Number(mechanism.value) });
  };
  byId("filters").onsubmit = add;
  byId("filters").replaceChildren(
    element("label", {}, element("span", {}, "Slot"), slot),
    element("label", {}, element("span", {}, "Mechanism"), mechanism),
    element("button", { type: "submit" }, "Add filter"),
    element(
      "label",
      {},
      element("span", {}, "Find"),
      element("input", {
        type: "search",
        id: "find",
        value: state.text,
        placeholder: "word or key",
        oninput: (event) => change({ text: event.target.value }),
      }),
    ),
    element(
      "label",
      { class: "tick-box" },
      element("input", {
        type: "checkbox",
        id: "front-only",
        checked: state.frontOnly,
        onchange: (event) => change({ frontOnly: event.target.checked }),
      }),
      element("span", {}, "front and references only"),
    ),
  );
}

function filterList() {
  const remove = (filter) => {
    change({ filters: state.filters.filter((one) => one !== filter) });
    (byId("filters-set").querySelector("button") ?? byId("filter-slot")).focus(); // the button that had it is gone
  };
  byId("filters-set").replaceChildren(
    ...state.filters.map((filter) => {
      const name = filterName(filter);
      const label = `Remove the filter ${name}`;
      return element("li", {}, element("button", { type: "button", "aria-label": label, onclick: () => remove(filter) }, `${name} ×`));
    }),
  );
}

section((changed) => {
  if (changed.has("content")) filterForm();
  if (any(changed, "content", "filters")) filterList();
});
