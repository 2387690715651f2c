// SPDX-License-Identifier: MIT
// node pictures.js PAGES PICTURES: scripts/screenshots
'use strict';

const path = require('node:path');
const { openBrowser } = require('./browser.js');

const [pages, pictures] = process.argv.slice(2);
const again = () => page.choose(page.state.connection.segments.find((s) => s.kind === 'again'));

async function main() {
  const browser = await openBrowser();
  const wide = { viewport: { width: 1280, height: 860 } };
  const shots = [
    ['light', 'demo', wide],
    ['dark', 'sack', { ...wide, colorScheme: 'dark' }],
    ['zh', 'zh', { ...wide, locale: 'zh-CN' }],
    ['narrow', 'demo', { viewport: { width: 390, height: 844 } }],
  ];
  for (const [name, file, options] of shots) {
    const page = await browser.open(path.join(pages, file + '.html'), options);
    await page.evaluate(again);
    await page.waitForTimeout(300);
    await page.screenshot({ path: path.join(pictures, 'page-' + name + '.png') });
  }
  await browser.close();
  if (browser.problems.length) throw new Error(browser.problems.join('\n'));
}

main();
