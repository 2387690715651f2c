// SPDX-License-Identifier: MIT
// node test.js DIRECTORY: looks at the pages that tests/tools/trace_html.sh made there, and compares with the JSON lines beside them.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { openBrowser } = require('./browser.js');

const directory = process.argv[2];
const lines = (name) => fs.readFileSync(path.join(directory, name + '.jsonl'), 'utf8').trim().split('\n').slice(1).map((l) => JSON.parse(l));
const file = (name) => path.join(directory, name + '.html');
const text = (page, selector) => page.locator(selector).innerText();
const number = (page) => page.locator('#panel').getAttribute('data-segment').then(Number);

// Where the middle of a segment's arrow is, in the window.
const middle = (page, index) => page.evaluate((i) => {
  const [x0, y0, x1, y1] = ladder.lineOf(ladder.view.connection.segments[i]);
  const box = document.getElementById('canvas').getBoundingClientRect();
  return [box.x + (x0 + x1) / 2, box.y + (y0 + y1) / 2];
}, index);

// Every arrow that is in sight is clicked; the panel must tell what the line of the trace says.
async function clicks(page, name) {
  const sent = lines(name).filter((e) => /segment_out|datagram_out/.test(e.event));
  let count = 0;
  for (let i = 0; i < await page.evaluate(() => ladder.view.connection.segments.length); i++) {
    await page.evaluate((n) => { ladder.show(ladder.view.connection.segments[n]); ladder.draw(); }, i);
    const [x, y] = await middle(page, i);
    await page.mouse.click(x, y);
    assert.strictEqual(await number(page), i + 1, name + ': clicked ' + (i + 1));
    const segment = await page.evaluate((n) => {
      const s = ladder.view.connection.segments[n];
      return { time: s.tOut, seq: s.seq, why: s.out.why, cwnd: s.out.cwnd };
    }, i);
    const event = sent.find((e) => e.time === segment.time && e.seq === segment.seq && e.why === segment.why);
    assert.ok(event, name + ': sent as the trace says');
    if (event.seq !== undefined) assert.ok((await text(page, '#header')).includes(String(event.seq)), 'its number on the wire');
    assert.ok((await text(page, '#header')).includes((event.time / 1e9).toFixed(3) + ' s'), 'when it was sent');
    assert.match(await text(page, '#why'), /RFC \d+/, 'the clause for ' + event.why);
    count++;
  }
  return count;
}

// As the model matched them: as many arrived as the receivers saw, the others are lost.
async function matched(page, name) {
  const events = lines(name);
  const seen = await page.evaluate(() => ladder.view.connection.segments.map((s) => ({ out: s.tOut, in: s.tIn, lost: s.lost, sack: s.sack.length })));
  const arrived = events.filter((e) => /segment_in|datagram_in/.test(e.event)).length;
  assert.strictEqual(seen.filter((s) => s.in !== null).length, arrived);
  assert.ok(seen.every((s) => s.out !== null && (s.in === null || s.in > s.out)), 'each arrival has its sending');
  const out = events.filter((e) => e.event === 'sack' && e.host === 1).length;
  assert.ok(out > 0);
  assert.strictEqual(seen.reduce((sum, s) => sum + s.sack, 0), out, 'SACK blocks');
  return seen.filter((s) => s.lost).length;
}

async function sackScene(browser) {
  const page = await browser.open(file('sack'));
  assert.strictEqual(await matched(page, 'sack'), 2, 'two are lost');
  assert.strictEqual(await clicks(page, 'sack'), lines('sack').filter((e) => e.event === 'segment_out').length);
  assert.strictEqual(await page.locator('.uplot').count(), 3);
  const again = lines('sack').find((e) => e.event === 'segment_out' && e.transmissions === 2);
  const at = await page.evaluate((seq) => ladder.view.connection.segments.findIndex((s) => s.seq === seq && s.kind === 'again'), again.seq);
  await page.evaluate((n) => page.choose(ladder.view.connection.segments[n]), at);
  const ends = await text(page, '#ends');
  assert.ok(ends.includes(again.cwnd.toLocaleString('en').replace(/,/g, '\u202f')), 'cwnd as in the trace');
  assert.ok(ends.includes('ESTABLISHED'));
  await plotsAndLadder(page);
}

// A click in the sequence plot selects a segment near there; dragging zooms all three.
async function plotsAndLadder(page) {
  const box = await page.locator('#plot-sequence .u-over').boundingBox();
  await page.mouse.click(box.x + 3, box.y + box.height / 2);
  assert.ok(await number(page) <= 2, 'the left edge is the beginning');
  await page.mouse.move(box.x + box.width * 0.1, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 60, { steps: 4 });
  await page.mouse.up();
  const ranges = await page.evaluate(() => plots.charts().map((c) => [c.scales.x.min, c.scales.x.max]));
  assert.deepStrictEqual(ranges[1], ranges[0]);
  assert.deepStrictEqual(ranges[2], ranges[0]);
  assert.ok(ranges[0][1] - ranges[0][0] < 0.25, 'a part of the time');
}

async function keysAndSearch(browser) {
  const page = await browser.open(file('demo'));
  const press = (key) => page.keyboard.press(key);
  assert.strictEqual(await number(page), 1);
  await press('ArrowRight');
  await press('j');
  assert.strictEqual(await number(page), 3);
  await press('k');
  assert.strictEqual(await number(page), 2);
  await press('End');
  assert.strictEqual(await number(page), await page.evaluate(() => ladder.view.connection.segments.length));
  await press('Home');
  await page.click('#next');
  assert.strictEqual(await number(page), 2);
  await page.click('#previous');
  await press('/');
  await page.keyboard.type('sent again');
  await press('Enter');
  assert.match(await text(page, '#panel h2'), /sent again/);
  assert.strictEqual(await text(page, '#found'), '1 of 1');
  assert.match(await text(page, '#why'), /retransmission timer ran out[^]*RFC 6298 5\.4/);
  await page.fill('#search', 'no such thing');
  assert.strictEqual(await text(page, '#found'), 'none');
  await press('Escape');
  await press('t');
  assert.ok(await page.evaluate(() => ladder.view.scaled));
  const before = await page.evaluate(() => ladder.view.pxPerNs);
  await press('+');
  assert.ok(await page.evaluate(() => ladder.view.pxPerNs) > before, 'zoom');
  await press('t');
  await press('?');
  assert.ok(await page.locator('dialog').isVisible());
  await press('Escape');
  await press('c');
  assert.match(await text(page, '#panel h2'), /UDP/);
  assert.strictEqual(await page.locator('#plots').isVisible(), false);
  await matchedDatagrams(page);
  await press('c');
  await playing(page);
}

async function matchedDatagrams(page) {
  const sent = lines('demo').filter((e) => e.event === 'datagram_out');
  const arrived = lines('demo').filter((e) => e.event === 'datagram_in');
  const seen = await page.evaluate(() => ladder.view.connection.segments.map((s) => s.lost));
  assert.strictEqual(seen.length, sent.length);
  assert.strictEqual(seen.filter((lost) => lost).length, sent.length - arrived.length);
}

async function playing(page) {
  await page.keyboard.press('Home');
  await page.selectOption('#speed', '1');
  await page.locator('#scroller').focus();
  await page.keyboard.press(' ');
  await page.waitForFunction(() => Number(document.getElementById('panel').dataset.segment) >= 3);
  await page.keyboard.press(' ');
  const at = await number(page);
  await page.waitForTimeout(300);
  assert.strictEqual(await number(page), at, 'paused');
}

async function lookAndLanguage(browser) {
  const page = await browser.open(file('demo'), { colorScheme: 'dark', locale: 'zh-CN' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await background();
  assert.strictEqual(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  assert.match(await text(page, '#panel'), /打开连接/);
  await page.keyboard.press('l');
  assert.match(await text(page, '#panel'), /opens the connection/);
  await page.keyboard.press('d');
  assert.notStrictEqual(await background(), dark);
  const missing = await page.evaluate(() => words.missing());
  assert.deepStrictEqual(missing, [], 'words in one language only');
}

async function narrow(browser) {
  const page = await browser.open(file('demo'), { viewport: { width: 390, height: 844 } });
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide[0] <= wide[1], 'nothing hangs out at the side: ' + wide);
  const [x, y] = await middle(page, 3);
  await page.mouse.click(x, y);
  assert.strictEqual(await number(page), 4);
}

// Both call at once: each SYN-ACK is the first of its kind, and not called sent again. ICMP tells what it is.
async function unusual(browser) {
  const both = await browser.open(file('both'));
  const kinds = await both.evaluate(() => ladder.view.connection.segments.map((s) => s.kind));
  assert.ok(!kinds.includes('again'), kinds.join());
  const ping = await browser.open(file('ping'));
  assert.match(await text(ping, '#why'), /echo request[^]*RFC 792/);
  await ping.keyboard.press('End');
  assert.match(await text(ping, '#why'), /echo reply/);
}

// One host's trace: the other end is unknown, and nothing is called lost.
async function oneHost(browser) {
  const page = await browser.open(file('one'));
  const seen = await page.evaluate(() => ({ both: ladder.view.connection.both, lost: ladder.view.connection.segments.filter((s) => s.lost).length }));
  assert.deepStrictEqual(seen, { both: false, lost: 0 });
  assert.match(await text(page, '#hosts'), /not seen from here/);
  const cut = await browser.open(file('cut'));
  assert.ok(await cut.evaluate(() => ladder.view.connection.segments.length) > 3, 'a file that ends in the middle opens');
  const empty = await browser.open(file('empty'));
  assert.match(await text(empty, '#panel'), /no segments/);
}

async function manySegments(browser) {
  const began = Date.now();
  const page = await browser.open(file('many'));
  const count = await page.evaluate(() => ladder.view.connection.segments.length);
  const opened = Date.now() - began;
  assert.ok(count >= 50000, count + ' segments');
  const scroll = () => page.evaluate(async () => {
    const times = [];
    const scroller = document.getElementById('scroller');
    const tall = scroller.scrollHeight;
    for (let i = 0; i < 60; i++) {
      scroller.scrollTop = i % 2 ? tall * i / 60 : scroller.scrollTop + 90;
      await new Promise(requestAnimationFrame);
      const begin = performance.now();
      ladder.draw(); // what a frame costs, whatever else the machine does between frames
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b); // the slowest ones waited for a processor
    return { median: times[30], most: times[45] };
  });
  for (const mode of ['even rows', 'time scale', 'all in sight']) {
    if (mode === 'time scale') await page.keyboard.press('t');
    if (mode === 'all in sight') for (let i = 0; i < 40; i++) await page.evaluate(() => ladder.zoom(0.5));
    const frame = await scroll();
    console.log(`${count} segments, ${mode}: a frame takes ${frame.median.toFixed(1)} ms, three of four at most ${frame.most.toFixed(1)} ms`);
    assert.ok(frame.most < 50, mode + ': smooth');
  }
  const step = await page.evaluate(() => {
    const begin = performance.now();
    const segments = ladder.view.connection.segments;
    page.choose(segments[segments.length - 2]);
    return performance.now() - begin;
  });
  console.log(`${count} segments: opened in ${opened} ms, a choice at the end takes ${step.toFixed(0)} ms`);
}

async function main() {
  const browser = await openBrowser();
  try {
    for (const part of [sackScene, keysAndSearch, lookAndLanguage, narrow, unusual, oneHost, manySegments]) {
      await part(browser);
      assert.deepStrictEqual(browser.problems, [], part.name);
      console.log('ok ' + part.name);
    }
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
