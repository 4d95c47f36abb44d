// How the front of the search grew.
function progress() {
  const found = content.progress;
  const place = byId("progress");
  if (!found) {
    place.replaceChildren(element("p", {}, "It cannot be told: all networks compared have the same number of parameters."));
    return;
  }
  const width = Math.max(280, Math.min(900, place.clientWidth));
  const height = 240;
  const frame = { left: 56, top: 28, right: width - 14, bottom: height - 48 };
  const last = found.trials.length - 1;
  const across = linear([0, found.trials[last]], [frame.left, frame.right]);
  const upwards = linear(padded(extent(found.hypervolume.slice(found.hypervolume.length > 4 ? 1 : 0)), 0.1), [frame.bottom, frame.top]);
  const path = found.trials.map((trial, at) => {
    const [x, y] = [across(trial).toFixed(1), Math.min(frame.bottom, upwards(found.hypervolume[at])).toFixed(1)];
    return at ? `H${x}V${y}` : `M${x} ${y}`;
  });
  const told =
    `${found.hypervolume[last].toFixed(4)} after ${several(found.trials[last], "trial")} and ${duration(found.seconds[last])}; ` +
    `it last grew at trial ${found.trials[grewLast(found)]}.`;
  const rows = found.trials.map((trial, at) => [trial, duration(found.seconds[at]), found.hypervolume[at].toFixed(4)]);
  place.replaceChildren(
    element("p", {}, told, ` It is the share of the box from ${count(found.low)} to ${count(found.high)} parameters (logarithm) and Dice 0 to 1 that the front dominates.`),
    shape(
      "svg",
      { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Hypervolume over trials: ${told}` },
      axes(frame, across, upwards, { x: "trials", y: "hypervolume", writeX: (value) => count(Math.round(value)), writeY: (value) => value.toFixed(Math.max(2, upwards.digits(5))) }),
      shape("path", { class: "line", d: path.join("") }),
    ),
    element("details", {}, element("summary", {}, "As a table"), scrolled("Hypervolume", table("Hypervolume where it grew", ["trials", "time", "hypervolume"], rows))),
  );
}

function grewLast({ hypervolume }) {
  const last = hypervolume[hypervolume.length - 1];
  return hypervolume.indexOf(last);
}

section((changed) => {
  if (any(changed, "content", "width")) progress();
});
