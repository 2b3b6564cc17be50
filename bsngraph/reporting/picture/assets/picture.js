// Brings every <figure data-architecture> of the page to life: facts of an edge and its paths
// on hover, focus and tap; zoom and pan by wheel, pinch, drag, buttons and keys.
// All that it writes into the page is text (textContent): names in a file stay names.
(() => {
  "use strict";

  const MOST_ZOOM = 40;
  const STEP = 1.3;

  // ---- the graph: which edges lie on paths through an edge, and how many paths there are

  function graphOf(edges) {
    const leaving = new Map(), entering = new Map();
    edges.forEach((edge, index) => {
      const [source, target] = edge.ends;
      leaving.set(source, [...(leaving.get(source) || []), index]);
      entering.set(target, [...(entering.get(target) || []), index]);
    });
    return { edges, out: (node) => leaving.get(node) || [], into: (node) => entering.get(node) || [] };
  }

  // The edges that `next` leads to from a node, and how many ways there are to an end.
  function sweep(graph, allowed, node, next, end) {
    const found = new Set(), ways = new Map();
    const count = (at) => {
      if (ways.has(at)) return ways.get(at);
      const edges = next(at).filter(allowed);
      edges.forEach((edge) => found.add(edge));
      const total = edges.length
        ? edges.reduce((sum, edge) => sum + count(graph.edges[edge].ends[end]), 0)
        : 1;
      ways.set(at, total);
      return total;
    };
    return { ways: count(node), found };
  }

  // Of kept edges for a kept edge, of the fabric's for a removed one.
  function pathsThrough(graph, chosen) {
    const { ends: [source, target], kept } = graph.edges[chosen];
    const allowed = (edge) => !kept || graph.edges[edge].kept;
    const before = sweep(graph, allowed, source, graph.into, 0);
    const after = sweep(graph, allowed, target, graph.out, 1);
    return { lit: new Set([...before.found, chosen, ...after.found]), count: before.ways * after.ways };
  }

  // ---- the panel of facts

  function element(kind, text, className) {
    const made = document.createElement(kind);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function row(cells, headed) {
    const made = element("tr");
    cells.forEach((cell, place) => made.append(element(headed || place === 0 ? "th" : "td", cell)));
    return made;
  }

  function factsOf(data, edge, paths) {
    const list = element("dl");
    const many = paths.count < 1e6 ? String(paths.count) : paths.count.toExponential(1);
    const through = `${many} through it, of ${edge.kept ? "kept edges" : "the fabric"}`;
    [...data.facts, "paths"].forEach((label, place) => {
      const text = label === "paths" ? through : edge.facts[place];
      if (text) list.append(element("dt", label), element("dd", text));
    });
    const name = element("p", edge.name, "arch-name");
    if (!data.costs.length) return [name, list];
    const table = element("table"), head = element("thead"), body = element("tbody");
    head.append(row(["cost", "value", "of network", "of fabric"], true));
    data.costs.forEach((cost, place) => body.append(row([cost, ...edge.costs[place]])));
    table.append(head, body);
    return [name, list, table];
  }

  // ---- zoom and pan: what is seen is the SVG's viewBox

  function viewOf(svg, frame) {
    const [x, y, width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    const whole = { x, y, width, height };
    let now = { ...whole };

    function show(next) {
      const width = Math.min(whole.width, Math.max(whole.width / MOST_ZOOM, next.width));
      const height = (width * whole.height) / whole.width;
      const within = (value, low, room) => Math.min(Math.max(value, low), low + room);
      now = {
        x: within(next.x, whole.x, whole.width - width),
        y: within(next.y, whole.y, whole.height - height),
        width,
        height,
      };
      svg.setAttribute("viewBox", `${now.x} ${now.y} ${now.width} ${now.height}`);
      frame.classList.toggle("arch-zoomed", zoomed());
    }

    const zoomed = () => now.width < whole.width * 0.999;
    // A point of the screen in the SVG's units.
    const at = (clientX, clientY) =>
      new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
    const middle = () => ({ x: now.x + now.width / 2, y: now.y + now.height / 2 });

    function zoom(factor, centre = middle()) {
      const width = Math.min(whole.width, Math.max(whole.width / MOST_ZOOM, now.width / factor));
      const ratio = width / now.width;
      show({ x: centre.x - (centre.x - now.x) * ratio, y: centre.y - (centre.y - now.y) * ratio, width });
    }
    const move = (dx, dy) => show({ ...now, x: now.x + dx, y: now.y + dy });
    const movePart = (right, down) => move(right * now.width, down * now.height);
    function reveal(point) {
      const margin = 0.1;
      const inside = (value, low, size) => value > low + margin * size && value < low + (1 - margin) * size;
      if (!inside(point.x, now.x, now.width) || !inside(point.y, now.y, now.height)) {
        show({ ...now, x: point.x - now.width / 2, y: point.y - now.height / 2 });
      }
    }
    return { at, zoom, zoomed, move, movePart, reveal, whole: () => show(whole), keep: () => now, show };
  }

  // One pointer drags, two pinch. `tapped` is called for what was neither.
  function listenToPointers(svg, frame, view, tapped) {
    const pointers = new Map();
    let travelled = 0;
    const spread = () => {
      const [a, b] = [...pointers.values()];
      return { size: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
    };
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      if (!pointers.size) travelled = 0;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    svg.addEventListener("pointermove", (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      const before = pointers.size === 2 ? spread() : null;
      const from = view.at(last.x, last.y);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      travelled += Math.hypot(event.clientX - last.x, event.clientY - last.y);
      if (before) {
        const after = spread();
        if (before.size) view.zoom(after.size / before.size, view.at(after.x, after.y));
      } else if (pointers.size === 1 && travelled > 4) {
        if (!svg.hasPointerCapture(event.pointerId)) svg.setPointerCapture(event.pointerId);
        frame.classList.add("arch-dragging");
        const to = view.at(event.clientX, event.clientY);
        view.move(from.x - to.x, from.y - to.y);
      }
    });
    const end = (event) => {
      if (!pointers.delete(event.pointerId)) return;
      frame.classList.toggle("arch-dragging", pointers.size > 0);
      if (event.type === "pointerup" && travelled <= 4) tapped(event.target);
    };
    svg.addEventListener("pointerup", end);
    svg.addEventListener("pointercancel", end);
    const keepPinch = (event) => event.touches.length > 1 && event.preventDefault();
    svg.addEventListener("touchstart", keepPinch, { passive: false });
    svg.addEventListener(
      "wheel",
      (event) => {
        const meant = event.ctrlKey || event.metaKey || view.zoomed() || frame.contains(document.activeElement);
        if (!meant || (!view.zoomed() && event.deltaY > 0)) return;
        event.preventDefault();
        const turned = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1);
        const factor = Math.exp(-Math.max(-60, Math.min(60, turned)) / 200);
        view.zoom(factor, view.at(event.clientX, event.clientY));
      },
      { passive: false },
    );
  }

  // An edge that can be pointed at beside its line, and named by a screen reader. The
  // browser's own tooltip would stand over the picture.
  function makeButton(group) {
    const title = group.querySelector("title"), hit = group.querySelector(".arch-line").cloneNode();
    hit.setAttribute("class", "arch-hit");
    ["stroke", "stroke-width", "stroke-dasharray"].forEach((name) => hit.removeAttribute(name));
    title.replaceWith(hit);
    const looks = { role: "button", "aria-label": title.textContent, "aria-pressed": "false", tabindex: "-1" };
    Object.entries(looks).forEach(([name, value]) => group.setAttribute(name, value));
  }

  // ---- one figure

  function start(figure) {
    const data = JSON.parse(figure.querySelector("script").textContent);
    const { edges } = data;
    const graph = graphOf(edges);
    const frame = figure.querySelector(".arch-view"), svg = frame.querySelector("svg");
    const panel = figure.querySelector(".arch-facts"), bar = figure.querySelector(".arch-bar");
    const hint = [...panel.childNodes];
    const groups = [...svg.querySelectorAll(".arch-edge")];
    const nodes = [...svg.querySelectorAll(".arch-node")];
    const view = viewOf(svg, frame);
    let pinned = null;

    const indexOf = (target) => {
      const group = target.closest && target.closest(".arch-edge");
      return group ? Number(group.dataset.edge) : null;
    };
    const seen = (index) => edges[index].kept || !frame.classList.contains("arch-kept-only");
    const place = (index) => {
      const path = groups[index].querySelector(".arch-line");
      return path.getPointAtLength(path.getTotalLength() / 2);
    };

    function light(index) {
      const paths = pathsThrough(graph, index);
      const touched = new Set([...paths.lit].flatMap((edge) => edges[edge].ends));
      frame.classList.add("arch-quiet");
      groups.forEach((group, edge) => {
        group.classList.toggle("arch-lit", paths.lit.has(edge));
        group.classList.toggle("arch-chosen", edge === index);
      });
      nodes.forEach((node) => node.classList.toggle("arch-lit", touched.has(Number(node.dataset.node))));
      panel.replaceChildren(...factsOf(data, edges[index], paths));
    }

    function clear() {
      frame.classList.remove("arch-quiet");
      [...groups, ...nodes].forEach((one) => one.classList.remove("arch-lit", "arch-chosen"));
      panel.replaceChildren(...hint);
    }

    // Back to the edge that was kept, or that has the keyboard's focus.
    function rest() {
      const focused = document.activeElement;
      const held = svg.contains(focused) && focused.matches(":focus-visible") ? indexOf(focused) : null;
      const shown = pinned === null ? held : pinned;
      if (shown === null) clear();
      else light(shown);
    }

    function pin(index) {
      pinned = pinned === index ? null : index;
      groups.forEach((group, edge) => group.setAttribute("aria-pressed", String(edge === pinned)));
      rest();
    }

    function stopAt(index) {
      groups.forEach((group, edge) => group.setAttribute("tabindex", edge === index ? "0" : "-1"));
    }

    function go(index) {
      if (index === undefined || index === null) return;
      stopAt(index);
      groups[index].focus({ preventScroll: view.zoomed() });
      view.reveal(place(index));
    }

    // The nearest edge that can be seen, kept ones first.
    const nearest = (from, candidates) => {
      const here = place(from);
      const far = (edge) => Math.abs(place(edge).x - here.x) + (edges[edge].kept ? 0 : 1e6);
      return candidates.filter(seen).sort((a, b) => far(a) - far(b))[0];
    };
    function beside(index, step) {
      const [source, target] = edges[index].ends;
      const together = graph.out(source).filter(seen);
      const family = together.length > 1 ? together : graph.into(target).filter(seen);
      const ordered = family.sort((a, b) => place(a).x - place(b).x);
      return ordered[(ordered.indexOf(index) + step + ordered.length) % ordered.length];
    }
    const visible = () => edges.map((_, index) => index).filter(seen);

    const moves = {
      ArrowDown: (index) => nearest(index, graph.out(edges[index].ends[1])),
      ArrowUp: (index) => nearest(index, graph.into(edges[index].ends[0])),
      ArrowLeft: (index) => beside(index, -1),
      ArrowRight: (index) => beside(index, 1),
      Home: () => visible()[0],
      End: () => visible().at(-1),
    };
    const pans = { ArrowDown: [0, 1], ArrowUp: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
    const keys = {
      "+": () => view.zoom(STEP),
      "=": () => view.zoom(STEP),
      "-": () => view.zoom(1 / STEP),
      0: () => view.whole(),
      Escape: () => {
        if (pinned === null) document.activeElement.blur();
        else pin(pinned);
        clear();
      },
    };

    svg.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const index = indexOf(event.target);
      if (event.shiftKey && pans[event.key]) view.movePart(...pans[event.key].map((part) => part / 5));
      else if (keys[event.key]) keys[event.key]();
      else if (index !== null && moves[event.key]) go(moves[event.key](index));
      else if (index !== null && (event.key === "Enter" || event.key === " ")) pin(index);
      else return;
      event.preventDefault();
    });
    svg.addEventListener("focusin", (event) => {
      const index = indexOf(event.target);
      if (index === null) return;
      stopAt(index);
      light(index);
    });
    svg.addEventListener("focusout", () => (pinned === null ? clear() : light(pinned)));
    svg.addEventListener("pointerover", (event) => {
      const index = indexOf(event.target);
      if (index !== null && event.pointerType !== "touch") light(index);
    });
    svg.addEventListener("pointerout", (event) => {
      if (indexOf(event.target) !== null && event.pointerType !== "touch") rest();
    });
    listenToPointers(svg, frame, view, (target) => {
      const index = indexOf(target);
      if (index !== null) pin(index);
      else if (pinned !== null) pin(pinned);
    });

    bar.addEventListener("click", (event) => {
      const does = { in: () => view.zoom(STEP), out: () => view.zoom(1 / STEP), whole: view.whole };
      const button = event.target.closest("button");
      if (button) does[button.value]();
    });
    const removed = bar.querySelector("input");
    if (removed) {
      removed.addEventListener("change", () => {
        frame.classList.toggle("arch-kept-only", !removed.checked);
        if (pinned !== null && !seen(pinned)) pin(pinned);
        stopAt(visible()[0]);
      });
    }

    let before = null;
    addEventListener("beforeprint", () => {
      before = view.keep();
      view.whole();
    });
    addEventListener("afterprint", () => before && view.show(before));

    groups.forEach(makeButton);
    svg.setAttribute("tabindex", "-1");
    figure.classList.add("arch-alive");
    bar.hidden = false;
    panel.hidden = false;
    stopAt(visible()[0]);
  }

  const startAll = () => document.querySelectorAll("figure[data-architecture]:not(.arch-alive)").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
  else startAll();
})();
