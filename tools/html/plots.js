// SPDX-License-Identifier: MIT
// Three plots over one time axis: sequence numbers (as tcptrace draws them), windows, round-trip times. All are as the
// sender of the data saw them where its trace is there.
'use strict';

const plots = (() => {
  const boxes = ['sequence', 'windows', 'rtt'];
  let charts = [];
  let connection = null;
  let direction = 0;
  let selected = null;
  let select = () => {};
  let range = null;
  let sharing = false;
  let dots = { data: [], sacks: [] };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
  const seconds = (time) => (time - connection.start) / 1e9;
  const bySender = () => connection.ends[direction].host !== null;
  const timeOfData = (s) => (bySender() ? s.tOut : s.tIn);
  const timeOfAck = (s) => (bySender() ? s.tIn : s.tOut);

  // x and columns, ordered by x.
  function columns(points, names) {
    points.sort((a, b) => a.x - b.x);
    return [points.map((p) => p.x), ...names.map((name) => points.map((p) => (p[name] === undefined ? null : p[name])))];
  }

  function sequenceData() {
    const points = [];
    dots = { data: [], sacks: [] };
    for (const s of connection.segments) {
      if (s.protocol !== 'TCP' || s.flags.includes('RST')) continue;
      if (s.from === direction && timeOfData(s) !== null && (s.len > 0 || /SYN|FIN/.test(s.flags)))
        dots.data.push({ x: seconds(timeOfData(s)), low: s.relSeq, high: s.relSeq + Math.max(s.len, 1), again: s.kind === 'again', lost: s.lost });
      if (s.from !== direction && s.relAck !== null && timeOfAck(s) !== null) {
        const x = seconds(timeOfAck(s));
        points.push({ x, ack: s.relAck, edge: s.relAck + s.window });
        for (const [left, right] of s.sack)
          dots.sacks.push({ x, low: model.signed(connection.isn[direction], left), high: model.signed(connection.isn[direction], right) });
      }
    }
    dots.data.sort((a, b) => a.x - b.x);
    dots.sacks.sort((a, b) => a.x - b.x);
    if (points.length === 0) dots.data.forEach((d) => points.push({ x: d.x }));
    return columns(points, ['ack', 'edge']);
  }

  function windowsData() {
    const points = [];
    let una = null;
    let nxt = null;
    let wnd;
    for (const e of connection.ends[direction].events) {
      const x = seconds(e.time);
      if (e.event === 'segment_out' && e.state !== 'LISTEN') {
        const past = (e.seq + e.len + (/SYN|FIN/.test(e.flags) ? 1 : 0)) % 2 ** 32;
        if (una === null) una = e.seq;
        if (nxt === null || model.signed(nxt, past) > 0) nxt = past;
        points.push({ x, flight: model.distance(una, nxt), cwnd: e.cwnd || undefined, wnd });
      } else if (e.event === 'segment_in' && una !== null && e.flags.includes('ACK')) {
        if (model.signed(una, e.ack) > 0) una = e.ack;
        wnd = e.window;
        points.push({ x, flight: model.distance(una, nxt), wnd });
      } else if (e.event === 'window') {
        points.push({ x, cwnd: e.cwnd, ssthresh: e.ssthresh >= 2 ** 31 ? undefined : e.ssthresh });
      }
    }
    return columns(points, ['cwnd', 'flight', 'ssthresh', 'wnd']);
  }

  function rttData() {
    return columns(connection.ends[direction].events.filter((e) => e.event === 'rtt')
      .map((e) => ({ x: seconds(e.time), sample: e.sample / 1e6, srtt: e.srtt / 1e6, rto: e.rto / 1e6 })), ['sample', 'srtt', 'rto']);
  }

  // --- drawing -------------------------------------------------------------------------------------

  function strokes(u, list, name, width, tick) {
    const g = u.ctx;
    const ratio = devicePixelRatio;
    const from = model.firstWhere(list, (d) => d.x >= u.scales.x.min);
    g.strokeStyle = colour(name);
    g.lineWidth = width * ratio;
    g.beginPath();
    for (let i = from; i < list.length && list[i].x <= u.scales.x.max; i++) {
      const x = u.valToPos(list[i].x, 'x', true);
      const low = u.valToPos(list[i].low, 'y', true);
      const high = Math.min(u.valToPos(list[i].high, 'y', true), low - ratio);
      g.moveTo(x, low);
      g.lineTo(x, high);
      if (tick) {
        g.moveTo(x - 2 * ratio, high);
        g.lineTo(x + 2 * ratio, high);
        g.moveTo(x - 2 * ratio, low);
        g.lineTo(x + 2 * ratio, low);
      }
    }
    g.stroke();
  }

  function letters(u, list) {
    const g = u.ctx;
    g.fillStyle = colour('again');
    g.font = '600 ' + 11 * devicePixelRatio + 'px sans-serif';
    g.textAlign = 'center';
    list.filter((d) => d.x >= u.scales.x.min && d.x <= u.scales.x.max).slice(0, 400)
      .forEach((d) => g.fillText('R', u.valToPos(d.x, 'x', true), u.valToPos(d.high, 'y', true) - 4 * devicePixelRatio));
  }

  function drawSequence(u) {
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    strokes(u, dots.sacks, 'sack', 2.5, false);
    strokes(u, dots.data.filter((d) => !d.again && !d.lost), 'data', 1.5, true);
    strokes(u, dots.data.filter((d) => d.lost), 'lost', 1.5, true);
    strokes(u, dots.data.filter((d) => d.again && !d.lost), 'again', 2, true);
    letters(u, dots.data.filter((d) => d.again));
    u.ctx.restore();
  }

  function drawSelected(u) {
    if (!selected) return;
    const x = u.valToPos(seconds(selected.t0), 'x', true);
    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
    u.ctx.fillStyle = colour('accent');
    u.ctx.globalAlpha = 0.55;
    u.ctx.fillRect(x - devicePixelRatio / 2, u.bbox.top, devicePixelRatio, u.bbox.height);
    u.ctx.globalAlpha = 1;
  }

  function sequenceRange(u) {
    let low = Infinity;
    let high = -Infinity;
    for (let i = model.firstWhere(dots.data, (d) => d.x >= u.scales.x.min); i < dots.data.length && dots.data[i].x <= u.scales.x.max; i++) {
      low = Math.min(low, dots.data[i].low);
      high = Math.max(high, dots.data[i].high);
    }
    if (low === Infinity) {
      const at = Math.max(0, model.firstWhere(dots.data, (d) => d.x >= u.scales.x.min) - 1);
      low = high = dots.data[at] ? dots.data[at].low : 0;
    }
    const air = Math.max(4, (high - low) * 0.08);
    return [low - air, high + 1.8 * air];
  }

  // --- charts ---------------------------------------------------------------------------------------

  function shareRange(u, key) {
    if (key !== 'x' || sharing) return;
    sharing = true;
    range = [u.scales.x.min, u.scales.x.max];
    charts.forEach((chart) => { if (chart !== u) chart.setScale('x', { min: range[0], max: range[1] }); });
    sharing = false;
  }

  // Between the first and last event that matter: a wait of a minute in TIME-WAIT would leave no room for the rest.
  function wholeRange() {
    const segments = connection.segments;
    const from = seconds(segments[0].t0);
    let to = from;
    segments.forEach((s) => { to = Math.max(to, seconds(s.t1)); });
    const air = Math.max((to - from) * 0.02, 1e-6);
    return [from - air, to + air];
  }

  const short = (n) => (Math.abs(n) >= 1e9 ? +(n / 1e9).toFixed(2) + 'G' : Math.abs(n) >= 1e6 ? +(n / 1e6).toFixed(2) + 'M' :
    Math.abs(n) >= 1e4 ? +(n / 1e3).toFixed(1) + 'k' : String(+n.toFixed(2)));

  function series(name, colourName, more) {
    return { label: name, stroke: colour(colourName), width: 1.5, spanGaps: true, points: { show: false }, value: (u, v) => (v === null || v === undefined ? '–' : short(v)), ...more };
  }

  function chart(name, title, data, lines, unit, more) {
    const box = document.getElementById('plot-' + name);
    const axis = { stroke: colour('muted'), grid: { stroke: colour('grid'), width: 1 }, ticks: { stroke: colour('line'), width: 1, size: 4 },
      font: '11px ' + getComputedStyle(document.body).fontFamily };
    box.replaceChildren();
    const u = new uPlot({
      title: title + (unit ? ' (' + unit + ')' : ''), width: box.clientWidth - 12, height: 160,
      cursor: { sync: { key: 'gander', setSeries: false, scales: ['x', null] }, drag: { x: true, y: false }, focus: { prox: 30 } },
      scales: { x: { time: false, range: (v, min, max) => (range ? [min, max] : wholeRange()) }, ...(more.scales || {}) },
      series: [{ label: words.get('time'), value: (v, t) => (t === null ? '–' : t.toFixed(4) + ' ' + words.get('seconds')) }, ...lines],
      axes: [{ ...axis, size: 26, values: (v, ticks) => ticks.map((t) => +t.toFixed(6) + 's') }, { ...axis, size: 48, values: (v, ticks) => ticks.map(short) }],
      hooks: { draw: [...(more.draw || []), drawSelected], setScale: [shareRange] },
    }, data, box);
    u.over.addEventListener('click', () => {
      if (u.cursor.left >= 0) pick(u.posToVal(u.cursor.left, 'x'), name === 'sequence' ? u.posToVal(u.cursor.top, 'y') : null);
    });
    u.over.addEventListener('dblclick', () => u.setScale('x', { min: wholeRange()[0], max: wholeRange()[1] }));
    charts.push(u);
  }

  // The segment whose time is nearest; in the sequence plot, of those of that moment the one whose numbers are.
  function pick(x, y) {
    let best = null;
    let least = Infinity;
    for (const s of connection.segments) {
      const own = s.from === direction ? timeOfData(s) : timeOfAck(s);
      if (own === null) continue;
      let d = Math.abs(seconds(own) - x) * 1e6;
      if (y !== null && s.relSeq !== undefined) {
        const at = s.from === direction ? s.relSeq : s.relAck;
        d += Math.abs(y - at) * 1e-3;
      }
      if (d < least) {
        least = d;
        best = s;
      }
    }
    if (best) select(best);
  }

  function draw() {
    if (!connection) return;
    const points = { show: true, size: 6, width: 1 };
    charts.forEach((c) => c.destroy());
    charts = [];
    document.getElementById('plots').hidden = connection.protocol !== 'TCP';
    if (connection.protocol !== 'TCP') return;
    const kept = range || wholeRange();
    sharing = true;
    range = kept;
    const names = connection.ends.map((end) => end.name || end.address);
    document.getElementById('direction').textContent = names[direction] + ' → ' + names[1 - direction];
    const stepped = uPlot.paths.stepped({ align: 1 });
    chart('sequence', words.get('sequence'), sequenceData(), [series(words.get('acked'), 'control', { paths: stepped }),
      series(words.get('window_edge'), 'window', { paths: stepped })], words.get('bytes'),
    { draw: [drawSequence], scales: { y: { range: sequenceRange } } });
    chart('windows', words.get('windows'), windowsData(), [series('cwnd', 'data', { paths: stepped }),
      series(words.get('flight'), 'control', { paths: stepped, width: 1 }), series('ssthresh', 'again', { paths: stepped, dash: [5, 4] }),
      series(words.get('snd_wnd'), 'window', { paths: stepped, show: false })], words.get('bytes'),
    { scales: { y: { range: (u, min, max) => [0, (max || 1) * 1.1] } } });
    chart('rtt', words.get('rtt'), rttData(), [series(words.get('sample'), 'sack', { paths: () => null, points }),
      series(words.get('srtt'), 'data', {}), series('RTO', 'again', { dash: [5, 4], show: false })], 'ms',
    { scales: { y: { range: (u, min, max) => [0, (max || 1) * 1.15] } } });
    charts.forEach((c) => c.setScale('x', { min: kept[0], max: kept[1] }));
    sharing = false;
  }

  function start(onSelect) {
    select = onSelect;
    let width = 0;
    new ResizeObserver(() => {
      const now = document.getElementById('plots').clientWidth;
      if (Math.abs(now - width) > 4) {
        width = now;
        draw();
      }
    }).observe(document.getElementById('plots'));
  }

  return {
    start, draw, boxes,
    setConnection(c) {
      const sent = [0, 0];
      c.segments.forEach((s) => { sent[s.from] += s.len || 0; });
      connection = c;
      selected = null;
      direction = sent[1] > sent[0] ? 1 : 0;
      range = null;
      draw();
    },
    turn() { direction = 1 - direction; draw(); },
    show(segment) { selected = segment; charts.forEach((c) => c.redraw(false)); },
    charts: () => charts,
  };
})();
