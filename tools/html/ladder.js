// SPDX-License-Identifier: MIT
// The ladder: a canvas over a tall scrolled box; only what is in sight is drawn. A row is a moment at one end.
'use strict';

const ladder = (() => {
  const PAD = 22;
  const FAINT = 0.15; // what the play has not come to
  const DENSE = 800; // more arrows or rows than this in sight are thinned out
  const TALL_MAX = 12e6; // browsers stop at about 3e7 pixels
  const STATE_COLOURS = {
    'SYN-SENT': 'opening', 'SYN-RECEIVED': 'opening', ESTABLISHED: 'established', CLOSED: 'closed', LISTEN: 'closed',
  };
  const element = {};
  const view = {
    connection: null, selected: null, hover: null, matches: new Set(), scaled: false, rowHeight: 24, pxPerNs: 0,
    width: 0, height: 0, left: 0, right: 0, narrow: false, colours: {}, playing: null, framesDrawn: 0,
  };
  let select = () => {};
  let pending = false;

  const colourOfState = (state) => STATE_COLOURS[state] || 'closing';
  const fonts = { label: '12px ', small: '11px ', bold: '600 12px ' };
  const font = (name) => fonts[name] + getComputedStyle(document.body).fontFamily;

  function readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ['surface', 'line', 'text', 'muted', 'accent', 'select', 'data', 'ack', 'control', 'again', 'lost', 'reset',
      'datagram', 'timer', 'find', 'grid', 'opening', 'established', 'closing', 'closed'])
      view.colours[name] = style.getPropertyValue('--' + name).trim();
    view.fonts = { label: font('label'), small: font('small'), bold: font('bold') };
  }

  // --- where things are ---------------------------------------------------------------------------

  function yOfRow(row) {
    if (!view.scaled) return PAD + row * view.rowHeight;
    return PAD + (view.connection.rows[row].time - view.connection.t0) * view.pxPerNs;
  }

  function tallness() {
    const c = view.connection;
    return c && c.rows.length ? yOfRow(c.rows.length - 1) + 2 * PAD : 0;
  }

  function rowAt(y) {
    return model.firstWhere(view.connection.rows, (row, i) => yOfRow(i) >= y);
  }

  // Two ends of an arrow, in the canvas.
  function lineOf(segment) {
    const top = element.scroller.scrollTop;
    const toRight = segment.from === 0;
    const x0 = toRight ? view.left : view.right;
    const x1 = toRight ? view.right : view.left;
    const y0 = yOfRow(segment.rowOut) - top;
    if (segment.lost) return [x0, y0, x0 + (x1 - x0) * (view.narrow ? 0.94 : 0.72), y0 + (view.scaled ? 0 : view.rowHeight * 0.3)];
    if (view.connection.both && segment.tIn === null) return [x0, y0, x0 + (x1 - x0) * 0.9, y0]; // the trace ended first
    return [x0, y0, x1, yOfRow(segment.rowIn) - top];
  }

  // The segments in sight: all that begin above the lower edge and end below the upper one.
  function visible() {
    const c = view.connection;
    const top = element.scroller.scrollTop;
    const first = rowAt(top - 40);
    const last = rowAt(top + view.height + 40);
    const found = [];
    for (let i = model.firstWhere(c.reach, (reach) => reach >= first); i < c.segments.length && c.segments[i].rowOut <= last; i++) {
      if (Math.max(c.segments[i].rowIn, c.segments[i].rowOut) >= first) found.push(c.segments[i]);
    }
    return { first, last: Math.min(last, c.rows.length - 1), segments: found };
  }

  // --- drawing ------------------------------------------------------------------------------------

  function labelOf(segment) {
    if (segment.protocol === 'UDP') return 'UDP  len ' + segment.len;
    if (segment.protocol === 'ICMP') return 'ICMP  ' + words.why(segment.why) + '  len ' + segment.len;
    let text = segment.flags.replace(/,/g, ', ') + '  seq ' + segment.relSeq;
    if (segment.relAck !== null) text += (view.narrow ? ' ack ' : '  ack ') + segment.relAck;
    return segment.len ? text + (view.narrow ? ' len ' : '  len ') + segment.len : text;
  }

  function drawArrow(g, segment, share) {
    const [x0, y0, xEnd, yEnd] = lineOf(segment);
    const x1 = x0 + (xEnd - x0) * share;
    const y1 = y0 + (yEnd - y0) * share;
    const chosen = segment === view.selected;
    const colour = view.colours[segment.lost ? 'lost' : segment.kind];
    const angle = Math.atan2(y1 - y0, x1 - x0);
    const head = chosen ? 10 : 8;
    g.strokeStyle = g.fillStyle = colour;
    g.lineWidth = chosen ? 3 : segment === view.hover ? 2.5 : 1.6;
    g.setLineDash(segment.lost ? [6, 4] : []);
    g.beginPath();
    g.moveTo(x0, y0);
    g.lineTo(x1, y1);
    g.stroke();
    g.setLineDash([]);
    g.beginPath();
    if (segment.lost) {
      g.lineWidth = 2.4;
      g.moveTo(x1 - 5, y1 - 5);
      g.lineTo(x1 + 5, y1 + 5);
      g.moveTo(x1 + 5, y1 - 5);
      g.lineTo(x1 - 5, y1 + 5);
      g.stroke();
    } else {
      g.moveTo(x1, y1);
      g.lineTo(x1 - head * Math.cos(angle - 0.4), y1 - head * Math.sin(angle - 0.4));
      g.lineTo(x1 - head * Math.cos(angle + 0.4), y1 - head * Math.sin(angle + 0.4));
      g.fill();
    }
  }

  function drawLabel(g, segment) {
    const [x0, y0, x1, y1] = lineOf(segment);
    const toRight = segment.from === 0;
    const text = labelOf(segment);
    g.font = segment === view.selected && !view.narrow ? view.fonts.bold : view.narrow ? view.fonts.small : view.fonts.label;
    const width = g.measureText(text).width;
    const x = toRight ? x0 + 14 : x0 - 14 - width;
    const middle = toRight ? x + width / 2 : x + width / 2;
    const y = y0 + Math.min((y1 - y0) * Math.abs((middle - x0) / (x1 - x0)), 7) - (y1 - y0 > 12 ? 3 : 0);
    g.fillStyle = segment === view.selected ? view.colours.select : view.matches.has(segment) ? view.colours.find : view.colours.surface;
    g.globalAlpha *= segment === view.selected || view.matches.has(segment) ? 1 : 0.9;
    g.fillRect(x - 4, y - 8, width + 8, 16);
    g.fillStyle = view.colours[segment.lost ? 'lost' : segment.kind === 'ack' ? 'muted' : segment.kind];
    g.fillText(text, x, y + 4);
    if (segment.lost && !view.narrow) {
      const word = words.get('lost');
      g.fillText(word, toRight ? x1 + 12 : x1 - 12 - g.measureText(word).width, y1 + 4);
    }
  }

  function drawLanes(g, seen) {
    const c = view.connection;
    const top = element.scroller.scrollTop;
    c.ends.forEach((end, i) => {
      const x = i ? view.right : view.left;
      g.lineCap = 'butt';
      if (end.host === null || c.protocol !== 'TCP') {
        g.strokeStyle = view.colours.line;
        g.lineWidth = 2;
        g.setLineDash(end.host === null ? [4, 5] : []);
        g.beginPath();
        g.moveTo(x, 0);
        g.lineTo(x, view.height);
        g.stroke();
        g.setLineDash([]);
        return;
      }
      const changes = changesOf(c, i);
      let k = Math.max(0, model.firstWhere(changes, (change) => change.row >= seen.first) - 1);
      for (; k < changes.length && changes[k].row <= seen.last + 1; k++) {
        const from = k === 0 && changes[0].row <= 0 ? 0 : yOfRow(Math.max(0, changes[k].row)) - top;
        const to = k + 1 < changes.length ? yOfRow(changes[k + 1].row) - top : view.height;
        g.strokeStyle = view.colours[colourOfState(changes[k].state)];
        g.lineWidth = 5;
        g.beginPath();
        g.moveTo(x, Math.max(-5, from));
        g.lineTo(x, Math.min(view.height + 5, to));
        g.stroke();
      }
    });
  }

  // The states of an end, by rows; the first is what it was in before.
  function changesOf(c, end) {
    const list = c.ends[end].changes = c.ends[end].changes || [];
    if (list.length === 0) {
      for (const mark of c.marks) {
        if (mark.event !== 'state' || mark.end !== end) continue;
        if (list.length === 0) list.push({ row: -1, state: mark.from });
        list.push({ row: mark.beside ? mark.beside.row : mark.row, state: mark.to });
      }
      if (list.length === 0) list.push({ row: -1, state: 'CLOSED' });
    }
    return list;
  }

  const seconds = (ns) => (ns / 1e9).toFixed(view.decimals);

  function drawMargin(g, end, y, time, state) {
    const x = end ? view.right : view.left;
    g.textAlign = end ? 'left' : 'right';
    if (state) {
      g.font = view.narrow ? view.fonts.small : view.fonts.bold;
      g.fillStyle = view.colours.text;
      g.fillText(view.narrow ? state.replace('ESTABLISHED', 'ESTAB').replace('SYN-RECEIVED', 'SYN-RCVD') : state,
        x + (end ? 10 : -10), view.narrow && time !== null ? y - 3 : y + 4);
      g.fillStyle = view.colours[colourOfState(state)];
      g.beginPath();
      g.arc(x, y, 5, 0, 7);
      g.fill();
    }
    if (time !== null) {
      g.font = view.fonts.small;
      g.fillStyle = view.colours.muted;
      if (view.narrow) {
        g.fillText(seconds(time), x + (end ? 10 : -10), y + (state ? 9 : 4));
      } else {
        g.textAlign = end ? 'right' : 'left';
        g.fillText(seconds(time), end ? view.width - 10 : 10, y + 4);
      }
    }
    g.textAlign = 'left';
  }

  function markText(event) {
    if (event.event === 'timer_fired') return words.get('timer_fired', words.timer(event.timer));
    if (event.event === 'lost') {
      const isn = view.connection.isn[event.end];
      return words.get('lostMark', 'seq ' + model.signed(isn, event.seq), event.len);
    }
    return event.event === 'drop' ? words.get('drop', words.reason(event.reason)) : '';
  }

  function drawMark(g, event, y, text) {
    const end = event.end;
    g.font = view.fonts.small;
    const width = g.measureText(text).width;
    const x = end ? view.right - 14 - width : view.left + 14;
    g.fillStyle = view.colours.surface;
    g.fillRect(x - 4, y - 8, width + 8, 16);
    g.fillStyle = view.colours[event.event === 'timer_fired' ? 'timer' : 'lost'];
    g.fillText(text, x, y + 4);
    g.fillRect(end ? view.right - 9 : view.left + 4, y - 1, 6, 2);
  }

  // Of rows so close that no text fits between, only one each few pixels is looked at.
  function nextRow(i, seen) {
    if (seen.last - seen.first < DENSE) return i + 1;
    return Math.max(i + 1, rowAt(yOfRow(i) + 4));
  }

  function drawRows(g, seen) {
    const c = view.connection;
    const top = element.scroller.scrollTop;
    const lastY = [-100, -100];
    const lastTime = [null, null];
    for (let i = seen.first; i <= seen.last; i = nextRow(i, seen)) {
      const { event, end, time } = c.rows[i];
      g.globalAlpha = view.playing && i > view.selected.rowIn ? FAINT : 1;
      const y = yOfRow(i) - top;
      const states = event.event === 'state' ? [event] : event.states || [];
      const room = y - lastY[end] >= (view.narrow ? 20 : 14);
      const showTime = room && time !== lastTime[end];
      if (showTime || states.length) {
        drawMargin(g, end, y, showTime ? time - c.start : null, states.length ? states[states.length - 1].to : '');
        lastY[end] = y;
        lastTime[end] = time;
      }
      const crowded = view.scaled && (!room || view.labels[end].some((label) => Math.abs(label - y - top) < 14));
      const text = crowded ? '' : markText(event);
      if (text) {
        drawMark(g, event, y, text);
        lastY[end] = y;
      }
    }
    g.globalAlpha = 1;
  }

  function drawGrid(g) {
    const c = view.connection;
    if (!view.scaled) return;
    const wanted = 90 / view.pxPerNs;
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = power * [1, 2, 5, 10].find((n) => n * power >= wanted);
    const top = element.scroller.scrollTop;
    const from = (top - PAD) / view.pxPerNs + c.t0 - c.start;
    g.font = view.fonts.small;
    for (let n = Math.max(0, Math.ceil(from / step)); ; n++) {
      const y = PAD + (n * step + c.start - c.t0) * view.pxPerNs - top;
      if (y > view.height) break;
      g.fillStyle = view.colours.grid;
      g.fillRect(view.left, y, view.right - view.left, 1);
      g.fillStyle = view.colours.muted;
      const text = +(n * step / 1e9).toFixed(9) + ' s';
      g.fillText(text, (view.left + view.right - g.measureText(text).width) / 2, y - 3);
    }
  }

  // When more than the eye can tell apart fall together, one of each look stands for them.
  function thin(segments) {
    const lastY = [];
    if (segments.length < DENSE) return segments;
    return segments.filter((s) => {
      const y = yOfRow(s.rowOut);
      if (s !== view.selected && y - lastY[s.look] < 3) return false;
      lastY[s.look] = y;
      return true;
    });
  }

  function shareOf(segment) {
    const play = view.playing;
    if (!play || segment.number < play.number) return 1;
    return segment.number === play.number ? play.share : 0;
  }

  function drawSegments(g, segments) {
    const drawn = thin(segments);
    const lastY = [-100, -100];
    view.labels = [[], []];
    for (const segment of drawn) {
      const share = shareOf(segment);
      g.globalAlpha = share > 0 ? 1 : FAINT;
      drawArrow(g, segment, share > 0 ? share : 1);
    }
    for (const segment of drawn) {
      const y = yOfRow(segment.rowOut);
      if (segment !== view.selected && y - lastY[segment.from] < 14) continue;
      lastY[segment.from] = y;
      g.globalAlpha = shareOf(segment) > 0 ? 1 : FAINT;
      view.labels[segment.from].push(y);
      drawLabel(g, segment);
    }
    g.globalAlpha = 1;
  }

  function draw() {
    pending = false;
    const g = element.canvas.getContext('2d');
    g.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    g.clearRect(0, 0, view.width, view.height);
    if (!view.connection) return;
    const seen = visible();
    drawGrid(g);
    drawLanes(g, seen);
    drawSegments(g, seen.segments);
    drawRows(g, seen);
    view.framesDrawn++;
  }

  function redraw() {
    if (!pending) {
      pending = true;
      requestAnimationFrame(draw);
    }
  }

  // --- size, zoom, choice --------------------------------------------------------------------------

  function resize() {
    const box = element.scroller;
    view.width = box.clientWidth;
    view.height = box.clientHeight;
    view.narrow = view.width < 560;
    view.left = view.narrow ? 84 : view.decimals > 3 ? 182 : 162;
    view.right = view.width - view.left;
    element.canvas.width = Math.round(view.width * devicePixelRatio);
    element.canvas.height = Math.round(view.height * devicePixelRatio);
    element.canvas.style.width = view.width + 'px';
    element.canvas.style.height = view.height + 'px';
    element.tall.style.height = Math.max(tallness(), view.height) + 'px';
    redraw();
  }

  // So that the usual distance between two moments is one row.
  function usualScale(c) {
    const gaps = [];
    for (let i = 1; i < c.rows.length; i++) {
      if (c.rows[i].time > c.rows[i - 1].time) gaps.push(c.rows[i].time - c.rows[i - 1].time);
    }
    gaps.sort((a, b) => a - b);
    const whole = Math.max(1, c.t1 - c.t0);
    const scale = gaps.length ? 30 / gaps[gaps.length >> 1] : 1;
    return Math.min(Math.max(scale, (view.height - 3 * PAD) / whole), 2e5 / whole);
  }

  function keepMiddle(change) {
    const box = element.scroller;
    const anchor = view.selected ? view.selected.rowOut : rowAt(box.scrollTop + view.height / 2);
    const row = Math.min(anchor, view.connection.rows.length - 1);
    let offset = yOfRow(row) - box.scrollTop;
    if (offset < 0 || offset > view.height) offset = view.height / 2;
    change();
    resize();
    box.scrollTop = yOfRow(row) - offset;
  }

  function zoom(factor) {
    if (!view.connection) return;
    keepMiddle(() => {
      if (view.scaled) {
        const whole = Math.max(1, view.connection.t1 - view.connection.t0);
        view.pxPerNs = Math.min(Math.max(view.pxPerNs * factor, (view.height - 3 * PAD) / whole), TALL_MAX / whole);
      } else {
        const most = Math.min(60, TALL_MAX / view.connection.rows.length);
        view.rowHeight = Math.min(Math.max(view.rowHeight * factor, 2), most);
      }
    });
  }

  function ensureVisible(segment) {
    const y = yOfRow(segment.rowOut);
    const box = element.scroller;
    if (y < box.scrollTop + 40 || yOfRow(segment.rowIn) > box.scrollTop + view.height - 40)
      box.scrollTop = Math.max(0, y - view.height * 0.35);
  }

  function hit(x, y) {
    let best = null;
    let bestDistance = 9;
    for (const segment of visible().segments) {
      const [x0, y0, x1, y1] = lineOf(segment);
      const t = Math.min(1, Math.max(0, ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)));
      let d = Math.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0));
      const inLabel = Math.abs(x - x0) < 200 && Math.sign(x - x0) === Math.sign(x1 - x0);
      if (inLabel || x < view.left || x > view.right) d = Math.min(d, Math.abs(y - y0) + 2);
      if (d < bestDistance) {
        bestDistance = d;
        best = segment;
      }
    }
    return best;
  }

  function setConnection(connection) {
    const span = connection.t1 - connection.t0;
    view.connection = connection;
    view.selected = view.hover = view.playing = null;
    view.matches = new Set();
    view.decimals = connection.rows.every((row) => (row.time - connection.start) % 1e6 === 0) ? 3 : span < 1e10 ? 6 : 4;
    view.pxPerNs = usualScale(connection);
    element.scroller.scrollTop = 0;
    resize();
  }

  function start(onSelect) {
    select = onSelect;
    for (const id of ['scroller', 'tall', 'canvas']) element[id] = document.getElementById(id);
    readColours();
    new ResizeObserver(resize).observe(element.scroller);
    element.scroller.addEventListener('scroll', redraw, { passive: true });
    element.scroller.addEventListener('wheel', (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2);
    }, { passive: false });
    element.canvas.addEventListener('click', (event) => {
      const segment = view.connection && hit(event.offsetX, event.offsetY);
      if (segment) select(segment);
    });
    element.canvas.addEventListener('mousemove', (event) => {
      const hover = view.connection && hit(event.offsetX, event.offsetY);
      if (hover === view.hover) return;
      view.hover = hover;
      element.canvas.style.cursor = hover ? 'pointer' : '';
      redraw();
    });
  }

  return {
    start, setConnection, redraw, resize, zoom, labelOf, lineOf, markText, seconds, draw, view,
    restyle() { readColours(); redraw(); },
    show(segment) { view.selected = segment; ensureVisible(segment); redraw(); },
    setScaled(scaled) { keepMiddle(() => { view.scaled = scaled; }); },
    setMatches(list) { view.matches = new Set(list); redraw(); },
    setPlaying(playing) { view.playing = playing; redraw(); },
  };
})();
