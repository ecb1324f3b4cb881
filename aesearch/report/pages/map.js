// Maps on canvases: hovering tells of the nearest item, a drawn loop and the search field light up some of them.
"use strict";
for (const figure of document.querySelectorAll("figure.map")) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const canvas = figure.querySelector("canvas"), note = figure.querySelector(".note");
  const search = figure.querySelector("input"), pen = canvas.getContext("2d");
  const size = canvas.width, edge = 16, count = data.x.length;
  const at = (value) => edge + value * (size - 2 * edge);
  let lit = null, loop = [];

  function draw() {
    pen.clearRect(0, 0, size, size);
    for (let i = 0; i < count; i++) {
      pen.globalAlpha = lit === null ? 0.75 : lit.has(i) ? 1 : 0.08;
      pen.fillStyle = data.colours[data.group[i]];
      pen.beginPath();
      pen.arc(at(data.x[i]), at(data.y[i]), count > 3000 ? 3 : 5, 0, 7);
      pen.fill();
    }
    if (loop.length > 1) {
      pen.globalAlpha = 1;
      pen.strokeStyle = getComputedStyle(document.body).color;
      pen.beginPath();
      for (const [x, y] of loop) pen.lineTo(x, y);
      pen.closePath();
      pen.stroke();
    }
  }

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * size / box.width, (event.clientY - box.top) * size / box.height];
  }

  function tell(i) {
    note.replaceChildren();
    if (data.picture[i]) {
      const image = new Image();
      image.src = data.picture[i];
      image.alt = "";
      note.append(image);
    }
    const name = document.createElement("b");
    name.textContent = data.id[i];
    note.append(name, document.createElement("br"), data.names[data.group[i]], document.createElement("br"), data.words[i] || "");
  }

  function inside(x, y) {
    let odd = false;
    for (let i = 0, j = loop.length - 1; i < loop.length; j = i++) {
      const [ax, ay] = loop[i], [bx, by] = loop[j];
      if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  }

  function say(chosen) {
    lit = chosen;
    figure.querySelector(".count").textContent = chosen === null ? "" : chosen.size + " of " + count;
    draw();
  }

  canvas.addEventListener("pointerdown", (event) => {
    loop = [place(event)];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    if (event.buttons && loop.length) {
      loop.push([x, y]);
      draw();
      return;
    }
    let best = -1, least = 400;
    for (let i = 0; i < count; i++) {
      const far = (at(data.x[i]) - x) ** 2 + (at(data.y[i]) - y) ** 2;
      if (far < least && (lit === null || lit.has(i))) { least = far; best = i; }
    }
    if (best >= 0) tell(best);
  });
  canvas.addEventListener("pointerup", () => {
    const chosen = new Set();
    if (loop.length > 8) {
      for (let i = 0; i < count; i++) if (inside(at(data.x[i]), at(data.y[i]))) chosen.add(i);
    }
    const drawn = loop.length > 8;
    loop = [];
    say(drawn ? chosen : null);
  });
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    if (!wanted) { say(null); return; }
    const chosen = new Set();
    for (let i = 0; i < count; i++) {
      const text = data.id[i] + " " + data.names[data.group[i]] + " " + (data.words[i] || "");
      if (text.toLowerCase().includes(wanted)) chosen.add(i);
    }
    say(chosen);
  });
  draw();
}
