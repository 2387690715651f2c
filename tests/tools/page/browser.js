// SPDX-License-Identifier: MIT
// A headless Chromium that lets no request out, and remembers whatever went wrong in a page.
'use strict';

const { chromium } = require('playwright-core');

async function openBrowser() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });
  const problems = [];
  return {
    problems,
    close: () => browser.close(),
    async open(file, options) {
      const context = await browser.newContext({ viewport: { width: 1360, height: 860 }, locale: 'en-GB', colorScheme: 'light', ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(120000); // a busy machine needs long for the 40 MB of the long trace
      page.on('console', (message) => problems.push(file + ': ' + message.type() + ': ' + message.text()));
      page.on('pageerror', (error) => problems.push(file + ': ' + error.stack));
      page.on('request', (request) => {
        if (!/^(file|data):/.test(request.url()) || (request.url().startsWith('file:') && !request.isNavigationRequest()))
          problems.push(file + ' asks for ' + request.url());
      });
      await page.goto('file://' + file);
      return page;
    },
  };
}

module.exports = { openBrowser };
