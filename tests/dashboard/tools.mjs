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

// What the stream would say is asked for, and is as real as the rest but for `more`.
export async function summaries(page, more) {
  await page.route('**/api/v1/stream*', (route) => route.abort());
  await page.route('**/api/v1/summary', async (route) => {
    const real = await (await route.fetch()).json();
    await route.fulfill({json: {...real, ...more(real)}});
  });
}

// Of somebody who looks at something else for longer than a minute, and comes back.
export const lookAway = (page) => page.evaluate(() => {
  const now = Date.now;
  const turn = (hidden) => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
  };
  turn(true);
  Date.now = () => now() + 61_000;
  turn(false);
  Date.now = now;
});
