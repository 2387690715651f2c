// SPDX-License-Identifier: MIT
// Joins the parts: which connection and segment is chosen, playing, searching, keys, language and colours.
'use strict';

const page = (() => {
  const $ = (id) => document.getElementById(id);
  const state = { trace: null, connection: null, segment: null, playing: false, share: 0, matches: [], timer: 0 };

  // --- choosing --------------------------------------------------------------------------------------

  function choose(segment) {
    if (!segment) return;
    state.segment = segment;
    ladder.show(segment);
    panel.show(state.connection, segment);
    plots.show(segment);
    showFound();
  }

  function step(by) {
    const list = state.connection ? state.connection.segments : [];
    const index = state.segment ? state.segment.number - 1 + by : 0;
    if (list.length) choose(list[Math.min(list.length - 1, Math.max(0, index))]);
  }

  function stepByHand(by) {
    pause();
    step(by);
  }

  function openConnection(index) {
    pause();
    state.connection = state.trace.connections[index];
    state.segment = null;
    $('connections').value = String(index);
    ladder.setConnection(state.connection);
    plots.setConnection(state.connection);
    showHosts();
    search();
    choose(state.connection.segments[0]);
  }

  // --- playing: each segment on its way, waits shortened --------------------------------------------

  function play() {
    if (!state.connection) return;
    if (state.segment.number === state.connection.segments.length) choose(state.connection.segments[0]);
    state.playing = true;
    state.share = 0;
    $('play').textContent = '❚❚';
    $('play').title = words.get('pause');
    state.before = performance.now();
    requestAnimationFrame(frame);
  }

  function pause() {
    state.playing = false;
    ladder.setPlaying(null);
    $('play').textContent = '▶';
    $('play').title = words.get('play');
  }

  // How long the chosen segment is on its way in the play, in ms: as long as to the next, but not too short or long to see.
  function showTime() {
    const next = state.connection.segments[state.segment.number];
    const gap = next ? (next.t0 - state.segment.t0) / 1e6 : 0;
    return Math.min(1400, Math.max(450, gap * 4)) / Number($('speed').value);
  }

  function frame(now) {
    if (!state.playing) return;
    state.share += Math.max(0, now - state.before) / showTime();
    state.before = now;
    if (state.share >= 1) {
      if (state.segment.number === state.connection.segments.length) {
        pause();
        return;
      }
      step(1);
      state.share = 0;
    }
    ladder.setPlaying({ number: state.segment.number, share: Math.min(1, 0.02 + state.share * 1.3) });
    requestAnimationFrame(frame);
  }

  const togglePlay = () => (state.playing ? pause() : play());

  // --- searching --------------------------------------------------------------------------------------

  function hay(segment) {
    if (!segment.hay) {
      const why = segment.why;
      segment.hay = [ladder.labelOf(segment), segment.flags, why, words.why(why), segment.lost ? 'lost ' + words.get('lost') : segment.kind,
        segment.lost ? '' : words.get(segment.kind), segment.sack.length ? 'sack' : '', segment.seq, ladder.seconds(segment.t0 - state.connection.start)]
        .join(' ').toLowerCase();
    }
    return segment.hay;
  }

  function search() {
    const wanted = $('search').value.toLowerCase().split(/\s+/).filter(Boolean);
    state.matches = wanted.length && state.connection ?
      state.connection.segments.filter((s) => wanted.every((word) => hay(s).includes(word))) : [];
    ladder.setMatches(state.matches);
    showFound();
  }

  function showFound() {
    const index = state.matches.indexOf(state.segment);
    if (!$('search').value) $('found').textContent = '';
    else if (state.matches.length === 0) $('found').textContent = words.get('noMatch');
    else $('found').textContent = words.get('matches', index < 0 ? '–' : index + 1, state.matches.length);
  }

  function nextMatch(back) {
    const at = state.segment ? state.segment.number : 0;
    if (state.matches.length === 0) return;
    pause();
    if (back) choose([...state.matches].reverse().find((s) => s.number < at) || state.matches[state.matches.length - 1]);
    else choose(state.matches.find((s) => s.number > at) || state.matches[0]);
  }

  // --- words and colours ----------------------------------------------------------------------------

  function showHosts() {
    const boxes = $('hosts').querySelectorAll('div');
    state.connection.ends.forEach((end, i) => {
      const name = panel.element('b', { textContent: end.name || words.get('notSeen') });
      boxes[i].replaceChildren(name, panel.element('span', { textContent: end.address }));
    });
    const count = (test) => state.connection.segments.filter(test).length;
    const again = count((s) => s.kind === 'again');
    const lost = count((s) => s.lost);
    $('summary').textContent = state.connection.segments.length + ' ' + words.get('segments') +
      (again ? ' · ' + again + ' ' + words.get('retransmissions') : '') + (lost ? ' · ' + lost + ' ' + words.get('losses') : '');
  }

  function showLegend() {
    const kinds = state.connection && state.connection.protocol !== 'TCP' ? ['datagram', 'lost'] :
      ['data', 'ack', 'control', 'again', 'lost', 'reset', 'timerMark'];
    $('legend').replaceChildren(...kinds.map((kind) => {
      const line = panel.element('i', { className: kind === 'lost' ? 'dashed' : '' });
      line.style.borderColor = 'var(--' + (kind === 'timerMark' ? 'timer' : kind) + ')';
      return panel.element('span', {}, line, words.get(kind));
    }));
  }

  function showWords() {
    document.documentElement.lang = words.language() === 'zh' ? 'zh-CN' : 'en';
    document.querySelectorAll('[data-word]').forEach((e) => { e.textContent = words.get(e.dataset.word); });
    document.querySelectorAll('[data-title]').forEach((e) => {
      e.title = words.get(e.dataset.title);
      e.setAttribute('aria-label', e.title);
    });
    document.title = words.get('title') + ' – gander';
    $('search').placeholder = words.get('search');
    $('search').setAttribute('aria-label', words.get('search'));
    $('mode').textContent = words.get(ladder.view.scaled ? 'even' : 'scale');
    $('keys').replaceChildren(panel.element('table', {}, ...words.get('keys').map(([key, text]) => panel.element('tr', {},
      panel.element('td', {}, panel.element('kbd', { textContent: key })), panel.element('td', { textContent: text })))));
    showLegend();
    if (!state.connection) return;
    state.connection.segments.forEach((s) => { s.hay = null; });
    showHosts();
    ladder.restyle();
    plots.draw();
    search();
    choose(state.segment);
  }

  function setLanguage(code) {
    words.setLanguage(code);
    showWords();
  }

  function setTheme(theme) {
    document.documentElement.dataset.theme = theme;
    ladder.restyle();
    plots.draw();
  }

  function setScaled(scaled) {
    if (!state.connection) return;
    ladder.setScaled(scaled);
    $('mode').textContent = words.get(scaled ? 'even' : 'scale');
  }

  // --- keys and buttons -----------------------------------------------------------------------------

  const actions = {
    next: () => stepByHand(1),
    previous: () => stepByHand(-1),
    play: togglePlay,
    'zoom-in': () => ladder.zoom(1.35),
    'zoom-out': () => ladder.zoom(1 / 1.35),
    mode: () => setScaled(!ladder.view.scaled),
    direction: () => plots.turn(),
    theme: () => setTheme(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'),
    language: () => setLanguage(words.language() === 'zh' ? 'en' : 'zh'),
    help: () => ($('keys').open ? $('keys').close() : $('keys').showModal()),
  };
  const keys = {
    ArrowRight: 'next', j: 'next', ArrowLeft: 'previous', k: 'previous', ' ': 'play', '+': 'zoom-in', '=': 'zoom-in', '-': 'zoom-out',
    t: 'mode', s: 'direction', d: 'theme', l: 'language', '?': 'help',
  };

  function onKey(event) {
    const target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || !state.connection) return;
    if (target === $('search')) {
      if (event.key === 'Enter') nextMatch(event.shiftKey);
      else if (event.key === 'Escape') target.blur();
      return;
    }
    if (target.tagName === 'SELECT' || (target.tagName === 'BUTTON' && event.key === ' ')) return;
    const list = state.connection.segments;
    if (keys[event.key]) actions[keys[event.key]]();
    else if (event.key === 'Home') stepByHand(-list.length);
    else if (event.key === 'End') stepByHand(list.length);
    else if (event.key === '/') $('search').focus();
    else if (event.key === 'c') openConnection((state.trace.connections.indexOf(state.connection) + 1) % state.trace.connections.length);
    else return;
    event.preventDefault();
  }

  function listConnections() {
    $('connections').replaceChildren(...state.trace.connections.map((c, i) => panel.element('option', {
      value: String(i), textContent: c.protocol + ' ' + c.ends[0].address + ' – ' + c.ends[1].address + ' (' + c.segments.length + ')',
    })));
  }

  function start() {
    words.setTexts(JSON.parse($('texts').textContent));
    words.setLanguage(/^zh/.test(navigator.language) ? 'zh' : 'en');
    document.documentElement.dataset.theme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    state.trace = model.build($('trace').textContent);
    $('trace').remove();
    ladder.start(choose);
    plots.start(choose);
    for (const [id, action] of Object.entries(actions)) $(id).addEventListener('click', action);
    $('connections').addEventListener('change', (event) => openConnection(Number(event.target.value)));
    $('search').addEventListener('input', search);
    document.addEventListener('keydown', onKey);
    showWords();
    listConnections();
    if (state.trace.connections.length === 0) {
      $('panel').textContent = words.get('none');
      return;
    }
    const sizes = state.trace.connections.map((c) => c.segments.length);
    openConnection(sizes.indexOf(Math.max(...sizes)));
    showLegend();
  }

  document.addEventListener('DOMContentLoaded', start);
  return { state, choose, openConnection };
})();
