// What is shown (null as long as a run has nothing to show), and what the reader has chosen; sections listen for changes of either.
let content = JSON.parse(byId("data").textContent);
const state = { phase: null, selected: null, filters: [], text: "", frontOnly: false, range: "front" };
const sections = [];

// A section is called with the names of what has changed; "content" is one of them.
function section(show) {
  sections.push(show);
}

function change(values) {
  Object.assign(state, values);
  const changed = new Set(Object.keys(values));
  for (const show of sections) show(changed);
}

function any(changed, ...names) {
  return names.some((name) => changed.has(name));
}
