// The page as a whole: its head and foot, and what makes it draw.
function head() {
  const { summary, phases } = content;
  document.title = content.run;
  byId("title").textContent = content.run;
  const told = [
    content.task,
    several(summary.trials, "search trial"),
    ...(content.failed ? [`${content.failed} failed`] : []),
    duration(summary.seconds),
    `${phases.search.steps} steps each`,
    ...(phases.final ? [`finals of ${phases.final.steps} steps on ${phases.final.on}`] : [content.ended ? "no finals" : "no finals yet"]),
    `seed ${content.seed}`,
    ...(content.ended ? [`ended: ${content.ended}`] : []),
  ];
  byId("about").textContent = told.join(" · ");
  byId("notes").textContent = content.notes.join("; ");
  const versions = Object.entries(content.versions).map(([name, version]) => `${name} ${version}`);
  byId("footer").textContent = `Written by attention-nas; the run was made with ${versions.join(", ")}.`;
}

section((changed) => {
  if (changed.has("content")) head();
});

// Draw what there is, with what the reader had chosen where it is still there.
function begin(chosen = {}) {
  document.querySelector("main").hidden = !content;
  if (!content) {
    byId("title").textContent = document.title;
    byId("about").textContent = "No trial has been completed yet.";
    return;
  }
  const phases = Object.keys(content.phases);
  const phase = phases.includes(chosen.phase) ? chosen.phase : phases[phases.length - 1];
  const there = content.networks.some((network) => network.key === chosen.selected);
  change({ ...chosen, content: true, phase, selected: there ? chosen.selected : content.picks[1].key });
}

let before = document.documentElement.clientWidth;
window.addEventListener("resize", () => {
  if (document.documentElement.clientWidth === before) return; // a phone's bars come and go
  before = document.documentElement.clientWidth;
  if (content) change({ width: before });
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", ({ matches: dark }) => content && change({ dark }));
