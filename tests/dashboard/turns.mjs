// Views that follow each other: what a former one still asks for changes nothing, and each goes on.
import assert from 'node:assert/strict';
import {ready, summaries, until} from './tools.mjs';

const seriesOf = (id) => `**/influencers/${id}/series*`;
const go = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

// The answers to one influencer come when the person is at another one's page.
async function superseded(page, page_url) {
  await page.addInitScript(() => {
    globalThis.streams = new Set();
    globalThis.timers = new Set();
    const Real = globalThis.EventSource;
    globalThis.EventSource = class extends Real {
      constructor(...args) { super(...args); globalThis.streams.add(this); }
      close() { super.close(); globalThis.streams.delete(this); }
    };
    const {setInterval: set, clearInterval: clear} = globalThis;
    globalThis.setInterval = (...args) => {
      const made = set(...args);
      globalThis.timers.add(made);
      return made;
    };
    globalThis.clearInterval = (one) => { globalThis.timers.delete(one); clear(one); };
  });
  const held = [];
  await page.route(seriesOf(1000003), (route) => { held.push(route); });
  await page.goto(`${page_url}#/influencer/1000001`);
  await ready(page);
  const timers = await page.evaluate(() => globalThis.timers.size);
  await go(page, '#/influencer/1000003');
  await page.getByText('Loading…').waitFor();
  await go(page, '#/influencer/1000002');
  await page.waitForSelector('main:not([aria-busy]) h1:has-text("1000002")');
  assert.ok(held.length > 0);
  await Promise.all([page.waitForEvent('requestfinished',
    (one) => one.url().includes('/1000003/series')), ...held.map((route) => route.continue())]);
  await page.waitForTimeout(2200);  // two rounds of what happens each second
  assert.deepEqual(await page.evaluate(() =>
    [...globalThis.streams].map(({url}) => new URL(url).search)), ['?influencers=1000002']);
  assert.equal(await page.evaluate(() => globalThis.timers.size), timers);
}

// Nothing in the range yet: the first value begins the page anew, which goes on from there.
async function fromFirstValue(page, page_url) {
  let minute = Date.now();
  let change = 11;
  let has_values = false;
  await summaries(page, (real) => ({minute: {...real.minute, minute: new Date(minute)}}));
  await page.route('**/influencers/1000001/growth*', (route) => route.fulfill({json: {
    hour: {since: new Date(), complete: true, change, percent: 1, ups: 1, downs: 0},
    day: null, week: null}}));
  await page.route(seriesOf(1000001), async (route) => {
    const real = await (await route.fetch()).json();
    const none = real.time_ms.map(() => null);
    await route.fulfill({json: has_values ? real
      : {...real, follower_count: none, following_count: none, follower_ratio: none}});
  });
  await page.goto(`${page_url}#/influencer/1000001`);
  await page.getByText('There is no value in this range.').waitFor();
  has_values = true;
  await page.waitForSelector('[aria-label^="Followers of"]');
  await page.getByRole('cell', {name: '+11'}).waitFor();
  change = 22;
  minute += 60_000;
  await page.getByRole('cell', {name: '+22'}).waitFor();
}

export async function turnsFollow(browser, page_url, patience) {
  for (const check of [superseded, fromFirstValue]) {
    const page = await browser.newPage({viewport: {width: 1280, height: 700}});
    page.setDefaultTimeout(patience);
    await check(page, page_url);
    await page.unrouteAll({behavior: 'ignoreErrors'});
    await page.close();
  }
}
