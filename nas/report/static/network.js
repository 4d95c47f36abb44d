// Networks in words, their scores, and which of them are shown.
let byKey = new Map();
let shownCache = null;

section((changed) => {
  if (changed.has("content")) {
    byKey = new Map(content.networks.map((network) => [network.key, network]));
    for (const network of content.networks) network.held = held(network);
  }
  if (any(changed, "content", "filters", "text", "frontOnly", "phase")) shownCache = null;
});

// By number of the slot the numbers of the mechanisms in it.
function held(network) {
  const placed = ([slot, ...series]) => [slot, series.map((item) => content.vocabulary.placements[item].mechanism)];
  return new Map(network.attention.map(placed));
}

function words(network) {
  const { heads, slots, placements } = content.vocabulary;
  const parts = network.attention.map(
    ([slot, ...series]) => `${slots[slot]}: ${series.map((item) => placements[item].text).join(" > ")}`,
  );
  return [heads[network.head].text, ...parts].join(" + ");
}

// As the tool reads an architecture: YAML, of which JSON is a part.
function architecture(network) {
  const { heads, slots, placements, mechanisms } = content.vocabulary;
  const { host, dims, options } = heads[network.head];
  const attention = {};
  for (const [slot, ...series] of network.attention) {
    attention[slots[slot]] = series.map((item) => ({
      mechanism: mechanisms[placements[item].mechanism].name,
      ...placements[item].options,
    }));
  }
  return JSON.stringify({ host, dims, options, attention });
}

function scoreOf(network, phase = state.phase) {
  return network[phase];
}

function kindOf(network, score) {
  if (score.place === "reference") return "reference";
  if (network.plain) return "plain";
  if (network.control) return "control";
  return score.place;
}

const KINDS = {
  front: "front",
  dominated: "dominated",
  plain: "plain network",
  control: "control of equal size",
  reference: "reference",
  behind: "trained for fewer steps",
};

function nameOf(network, score) {
  const kind = kindOf(network, score);
  if (kind === "reference") return `reference ${network.reference}`;
  return score.place === "front" && kind !== "front" ? `${KINDS[kind]}, on the front` : KINDS[kind];
}

const ANY = -1;
const EMPTY = -2;

function matches(network, { slot, mechanism }) {
  if (mechanism === EMPTY) return slot === ANY ? network.held.size === 0 : !network.held.has(slot);
  const series = slot === ANY ? [...network.held.values()].flat() : network.held.get(slot) || [];
  return mechanism === ANY ? series.length > 0 : series.includes(mechanism);
}

// Networks with a score in the phase that pass the filters, by rising parameters.
function shown() {
  if (shownCache) return shownCache;
  const text = state.text.trim().toLowerCase();
  shownCache = content.networks.filter((network) => {
    const score = scoreOf(network);
    if (!score || (state.frontOnly && score.place === "dominated") || (state.frontOnly && score.place === "behind")) {
      return false;
    }
    if (!state.filters.every((filter) => matches(network, filter))) return false;
    return !text || network.key.startsWith(text) || words(network).toLowerCase().includes(text);
  });
  return shownCache;
}
