// What the checks of the page share.
import assert from 'node:assert/strict';

export const ready = (page) => page.waitForSelector('main:not([aria-busy]) h1');

// The page's policy forbids what waitForFunction does.
export async function until(page, condition) {
  for (let tried = 0; !await page.evaluate(condition); ++tried) {
    assert.ok(tried < 200, `${condition}`);
    await page.waitForTimeout(100);
  }
}

// From here on globalThis.openStreams has them.
export const countStreams = (page) => page.addInitScript(() => {
  globalThis.openStreams = new Set();
  const Real = globalThis.EventSource;
  globalThis.EventSource = class extends Real {
    constructor(...args) { super(...args); globalThis.openStreams.add(this); }
    close() { super.close(); globalThis.openStreams.delete(this); }
  };
});

// What the stream would say is asked for, and is as real as the rest but for `more`.
export async function summaries(page, more) {
  await page.route('**/api/v1/stream*', (route) => route.abort());
  await page.route('**/api/v1/summary', async (route) => {
    const real = await (await route.fetch()).json();
    await route.fulfill({json: {...real, ...more(real)}});
  });
}

// Gives what lets another minute be over.
export async function minutesPass(page) {
  let minute = Date.now();
  await summaries(page, (real) => ({minute: {...real.minute, minute: new Date(minute)}}));
  return () => { minute += 60_000; };
}

// Whether the view is, when somebody looks away for longer than a minute and comes back.
export const isBegunAnew = (page) => page.evaluate(() => {
  const now = Date.now;
  const turn = (hidden) => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
  };
  turn(true);
  Date.now = () => now() + 61_000;
  turn(false);
  Date.now = now;
  return document.querySelector('main').hasAttribute('aria-busy');
});

export async function eachOnItsPage(checks, browser, page_url, patience) {
  for (const check of checks) {
    const page = await browser.newPage({viewport: {width: 1280, height: 700}});
    page.setDefaultTimeout(patience);
    await check(page, page_url);
    await page.unrouteAll({behavior: 'ignoreErrors'});
    await page.close();
  }
}
