// Interactive scatter plots: hovering shows the nearest item; the search field or a drawn loop selects items.
"use strict";
for (const figure of document.querySelectorAll("figure.map")) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const canvas = figure.querySelector("canvas"), details = figure.querySelector(".details");
  const search = figure.querySelector("input"), context = canvas.getContext("2d");
  const size = canvas.width, margin = 16, itemCount = data.x.length;
  const hoverRadius = 20, minLoopPoints = 8;
  const toCanvas = (share) => margin + share * (size - 2 * margin);
  let selection = null, loop = [];  // a Set of item numbers, or null for all items; points [x, y] of the loop being drawn

  function draw() {
    context.clearRect(0, 0, size, size);
    for (let i = 0; i < itemCount; i++) {
      context.globalAlpha = selection === null ? 0.75 : selection.has(i) ? 1 : 0.08;
      context.fillStyle = data.colors[data.groups[i]];
      context.beginPath();
      context.arc(toCanvas(data.x[i]), toCanvas(data.y[i]), itemCount > 3000 ? 3 : 5, 0, 2 * Math.PI);
      context.fill();
    }
    if (loop.length > 1) {
      context.globalAlpha = 1;
      context.strokeStyle = getComputedStyle(document.body).color;
      context.beginPath();
      for (const [x, y] of loop) context.lineTo(x, y);
      context.closePath();
      context.stroke();
    }
  }

  function pointerPosition(event) {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * size / box.width, (event.clientY - box.top) * size / box.height];
  }

  function nearestItem(x, y) {
    let nearest = -1, smallest = hoverRadius ** 2;
    for (let i = 0; i < itemCount; i++) {
      const squaredDistance = (toCanvas(data.x[i]) - x) ** 2 + (toCanvas(data.y[i]) - y) ** 2;
      if (squaredDistance < smallest && (selection === null || selection.has(i))) {
        smallest = squaredDistance;
        nearest = i;
      }
    }
    return nearest;
  }

  function showDetails(i) {
    details.replaceChildren();
    if (data.thumbnails[i]) {
      const image = new Image();
      image.src = data.thumbnails[i];
      image.alt = "";
      details.append(image);
    }
    const id = document.createElement("b");
    id.textContent = data.ids[i];
    const lineBreak = () => document.createElement("br");
    details.append(id, lineBreak(), data.groupNames[data.groups[i]], lineBreak(), data.excerpts[i] || "");
  }

  // Count the edges of the polygon that a ray from the point to the right crosses: an odd number means inside.
  function isInside(polygon, x, y) {
    let isOdd = false;
    for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
      const [ax, ay] = polygon[i], [bx, by] = polygon[j];
      if ((ay > y) !== (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax) isOdd = !isOdd;
    }
    return isOdd;
  }

  function select(items) {
    selection = items;
    figure.querySelector(".count").textContent = items === null ? "" : items.size + " of " + itemCount;
    draw();
  }

  function selectWhere(isSelected) {
    const items = new Set();
    for (let i = 0; i < itemCount; i++) if (isSelected(i)) items.add(i);
    select(items);
  }

  canvas.addEventListener("pointerdown", (event) => {
    loop = [pointerPosition(event)];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = pointerPosition(event);
    if (event.buttons && loop.length) {
      loop.push([x, y]);
      draw();
      return;
    }
    const nearest = nearestItem(x, y);
    if (nearest >= 0) showDetails(nearest);
  });
  canvas.addEventListener("pointerup", () => {
    const polygon = loop;
    loop = [];
    if (polygon.length > minLoopPoints) {
      selectWhere((i) => isInside(polygon, toCanvas(data.x[i]), toCanvas(data.y[i])));
    } else {
      select(null);
    }
  });
  search.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    if (!wanted) { select(null); return; }
    selectWhere((i) => {
      const text = data.ids[i] + " " + data.groupNames[data.groups[i]] + " " + (data.excerpts[i] || "");
      return text.toLowerCase().includes(wanted);
    });
  });
  draw();
}
