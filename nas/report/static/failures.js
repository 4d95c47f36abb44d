// Trials that failed, by reason.
function failures() {
  const place = byId("failures");
  if (!content.failures.length) {
    place.replaceChildren(element("p", {}, "No trial failed."));
    return;
  }
  const reasons = new Map();
  for (const one of content.failures) reasons.set(one.reason, [...(reasons.get(one.reason) || []), one]);
  const left = content.failed - content.failures.length;
  place.replaceChildren(
    element("p", {}, `${several(content.failed, "trial")} failed.`, left > 0 ? ` The last ${content.failures.length} are told.` : ""),
    ...[...reasons].sort(([, one], [, other]) => other.length - one.length).map(([reason, trials]) => {
      const rows = trials.map((one) => [`${one.phase} ${one.number}`, one.seed, duration(one.seconds), one.architecture]);
      const told = scrolled("Failed trials", table(`Trials that failed: ${reason}`, ["trial", "seed", "ran for", "network"], rows));
      return element("details", {}, element("summary", {}, `${reason} (${trials.length})`), told);
    }),
  );
}

section((changed) => {
  if (changed.has("content")) failures();
});
