// Elements of the page, made from plain values: a text is always a text, whatever stands in it.
const SVG = "http://www.w3.org/2000/svg";

function put(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== ""));
  return node;
}

function element(tag, attributes = {}, ...children) {
  return put(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return put(document.createElementNS(SVG, tag), attributes, children);
}

function byId(id) {
  return document.getElementById(id);
}

// A choice of one out of a few, as radio buttons: what is chosen is seen, heard and reached by keyboard, which stays on it.
function choice(fieldset, name, options, chosen, choose) {
  const legend = fieldset.querySelector("legend");
  const focused = fieldset.contains(document.activeElement);
  const buttons = options.map(([value, text]) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) }),
      element("span", {}, text),
    ),
  );
  fieldset.replaceChildren(legend, ...buttons);
  if (focused) fieldset.querySelector("input:checked")?.focus();
}

// A table with a head; cells are texts or nodes, and the first of a row is its heading.
function table(caption, names, rows, attributes = {}) {
  return element(
    "table",
    attributes,
    element("caption", {}, caption),
    element("thead", {}, element("tr", {}, names.map((name) => element("th", { scope: "col" }, name)))),
    element(
      "tbody",
      {},
      rows.map(([first, ...others]) =>
        element("tr", {}, element("th", { scope: "row" }, first), others.map((cell) => element("td", {}, cell))),
      ),
    ),
  );
}

// A wide table or drawing that scrolls within its own frame, by keyboard too.
function scrolled(label, ...children) {
  return element("div", { class: "scrolled", tabindex: "0", role: "region", "aria-label": label }, ...children);
}
