"""The frame of a neuron's page: its style and what makes the neuron turn. Nothing here is loaded from elsewhere."""

from __future__ import annotations

from string import Template

GENERATOR = '<meta name="generator" content="neuropil show">'
"""Marks a page as ours, within its first lines: it may be written anew."""

STYLE = """
:root { color-scheme: light; --ink: #22262d; --soft: #636975; --line: #e3e6ea; --paper: #ffffff; --side: #f7f8fa; }
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body { background: var(--paper); color: var(--ink); font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif;
  display: grid; grid-template: auto 1fr / 1fr 400px; }
header { grid-column: 1 / 3; padding: 12px 20px; border-bottom: 1px solid var(--line); }
h1 { font-size: 20px; margin: 0; overflow-wrap: anywhere; }
header p { margin: 2px 0 0; color: var(--soft); }
main { position: relative; min-width: 0; min-height: 0; }
#plot { position: absolute; inset: 0; }
#turn { position: absolute; left: 16px; top: 14px; font: inherit; color: var(--ink); background: var(--paper);
  border: 1px solid #c9ced6; border-radius: 6px; padding: 5px 12px; cursor: pointer; }
#turn:hover { background: var(--side); }
#turn:focus-visible { outline: 2px solid #1f77b4; outline-offset: 2px; }
#note { position: absolute; right: 16px; bottom: 10px; margin: 0; color: var(--soft); font-size: 12px; }
aside { background: var(--side); border-left: 1px solid var(--line); padding: 4px 20px 24px; overflow-y: auto; }
h2 { font-size: 15px; margin: 18px 0 6px; }
h3 { font-size: 12px; font-weight: 600; color: var(--soft); margin: 12px 0 2px; }
table { width: 100%; border-collapse: collapse; }
th { font-weight: 400; text-align: left; }
thead th { color: var(--soft); font-size: 12px; }
td, thead th + th { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.unit { text-align: left; color: var(--soft); width: 3.2em; padding-left: 6px; }
tr + tr > *, thead + tbody > tr > * { border-top: 1px solid var(--line); }
th, td { padding: 3px 0; vertical-align: baseline; }
thead th + th, tbody td + td:not(.unit) { padding-left: 10px; }
dl { margin: 0; }
dt { margin-top: 8px; }
dt code { font-weight: 600; }
dt span { color: var(--soft); float: right; }
dd { margin: 0; color: #454b56; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 12.5px; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--paper); border: 1px solid var(--line);
  border-radius: 6px; padding: 8px 10px; margin: 6px 0 0; max-height: 320px; overflow: auto; }
summary { cursor: pointer; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 7px; }
.plain { margin: 0; color: #454b56; overflow-wrap: anywhere; }
.small { font-size: 12px; color: var(--soft); }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
@media (max-width: 820px) {
  html, body { height: auto; }
  body { display: block; }
  main { height: 68vh; min-height: 320px; }
  aside { border-left: 0; border-top: 1px solid var(--line); padding: 4px 16px 24px; }
  header { padding: 10px 16px; }
  #note { top: 18px; bottom: auto; max-width: 55%; text-align: right; }
}
@media print { #turn { display: none; } aside { overflow: visible; } }
"""

SCRIPT = """
"use strict";
(() => {
  const SECONDS_A_TURN = 45;
  const plot = document.getElementById("plot"), button = document.getElementById("turn");
  const figure = JSON.parse(document.getElementById("figure").textContent);
  const shape = plot.clientWidth / Math.max(1, plot.clientHeight);
  const camera = figure.layout.scene.camera;
  const fit = figure.layout.meta.fit, away = Math.max(fit.height, fit.width / shape);
  const factor = away / Math.hypot(camera.eye.x, camera.eye.y, camera.eye.z);
  for (const axis of "xyz") camera.eye[axis] *= factor;

  let turning = false, before = 0;
  const turned = (v, angle) => ({
    x: v.x * Math.cos(angle) + v.z * Math.sin(angle), y: v.y, z: v.z * Math.cos(angle) - v.x * Math.sin(angle) });
  const step = now => {
    if (!turning) return;
    const angle = 2 * Math.PI * Math.min(now - before, 100) / 1000 / SECONDS_A_TURN;
    before = now;
    const { eye, up, center, projection } = plot.layout.scene.camera;
    const next = { eye: turned(eye, angle), up: turned(up, angle), center: turned(center, angle), projection };
    Plotly.relayout(plot, { "scene.camera": next }).then(() => requestAnimationFrame(step));
  };
  const turn = on => {
    if (on === turning) return;
    turning = on;
    button.textContent = on ? "❚❚ Pause" : "▶ Rotate";
    button.setAttribute("aria-pressed", String(on));
    if (on) requestAnimationFrame(now => { before = now; step(now); });
  };

  Plotly.newPlot(plot, figure.data, figure.layout, {
    responsive: true, displaylogo: false, scrollZoom: true,
    // Named one by one: plotly's own choice has a button that sends the figure to a server.
    modeBarButtons: [["toImage", "resetCameraDefault3d"]], plotlyServerURL: "",
  }).then(() => {
    button.addEventListener("click", () => turn(!turning));
    for (const kind of ["pointerdown", "wheel", "touchstart"])
      plot.addEventListener(kind, event => { if (event.target.closest(".gl-container, canvas")) turn(false); },
        { capture: true, passive: true });
    turn(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  });
})();
"""

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
$generator
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="$policy">
<title>$name</title>
<style>$style</style>
</head>
<body>
<header><h1>$name</h1><p>$summary</p></header>
<main>
<div id="plot"></div>
<button id="turn" type="button" aria-pressed="false">▶ Rotate</button>
<p id="note">$note</p>
</main>
<aside>
$side
</aside>
<script type="application/json" id="figure">$figure</script>
<script>$plotly</script>
<script>$script</script>
</body>
</html>
""")
"""The page; every value put into it is escaped for its place."""
