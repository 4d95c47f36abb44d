// A page that is served: other runs to go to, and newer data whenever the run has grown.
const live = JSON.parse(byId("live").textContent);
const fetching = { now: false, again: false };

function liveState(text) {
  byId("state").textContent = text;
}

// Filters are numbers of a vocabulary; in a newer one the same names have others.
function filterNames(filters) {
  const { slots, mechanisms } = content.vocabulary;
  return filters.map(({ slot, mechanism }) => [slots[slot] ?? slot, mechanisms[mechanism]?.name ?? mechanism]);
}

function numbered(names) {
  const { slots, mechanisms } = content.vocabulary;
  const number = (name, every) => (typeof name === "number" ? name : every.indexOf(name));
  const found = names.map(([slot, mechanism]) => ({
    slot: number(slot, slots),
    mechanism: number(mechanism, mechanisms.map((one) => one.name)),
    lost: [[slot, slots], [mechanism, mechanisms.map((one) => one.name)]].some(([name, every]) => typeof name === "string" && !every.includes(name)),
  }));
  return found.filter((one) => !one.lost).map(({ slot, mechanism }) => ({ slot, mechanism }));
}

async function refresh() {
  if (fetching.now) {
    fetching.again = true;
    return;
  }
  fetching.now = true;
  try {
    const answer = await fetch(`${location.pathname}/data`, { cache: "no-store" });
    if (!answer.ok) throw new Error(`answer ${answer.status}`);
    const newer = await answer.json();
    const filters = content ? filterNames(state.filters) : [];
    const seen = document.activeElement?.id;
    content = newer;
    begin({ ...state, filters: content ? numbered(filters) : [] });
    if (seen) byId(seen)?.focus({ preventScroll: true });
    liveState(`Live: as of ${new Date().toLocaleTimeString()}.`);
  } catch (error) {
    liveState(`Newer data could not be fetched (${error.message}); shown is what was there before.`);
  }
  fetching.now = false;
  if (fetching.again) {
    fetching.again = false;
    refresh();
  }
}

byId("runs").replaceChildren(
  ...(live.runs.length > 1
    ? live.runs.map((name, at) => element("a", { href: `/run/${at}`, "aria-current": at === live.at ? "page" : undefined }, name))
    : []),
);
const events = new EventSource(`${location.pathname}/events`);
events.addEventListener("changed", refresh);
let lost = false;
events.addEventListener("open", () => {
  liveState("Live: newer trials appear by themselves.");
  if (lost) refresh(); // who knows what was told meanwhile
  lost = false;
});
events.addEventListener("error", () => {
  lost = true;
  liveState("Not connected: shown is what was there before.");
});
