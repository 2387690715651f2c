// SPDX-License-Identifier: MIT
// From trace lines to what is drawn: connections, and their segments as both ends saw them. Knows nothing of the page.
'use strict';

const model = (() => {
  const MODULUS = 2 ** 32;
  const distance = (from, to) => ((to - from) % MODULUS + MODULUS) % MODULUS;
  // Sequence numbers go round; near ones may lie behind.
  const signed = (from, to) => {
    const d = distance(from, to);
    return d >= MODULUS / 2 ? d - MODULUS : d;
  };

  function parse(text) {
    const events = [];
    let head = null;
    let begin = 0;
    while (begin < text.length) {
      let end = text.indexOf('\n', begin);
      if (end < 0) end = text.length;
      if (text.charCodeAt(begin) === 123) { // '{'
        let object = null;
        try {
          object = JSON.parse(text.slice(begin, end));
        } catch (error) {
          break; // the run was cut off within a line
        }
        if (head) events.push(object);
        else head = object;
      }
      begin = end + 1;
    }
    return { head: head || { hosts: [], start: 0 }, events };
  }

  const protocols = {
    segment_out: 'TCP', segment_in: 'TCP', datagram_out: 'UDP', datagram_in: 'UDP', icmp_out: 'ICMP', icmp_in: 'ICMP',
  };

  const MARKS = ['state', 'timer_fired', 'lost', 'drop']; // have a place in the ladder too

  const KINDS = ['data', 'ack', 'control', 'again', 'reset', 'datagram'];
  const QUIET = ['idle', 'pacing']; // timers that fire all the time and say little
  const hasPlace = (event) => MARKS.includes(event.event) && !(event.event === 'timer_fired' && QUIET.includes(event.timer));

  function newConnection(protocol, local, remote) {
    return {
      protocol, segments: [], marks: [], events: [], addresses: [local, remote], isn: [null, null],
      ends: [0, 1].map((i) => ({ address: i ? remote : local, host: null, ids: new Set(), events: [], ended: false })),
      waiting: [new Map(), new Map()], leastDelay: [Infinity, Infinity],
    };
  }

  // Which connection an event belongs to: the pair of addresses, and the next of the same pair once the first is over.
  function connectionOf(state, event) {
    if (!event.local || !event.remote) return null;
    const named = protocols[event.event];
    const pair = event.local < event.remote ? event.local + ' ' + event.remote : event.remote + ' ' + event.local;
    let key = (named || 'TCP') + ' ' + pair;
    if (!named && !state.open.has(key) && state.open.has('UDP ' + pair)) key = 'UDP ' + pair;
    let connection = state.open.get(key);
    const again = connection && event.event === 'state' && event.to === 'SYN-SENT' &&
      connection.ends.some((end) => end.address === event.local && end.ended);
    if (!connection || again) {
      connection = newConnection(named || 'TCP', event.local, event.remote);
      state.open.set(key, connection);
      state.connections.push(connection);
    }
    return connection;
  }

  const fingerprint = (event) => event.seq === undefined ? 'len' + event.len + ' ' + event.type :
    event.seq + ' ' + event.ack + ' ' + event.len + ' ' + event.flags + ' ' + event.tsval;

  // The transmission that arrives here. Of several that look alike, the one whose way took about as long as others' ways.
  function takeSent(connection, from, event) {
    const candidates = connection.waiting[from].get(fingerprint(event));
    if (!candidates || candidates.length === 0) return null;
    const least = connection.leastDelay[from];
    let best = 0;
    for (let i = 1; i < candidates.length && least < Infinity; i++) {
      const here = event.time - candidates[i].tOut;
      if (here >= least * 0.99 && Math.abs(here - least) < Math.abs(event.time - candidates[best].tOut - least)) best = i;
    }
    return candidates.splice(best, 1)[0];
  }

  function addSegment(connection, event, end) {
    const out = event.event.endsWith('_out');
    const from = out ? end : 1 - end;
    if (!out) {
      const sent = takeSent(connection, from, event);
      if (sent) {
        sent.in = event;
        sent.tIn = event.time;
        connection.leastDelay[from] = Math.min(connection.leastDelay[from], event.time - sent.tOut);
        return sent;
      }
    }
    const segment = {
      from, out: out ? event : null, in: out ? null : event, tOut: out ? event.time : null, tIn: out ? null : event.time,
      seq: event.seq, ack: event.ack, len: event.len, window: event.window, flags: event.flags || '', sack: [], offer: null,
      protocol: connection.protocol, lost: false,
    };
    if (segment.flags.includes('SYN') && connection.isn[from] === null) connection.isn[from] = event.seq;
    connection.segments.push(segment);
    if (out) {
      const print = fingerprint(event);
      const list = connection.waiting[from].get(print);
      if (list) list.push(segment);
      else connection.waiting[from].set(print, [segment]);
    }
    return segment;
  }

  function addEvent(connection, event, last) {
    const end = event.local === connection.ends[0].address ? 0 : 1;
    const e = connection.ends[end];
    e.host = event.host;
    if (event.id) e.ids.add(event.id);
    event.end = end;
    event.index = e.events.length;
    e.events.push(event);
    connection.events.push(event);
    if (event.event === 'end') e.ended = true;
    if (protocols[event.event]) {
      event.segment = addSegment(connection, event, end);
      last[event.host] = event.segment;
    } else if (event.event === 'sack' || event.event === 'offer') {
      const segment = last[event.host];
      const own = segment && (segment.out ? segment.out.host === event.host : true);
      if (segment && own && event.event === 'offer') segment.offer = event;
      if (segment && own && event.event === 'sack') segment.sack.push([event.left, event.right]);
    } else if (MARKS.includes(event.event)) {
      connection.marks.push(event);
    }
  }

  // ICMP's messages say themselves what they are (RFC 792, RFC 4443).
  function reasonOf(segment) {
    const { type, local } = segment.out || segment.in;
    const six = local.includes('::') || local.split(':').length > 2;
    if (segment.protocol !== 'ICMP') return segment.out ? segment.out.why : '';
    if (type === (six ? 128 : 8)) return 'echo_request';
    if (type === (six ? 129 : 0)) return 'echo_reply';
    return type === (six ? 1 : 3) ? 'icmp_unreachable' : 'icmp_error';
  }

  function classify(segment) {
    if (segment.protocol !== 'TCP') return 'datagram';
    const out = segment.out;
    if (segment.flags.includes('RST')) return 'reset';
    // In a simultaneous open the SYN-ACK is the SYN again, but the first of its kind.
    if (out && out.why !== 'syn_ack' && (out.transmissions > 1 || /retransmit|tail_loss/.test(out.why))) return 'again';
    if (/SYN|FIN/.test(segment.flags)) return 'control';
    return segment.len > 0 ? 'data' : 'ack';
  }

  // State changes stand beside the segment that caused them, or that they cause.
  function rowsOf(connection) {
    const rows = [];
    const points = connection.events.filter((e) => protocols[e.event] || hasPlace(e));
    points.forEach((event, i) => {
      if (event.event === 'state') {
        for (const step of [-1, 1]) {
          for (let k = i + step; points[k] && points[k].time === event.time && points[k].end === event.end; k += step) {
            if (protocols[points[k].event] && (step < 0) === points[k].event.endsWith('_in')) {
              (points[k].states = points[k].states || []).push(event);
              event.beside = points[k];
              return;
            }
          }
        }
      }
      event.row = rows.length;
      rows.push({ time: event.time, event, end: event.end });
    });
    return rows;
  }

  function finish(connection, head) {
    const both = connection.ends.every((end) => end.host !== null);
    const ways = connection.leastDelay;
    const way = ways.map((delay, i) => [delay, ways[1 - i], 0].find((d) => d < Infinity)); // else it may still be on it
    let greatest = -1;
    connection.both = both;
    connection.start = head.start;
    connection.rows = rowsOf(connection);
    connection.ends.forEach((end, i) => {
      end.name = end.host !== null && head.hosts[end.host] !== undefined ? head.hosts[end.host] : '';
      if (connection.isn[i] === null) {
        const first = connection.segments.find((s) => s.from === i && s.seq !== undefined);
        connection.isn[i] = first ? first.seq : 0;
      }
    });
    connection.segments.forEach((segment, i) => {
      segment.number = i + 1;
      segment.kind = classify(segment);
      segment.why = reasonOf(segment);
      segment.lost = both && segment.out !== null && segment.in === null && segment.tOut + way[segment.from] <= head.end;
      segment.look = (segment.from * KINDS.length + KINDS.indexOf(segment.kind)) * 2 + (segment.lost ? 1 : 0);
      segment.rowOut = segment.out ? segment.out.row : segment.in.row;
      segment.rowIn = segment.in ? segment.in.row : segment.out.row;
      segment.t0 = segment.tOut === null ? segment.tIn : segment.tOut;
      segment.t1 = segment.tIn === null ? segment.tOut : segment.tIn;
      if (segment.protocol === 'TCP') {
        segment.relSeq = signed(connection.isn[segment.from], segment.seq);
        segment.relAck = segment.flags.includes('ACK') ? signed(connection.isn[1 - segment.from], segment.ack) : null;
      }
    });
    connection.segments.sort((a, b) => a.rowOut - b.rowOut);
    // Where to begin to look for what reaches down to a row.
    connection.reach = connection.segments.map((s) => (greatest = Math.max(greatest, s.rowIn)));
    connection.segments.forEach((s, i) => { s.number = i + 1; });
    connection.t0 = connection.events.length ? connection.events[0].time : 0;
    connection.t1 = connection.events.length ? connection.events[connection.events.length - 1].time : 0;
    delete connection.waiting;
  }

  function build(text) {
    const { head, events } = parse(text);
    const state = { connections: [], open: new Map() };
    const last = [];
    for (const event of events) {
      const connection = connectionOf(state, event);
      if (connection) addEvent(connection, event, last);
    }
    const connections = state.connections.filter((c) => c.segments.length > 0);
    head.end = events.length ? events[events.length - 1].time : head.start;
    connections.forEach((c) => finish(c, head));
    return { head, connections, eventCount: events.length };
  }

  // Index of the first element for which test() holds; test must be false, …, true, ….
  function firstWhere(array, test) {
    let low = 0;
    let high = array.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (test(array[middle], middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // What stops a timer has no event of its own: it follows from what was sent and acknowledged.
  function stopTimers(timers, event, known) {
    if (event.event === 'timer_armed') timers.set(event.timer, event.at);
    else if (event.event === 'timer_fired') timers.delete(event.timer);
    else if (event.event === 'segment_out' && event.flags.includes('ACK')) timers.delete('delayed_ack');
    else if (event.event === 'segment_in' && known.flight === 0)
      ['retransmit', 'loss_probe', 'reorder'].forEach((timer) => timers.delete(timer));
    else if (event.event === 'state' && event.to === 'CLOSED') timers.clear();
    if (event.event === 'window' && event.snd_wnd > 0) timers.delete('persist');
  }

  function learn(known, event) {
    switch (event.event) {
    case 'segment_out': {
      const past = event.seq + event.len + (/SYN/.test(event.flags) ? 1 : 0) + (/FIN/.test(event.flags) ? 1 : 0);
      known.state = event.state;
      if (event.cwnd) known.cwnd = event.cwnd;
      if (known.nxt === undefined || signed(known.nxt, past % MODULUS) > 0) known.nxt = past % MODULUS;
      if (known.una === undefined) known.una = event.seq;
      known.rcv_wnd = event.window;
      break;
    }
    case 'segment_in':
      if (event.flags.includes('ACK') && known.una !== undefined && signed(known.una, event.ack) > 0) known.una = event.ack;
      known.snd_wnd = event.window;
      break;
    case 'offer':
      known.mss = event.mss;
      break;
    case 'state':
      known.state = event.to;
      break;
    case 'window':
      known.cwnd = event.cwnd;
      known.snd_wnd = event.snd_wnd;
      known.ssthresh = event.ssthresh;
      break;
    case 'rtt':
      known.srtt = event.srtt;
      known.rttvar = event.rttvar;
      known.rto = event.rto;
      break;
    default:
    }
    if (known.nxt !== undefined) known.flight = distance(known.una, known.nxt);
  }

  // What an end knew after its events up to, not including, number `until`. Steps every so often keep this short.
  const STEP = 512;
  function stateAt(end, until) {
    end.steps = end.steps || [{ known: {}, timers: [] }];
    let step = Math.min(Math.floor(until / STEP), end.steps.length - 1);
    const known = { ...end.steps[step].known };
    const timers = new Map(end.steps[step].timers);
    for (let i = step * STEP; i < until; i++) {
      learn(known, end.events[i]);
      stopTimers(timers, end.events[i], known);
      if ((i + 1) % STEP === 0 && end.steps.length === (i + 1) / STEP)
        end.steps.push({ known: { ...known }, timers: [...timers] });
    }
    return { known, timers };
  }

  // The events of an end that an arrival or a sending caused: those at the same moment, up to the next arrival.
  function consequences(end, event) {
    let i = event.index + 1;
    while (i < end.events.length && end.events[i].time === event.time && !end.events[i].event.endsWith('_in')) i++;
    return end.events.slice(event.index + 1, i);
  }

  // What belongs to a sending: timers that it armed, up to the next segment.
  function fromSending(end, event) {
    const all = consequences(end, event);
    const next = all.findIndex((e) => e.event === 'segment_out');
    return next < 0 ? all : all.slice(0, next);
  }

  // Both ends when a segment leaves and after it arrived. Null: nobody knows (one end's trace).
  function snapshot(connection, segment) {
    return connection.ends.map((end, i) => {
      const own = i === segment.from ? segment.out : segment.in;
      if (end.host === null) return null;
      let until;
      if (own) until = own.index + 1 + (own === segment.in ? consequences(end, own) : fromSending(end, own)).length;
      else until = firstWhere(end.events, (e) => e.time > segment.t1);
      const after = stateAt(end, until);
      const before = own ? stateAt(end, own.index) : after;
      const time = own ? own.time : segment.t1;
      return { before: before.known, after: after.known, timers: [...after.timers].filter(([, at]) => at >= time), time };
    });
  }

  return { build, firstWhere, signed, distance, snapshot, consequences };
})();
