// SPDX-License-Identifier: MIT
// What the page tells of the chosen segment.
'use strict';

const panel = (() => {
  const box = () => document.getElementById('panel');

  function element(name, properties, ...children) {
    const e = document.createElement(name);
    Object.assign(e, properties);
    e.append(...children.filter((child) => child !== null && child !== undefined));
    return e;
  }

  const number = (n) => n.toLocaleString('en').replace(/,/g, '\u202f');
  const bytes = (n) => (n === undefined ? '' : number(n) + ' ' + words.get('bytes'));
  const milliseconds = (ns) => +(ns / 1e6).toFixed(3) + ' ms';

  function row(name, ...content) {
    return element('tr', {}, element('th', { textContent: name, scope: 'row' }), element('td', {}, ...content));
  }

  const small = (text) => element('small', { textContent: ' ' + text });

  function clauseLink(text) {
    const number_ = /RFC (\d+)/.exec(text)[1];
    const section = /RFC \d+,? ([\d.]+\d)/.exec(text);
    const href = 'https://www.rfc-editor.org/rfc/rfc' + number_ + (section ? '#section-' + section[1] : '');
    return element('a', { textContent: text, href, target: '_blank', rel: 'noreferrer noopener' });
  }

  function title(connection, segment) {
    const names = connection.ends.map((end) => end.name || end.address);
    const kind = segment.lost ? 'lost' : segment.kind;
    const badge = element('span', { className: 'kind', textContent: words.get(kind) });
    badge.style.color = 'var(--' + kind + ')';
    return element('h2', {},
      segment.protocol === 'TCP' ? segment.flags.replace(/,/g, ', ') : segment.protocol, badge,
      element('small', { textContent: names[segment.from] + ' → ' + names[1 - segment.from] }),
      element('small', { textContent: words.get('segment') + ' ' + segment.number + ' ' + words.get('of') + ' ' + connection.segments.length }));
  }

  function why(segment) {
    const name = segment.why;
    if (!name) return element('p', { className: 'why', textContent: words.get('peerOnly') });
    const clause = words.clause(name);
    return element('p', { className: 'why', id: 'why' }, words.why(name), clause ? clauseLink(clause) : null);
  }

  function optionsText(offer) {
    const list = ['MSS ' + offer.mss];
    if (offer.window_scale !== 255) list.push('window scale ' + offer.window_scale);
    if (offer.sack_permitted) list.push('SACK permitted');
    if (offer.timestamps) list.push('timestamps');
    return list.join(', ');
  }

  function times(connection, segment) {
    const at = (t) => ladder.seconds(t - connection.start) + ' ' + words.get('seconds');
    const missing = words.get(segment.lost ? 'neverArrived' : connection.both ? 'onItsWay' : 'unknown');
    return [
      row(words.get('sent'), segment.tOut === null ? words.get('unknown') : at(segment.tOut)),
      row(words.get('arrived'), segment.tIn === null ? missing : at(segment.tIn),
        segment.tIn !== null && segment.tOut !== null ? small('+' + milliseconds(segment.tIn - segment.tOut)) : null),
    ];
  }

  function header(connection, segment) {
    const rows = times(connection, segment);
    if (segment.protocol === 'TCP') {
      const event = segment.out || segment.in;
      rows.push(row(words.get('seq'), number(segment.relSeq), small(segment.seq + ' ' + words.get('absolute'))));
      if (segment.relAck !== null)
        rows.push(row(words.get('ackNumber'), number(segment.relAck), small(segment.ack + ' ' + words.get('absolute'))));
      rows.push(row(words.get('length'), bytes(segment.len)), row(words.get('window'), bytes(segment.window)));
      if (event.tsval) rows.push(row(words.get('timestamps'), event.tsval + ', ' + event.tsecr));
      if (segment.offer) rows.push(row(words.get('options'), optionsText(segment.offer)));
      if (segment.sack.length) {
        const isn = connection.isn[1 - segment.from];
        rows.push(row(words.get('sack'), segment.sack.map(([l, r]) => model.signed(isn, l) + '–' + model.signed(isn, r)).join(', ')));
      }
      if (segment.out && segment.out.transmissions > 1) rows.push(row(words.get('transmission'), String(segment.out.transmissions)));
    } else {
      rows.push(row(words.get('length'), bytes(segment.len)));
    }
    return element('table', { id: 'header' }, element('tbody', {}, ...rows));
  }

  function cell(state, key, format) {
    const before = state.before[key];
    const after = state.after[key];
    if (after === undefined) return element('td', { textContent: '–' });
    if (before === undefined || before === after) return element('td', { textContent: format(after) });
    return element('td', {}, format(before) + ' → ', element('span', { className: 'changed', textContent: format(after) }));
  }

  function timersCell(state) {
    const list = state.timers.map(([timer, at]) => words.timer(timer) + ' ' + milliseconds(at - state.time));
    const td = element('td', {});
    if (list.length === 0) td.textContent = '–';
    list.forEach((text) => td.append(element('div', { textContent: text })));
    return td;
  }

  function ends(connection, segment) {
    const all = model.snapshot(connection, segment);
    const seen = connection.ends.map((end, i) => i).filter((i) => all[i]); // of one end's trace only that end
    const states = seen.map((i) => all[i]);
    const threshold = (n) => (n >= 2 ** 31 ? '∞' : number(n));
    const rows = [['state', 'state', String], ['cwnd', 'cwnd', number], ['ssthresh', 'ssthresh', threshold], ['flight', 'flight', number],
      ['snd_wnd', 'snd_wnd', number], ['rcv_wnd', 'rcv_wnd', number], ['srtt', 'srtt', milliseconds], ['rttvar', 'rttvar', milliseconds],
      ['rto', 'rto', milliseconds]]
      .filter(([, key]) => states.some((s) => s.after[key] !== undefined))
      .map(([name, key, format]) => element('tr', {}, element('th', { textContent: words.get(name), scope: 'row' }),
        ...states.map((s) => cell(s, key, format))));
    rows.push(element('tr', {}, element('th', { textContent: words.get('timers'), scope: 'row' }), ...states.map(timersCell)));
    return element('table', { className: 'ends', id: 'ends' },
      element('thead', {}, element('tr', {}, element('th', {}),
        ...seen.map((i) => element('th', {}, connection.ends[i].name || connection.ends[i].address,
          small(words.get(i === segment.from ? 'atSending' : 'afterArrival')))))),
      element('tbody', {}, ...rows));
  }

  function eventText(connection, event) {
    switch (event.event) {
    case 'state': return event.from + ' → ' + event.to + ' (' + words.cause(event.cause) + ')';
    case 'timer_armed': return words.get('timer_armed', words.timer(event.timer), milliseconds(event.at - event.time));
    case 'rtt': return words.get('rttEvent', milliseconds(event.sample), milliseconds(event.srtt));
    case 'window': return words.get('windowEvent', number(event.cwnd), number(event.snd_wnd)) +
      (event.why && event.why !== 'none' ? ' (' + words.why(event.why) + ')' : '');
    case 'segment_out': return event.segment ? words.get('sentOne', ladder.labelOf(event.segment)) : '';
    case 'end': return words.get('end');
    default: return ladder.markText(event);
    }
  }

  function happened(connection, segment) {
    const items = [];
    connection.ends.forEach((end, i) => {
      const own = i === segment.from ? null : segment.in;
      if (end.host === null || !own) return;
      for (const event of model.consequences(end, own)) {
        const text = eventText(connection, event);
        if (text) items.push(element('li', { textContent: (end.name || end.address) + ': ' + text }));
      }
    });
    return items.length ? element('ul', { id: 'happened' }, ...items.slice(0, 12)) : null;
  }

  function show(connection, segment) {
    const after = happened(connection, segment);
    const parts = [title(connection, segment), why(segment), element('h3', { textContent: words.get('header') }), header(connection, segment)];
    if (segment.protocol === 'TCP') parts.push(element('h3', { textContent: words.get('ends') }), ends(connection, segment));
    if (after) parts.push(element('h3', { textContent: words.get('happened') }), after);
    box().replaceChildren(...parts);
    box().dataset.segment = segment.number;
  }

  return { show, element };
})();
