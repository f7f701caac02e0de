// Views that follow each other: what a former one still asks for changes nothing, and each goes on.
import assert from 'node:assert/strict';
import {countStreams, eachOnItsPage, minutesPass, ready} from './tools.mjs';

const seriesOf = (id) => `**/influencers/${id}/series*`;
const go = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

// The answers to one influencer come when the person is at another one's page.
async function superseded(page, page_url) {
  await countStreams(page);
  await page.addInitScript(() => {
    globalThis.timers = new Set();
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
    [...globalThis.openStreams].map(({url}) => new URL(url).search)), ['?influencers=1000002']);
  assert.equal(await page.evaluate(() => globalThis.timers.size), timers);
}

// Nothing in the range yet: the first value begins the page anew, which goes on from there.
async function fromFirstValue(page, page_url) {
  let change = 11;
  let has_values = false;
  const pass = await minutesPass(page);
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
  pass();
  await page.getByRole('cell', {name: '+22'}).waitFor();
}

// Each minute brings something newer, from nobody on.
async function minutes(page, page_url) {
  let values = [];
  const pass = await minutesPass(page);
  await page.route(seriesOf('*'), (route) => {
    const time_ms = values.map((_, i) => (Math.floor(Date.now() / 60_000) - 10 + i) * 60_000);
    return route.fulfill({json: {step_seconds: 60, time_ms, follower_count: values}});
  });
  const newest = page.getByRole('region', {name: 'As they are'}).locator('tbody tr');
  const isNewest = (...cells) => newest.filter({hasText: cells.join('')}).waitFor();
  await page.goto(`${page_url}#/compare?ids=1000001`);
  await page.getByText('There is no value in this range.').waitFor();
  values = [200_000];
  pass();
  await isNewest('200,000', '0.00');
  values = [200_000, 300_000];
  pass();
  await isNewest('300,000', '+50.00');
  await page.getByText('As a table').click();
  await page.locator('details').getByRole('cell', {name: '150.0'}).waitFor();

  const real = await (await page.request.get(`${page_url}api/v1/leaderboard?limit=50`)).json();
  let board = {...real, of: 0, items: [], next: null};
  await page.route('**/api/v1/leaderboard?*', (route) => route.fulfill({json: board}));
  await go(page, '#/leaderboard');
  await page.getByText('No values yet.').waitFor();
  for (const cursor of ['first', 'second']) {
    board = {...real, next: `/api/v1/leaderboard?cursor=${cursor}`};
    pass();
    await page.locator(`a[href*="cursor=${cursor}"]`).waitFor();
  }
}

// A page that follows is as it was, and says when; where it is no longer kept, it is the first one.
async function pagesThatFollow(page, page_url) {
  let asked = 0;
  const pass = await minutesPass(page);
  await page.goto(`${page_url}#/leaderboard?sort=ratio`);
  await page.getByRole('link', {name: 'Next page'}).click();
  await page.getByText(/^51 to 100 of 200, as of \d\d:\d\d$/).waitFor();
  await page.route('**/api/v1/leaderboard?*cursor=*', (route) => {
    ++asked;
    return route.fulfill({status: 410, json: {status: 410, detail: 'Made up.'}});
  });
  pass();
  await page.waitForResponse('**/api/v1/summary');
  await page.waitForTimeout(500);
  assert.equal(asked, 0);
  await page.reload();
  await page.getByText('The ranking has gone on since that page').waitFor();
  assert.equal(new URL(page.url()).hash, '#/leaderboard?sort=ratio');
  await page.getByText('1 to 50 of 200').waitFor();
}

export const turnsFollow = (...of) => eachOnItsPage(
  [superseded, fromFirstValue, minutes, pagesThatFollow], ...of);
