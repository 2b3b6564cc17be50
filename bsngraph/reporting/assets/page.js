/* The page: its theme, its tabs, what a link opens, and its curves (drawn by uPlot). */
(function () {
  "use strict";

  var root = document.documentElement;
  var darkness = window.matchMedia("(prefers-color-scheme: dark)");
  var drawn = [];

  function isDark() {
    var chosen = root.getAttribute("data-theme");
    return chosen ? chosen === "dark" : darkness.matches;
  }

  function variable(name) {
    return getComputedStyle(root).getPropertyValue(name).trim();
  }

  /* --- theme */

  function beginTheme() {
    var button = document.getElementById("theme");
    button.hidden = false;
    function tell() {
      button.textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
    }
    button.addEventListener("click", function () {
      root.setAttribute("data-theme", isDark() ? "light" : "dark");
      tell();
      redraw();
    });
    darkness.addEventListener("change", function () { tell(); redraw(); });
    tell();
  }

  /* --- tabs: one run at a time below the comparison */

  function show(anchor) {
    document.querySelectorAll(".run").forEach(function (run) { run.hidden = run.id !== anchor; });
    document.querySelectorAll("#tabs a").forEach(function (link) {
      if (link.dataset.run === anchor) { link.setAttribute("aria-current", "true"); }
      else { link.removeAttribute("aria-current"); }
    });
    drawCurves();
  }

  function follow() {
    var target = document.querySelector(":target");
    if (!target) { return; }
    var run = target.closest(".run");
    if (run && document.getElementById("tabs")) { show(run.id); }
    for (var part = target; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") { part.open = true; }
    }
    target.scrollIntoView();
  }

  function beginTabs() {
    var first = document.querySelector("#tabs a");
    if (first) { show(first.dataset.run); }
    window.addEventListener("hashchange", follow);
    follow();
  }

  /* --- curves */

  var PREFIXES = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

  function quantity(value) {
    if (value === null || value === undefined) { return ""; }
    for (var index = 0; index < PREFIXES.length; index++) {
      if (Math.abs(value) >= PREFIXES[index][0]) {
        return Number((value / PREFIXES[index][0]).toPrecision(3)) + " " + PREFIXES[index][1];
      }
    }
    return String(Number(value.toPrecision(3)));
  }

  function percent(value) {
    return value === null || value === undefined ? "" : Number((100 * value).toPrecision(4)) + " %";
  }

  /* Burn-in as a band, drops of the learning rate dotted, new stages solid. */
  function marks(data) {
    return {
      hooks: {
        drawClear: [function (plot) {
          var context = plot.ctx, box = plot.bbox;
          function x(epoch) { return plot.valToPos(epoch, "x", true); }
          function line(epoch, dash) {
            context.setLineDash(dash);
            context.beginPath();
            context.moveTo(x(epoch - 0.5), box.top);
            context.lineTo(x(epoch - 0.5), box.top + box.height);
            context.stroke();
          }
          context.save();
          context.fillStyle = variable("--shade");
          if (data.burnIn) {
            var from = Math.max(x(data.burnIn[0] - 0.5), box.left);
            context.fillRect(from, box.top, x(data.burnIn[1] + 0.5) - from, box.height);
          }
          context.strokeStyle = variable("--cheapest");
          context.lineWidth = devicePixelRatio;
          data.drops.forEach(function (epoch) { line(epoch, [2 * devicePixelRatio, 3 * devicePixelRatio]); });
          data.stages.slice(1).forEach(function (stage) { line(stage[0], []); });
          context.restore();
        }]
      }
    };
  }

  /* Colours of the run's own pictures; on dark paper those that are too dark for it are lightened. */
  function inkOf(colour) {
    if (!isDark()) { return colour; }
    var parts = [1, 3, 5].map(function (start) { return parseInt(colour.slice(start, start + 2), 16); });
    return "rgb(" + parts.map(function (part) { return Math.round(part + (255 - part) * 0.42); }).join(",") + ")";
  }

  function keyOf(panel) {
    var key = document.createElement("p"), values = [];
    key.className = "curve-key";
    panel.series.forEach(function (series) {
      var entry = document.createElement("span"), name = document.createElement("i"), value = document.createElement("b");
      entry.style.color = inkOf(series.colour);
      if (series.dashed) { entry.className = "dashed"; }
      name.textContent = series.label + " ";
      entry.append(name, value);
      key.append(entry);
      values.push(value);
    });
    return { element: key, values: values };
  }

  /* Panels of the search alone end with it. */
  function trimmed(data, panel) {
    var count = data.epochs.length;
    while (count > 1 && panel.series.every(function (series) { return series.values[count - 1] === null; })) { count--; }
    return {
      epochs: data.epochs.slice(0, count), burnIn: data.burnIn,
      drops: data.drops.filter(function (epoch) { return epoch <= data.epochs[count - 1]; }),
      stages: data.stages.filter(function (stage) { return stage[0] <= data.epochs[count - 1]; })
    };
  }

  function draw(place, whole, panel, together) {
    var data = trimmed(whole, panel), told = panel.percent ? percent : quantity;
    var box = document.createElement("div"), title = document.createElement("p"), key = keyOf(panel);
    var canvas = document.createElement("div");
    box.className = "curve";
    title.className = "curve-title";
    title.textContent = panel.title;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", panel.title + " over epochs; the numbers are in the table below");
    box.append(title, key.element, canvas);
    place.append(box);

    function tell(index) {
      panel.series.forEach(function (series, number) {
        var at = index;
        if (at === null || at === undefined) {
          for (at = data.epochs.length - 1; at > 0 && series.values[at] === null; at--) { /* the last one there is */ }
        }
        key.values[number].textContent = told(series.values[at]);
      });
    }
    var axis = {
      stroke: variable("--soft"), font: "12px system-ui, sans-serif",
      grid: { stroke: variable("--line"), width: 1 }, ticks: { stroke: variable("--line"), width: 1, size: 4 }
    };
    var last = data.epochs[data.epochs.length - 1];
    var options = {
      width: Math.max(place.clientWidth ? box.clientWidth : 330, 200), height: 190,
      legend: { show: false },
      cursor: { sync: { key: together, scales: ["x", null] }, drag: { x: true, y: false } },
      scales: {
        x: { time: false, range: function (plot, low, high) { return low === high ? [0.5, last + 0.5] : [low, high]; } },
        y: panel.log ? { distr: 3 } : {}
      },
      axes: [
        Object.assign({ size: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000] }, axis),
        Object.assign({ size: 54, values: function (plot, splits) { return splits.map(told); } }, axis)
      ],
      series: [{}].concat(panel.series.map(function (series) {
        return {
          label: series.label, stroke: inkOf(series.colour), width: 1.75,
          dash: series.dashed ? [6, 4] : undefined, points: { show: data.epochs.length < 3 },
          paths: series.stepped ? uPlot.paths.stepped({ align: 1 }) : undefined
        };
      })),
      plugins: [marks(data)],
      hooks: { setCursor: [function (plot) { tell(plot.cursor.idx); }] }
    };
    var plot = new uPlot(options, [data.epochs].concat(panel.series.map(function (series) { return series.values.slice(0, data.epochs.length); })), canvas);
    tell(null);
    drawn.push({ plot: plot, box: box, place: place });
  }

  function drawCurves() {
    document.querySelectorAll("[data-curves]").forEach(function (place) {
      if (place.childElementCount || !place.offsetParent) { return; }
      var data = JSON.parse(document.getElementById(place.dataset.curves).textContent);
      data.panels.forEach(function (panel) { draw(place, data, panel, place.dataset.curves); });
      place.parentElement.querySelector(".key").hidden = false;
    });
  }

  function redraw() {
    drawn.splice(0).forEach(function (one) {
      one.plot.destroy();
      one.place.replaceChildren();
    });
    drawCurves();
  }

  /* Only what can be scrolled is a stop of the Tab key. */
  function stop() {
    document.querySelectorAll(".scroll").forEach(function (box) {
      if (box.scrollWidth > box.clientWidth) { box.setAttribute("tabindex", "0"); }
      else { box.removeAttribute("tabindex"); }
    });
  }

  function resize() {
    stop();
    drawn.forEach(function (one) {
      var width = one.box.clientWidth;
      if (width && Math.abs(width - one.plot.width) > 1) { one.plot.setSize({ width: width, height: 190 }); }
    });
  }

  beginTheme();
  beginTabs();
  drawCurves();
  stop();
  document.addEventListener("toggle", stop, true);
  window.addEventListener("resize", resize);
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll(".run").forEach(function (run) { run.hidden = false; });
    drawCurves();
  });
})();
