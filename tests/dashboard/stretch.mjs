// What needs hours of history: gaps with their reasons, and moving through time. The series and its
// gaps are made up here, the page and everything else are real.
import assert from 'node:assert/strict';
import {eachOnItsPage, minutesPass, ready, until} from './tools.mjs';

const kMinutes = 600;
const kGap = [300, 305];  // no value from here to there

// With the last of them only, of an hour's page.
async function anHour(page) {
  const {series} = madeUp();
  for (const name of ['time_ms', 'follower_count', 'following_count', 'follower_ratio']) {
    series[name] = series[name].slice(-60);
  }
  await page.route('**/influencers/1000001/series*', (route) => route.fulfill({json: series}));
}

function madeUp() {
  const end = Math.floor(Date.now() / 60_000) * 60_000;
  const time_ms = Array.from({length: kMinutes}, (_, i) => end - (kMinutes - i) * 60_000);
  const values = time_ms.map((_, i) => i >= kGap[0] && i < kGap[1] ? null : 100_000 + i);
  const series = {id: 1000001, step_seconds: 60, start: '', end: '', time_ms,
    follower_count: values, following_count: values, follower_ratio: values.map((v) => v && 1)};
  const iso = (i) => new Date(time_ms[i]).toISOString();
  const gap = (from, to, reason) => ({start: iso(from), end: iso(to), minutes: to - from, reason});
  const gaps = {start: iso(0), minutes: kGap[1] - kGap[0], more: false,
    items: [gap(kGap[0] + 2, kGap[1], 'down'), gap(kGap[0], kGap[0] + 2, 'timeout')]};
  return {series, gaps};
}

const boundsOf = (page) => page.evaluate(() => {
  const args = new URLSearchParams(location.hash.split('?')[1]);
  return [Number(args.get('from')), Number(args.get('to'))];
});

export async function gapsAndStretch(page, page_url, screenshot) {
  const {series, gaps} = madeUp();
  await page.route('**/influencers/1000001/series*', (route) => route.fulfill({json: series}));
  await page.route('**/influencers/1000001/gaps*', (route) => route.fulfill({json: gaps}));
  await page.goto('about:blank');
  await page.goto(`${page_url}#/influencer/1000001?range=1d`);
  await page.waitForSelector('.u-over');
  await page.getByText('Minutes without a value: 5').click();
  const listed = page.locator('details', {hasText: 'Minutes without'}).locator('tbody tr');
  const rows = await listed.evaluateAll((found) => found.map((row) =>
    [...row.children].slice(1).map((cell) => cell.textContent)));
  assert.deepEqual(rows,
    [['3', 'the program was not running'], ['2', 'no answer in time']]);
  await page.screenshot({path: screenshot});

  await page.focus('[aria-label^="Followers of"]');
  await page.keyboard.press('+');
  await page.waitForURL(({hash}) => hash.includes('from='));
  const near = await boundsOf(page);
  assert.equal(Math.round((near[1] - near[0]) / 60), Math.round((kMinutes - 1) / 2));
  await page.keyboard.press('Shift+ArrowLeft');
  await page.waitForURL(({hash}) => !hash.includes(`from=${near[0]}`));
  const earlier = await boundsOf(page);
  assert.ok(earlier[0] < near[0] && earlier[1] < near[1]);
  await page.reload();  // a stretch is its address
  await page.waitForSelector('.u-over');
  assert.deepEqual(await boundsOf(page), earlier);
  await page.getByRole('button', {name: 'All', exact: true}).click();
  await page.waitForURL(({hash}) => !hash.includes('from='));
  await page.unrouteAll();
}

const closer = (page) => page.getByRole('button', {name: 'Closer'}).click();

// A part of the hour up to now is one of that hour when it is loaded again: with what it is now,
// and its live end.
async function partOfNow(page, page_url) {
  await anHour(page);
  await page.goto(`${page_url}#/influencer/1000001`);
  await page.waitForSelector('.u-over');
  await closer(page);
  await page.waitForURL(({hash}) => hash.includes('from='));
  const part = await boundsOf(page);
  await page.reload();
  await page.waitForSelector('.u-over');
  await ready(page);
  assert.equal(await page.locator('.banner', {hasText: 'The charts show'}).count(), 0);
  assert.equal(await page.locator('.choices [aria-current]', {hasText: '1h'}).count(), 1);
  assert.deepEqual(await boundsOf(page), part);
  const at = Math.floor(Date.now() / 60_000) * 60 - 60;
  await page.goto(`${page_url}#/influencer/1000001?at=${at}`);
  await page.getByText(/^As of/).waitFor();
  await closer(page);
  await page.waitForURL(({hash}) => hash.includes('from='));
  await page.reload();
  await page.getByText(/^As of/).waitFor();
}

// The overview's address may have no view in it yet.
async function partOfOverview(page, page_url) {
  const now = Math.floor(Date.now() / 60_000) * 60_000;
  const items = Array.from({length: 120}, (_, i) => ({
    minute: new Date(now - (120 - i) * 60_000), due: 200, stored: 200, missed: {}, missed_total: 0,
    open: 0, closed: true, coverage: 1, followers_average: 1000 + i}));
  await page.route('**/api/v1/minutes*', (route) => route.fulfill({json: {items}}));
  await page.goto(page_url);
  await page.waitForSelector('.u-over');
  await closer(page);
  await page.waitForURL(({hash}) => hash.includes('from='));
  assert.equal(new URL(page.url()).search, '');
  await page.reload();
  await page.getByRole('heading', {name: 'Overview'}).waitFor();
  // Nor is it written into another view's.
  await page.waitForSelector('.u-over');
  await page.evaluate(() => {
    document.querySelector('[aria-label=Closer]').click();
    location.hash = '#/leaderboard';
  });
  await page.getByRole('heading', {name: 'Leaderboard'}).waitFor();
  await page.waitForTimeout(600);
  assert.equal(new URL(page.url()).hash, '#/leaderboard');
}

// The keyboard stays at the edge of what is shown.
async function keysAtTheEdge(page, page_url) {
  await anHour(page);
  await page.goto(`${page_url}#/influencer/1000001`);
  await page.focus('[aria-label^="Followers of"]');
  await page.keyboard.press('+');
  await page.waitForURL(({hash}) => hash.includes('from='));
  for (let i = 0; i < 50; ++i) await page.keyboard.press('ArrowLeft');
  const value = await page.locator('[aria-label^="Followers of"] .u-value').nth(1).textContent();
  const first = 100_000 + kMinutes - 60 + 15;
  assert.ok(Math.abs(Number(value.replaceAll(',', '')) - first) <= 1, value);
}

// What can be opened keeps the focus when it has other words.
async function otherWords(page, page_url) {
  const {gaps} = madeUp();
  const pass = await minutesPass(page);
  await page.route('**/influencers/1000001/gaps*', (route) => route.fulfill({json: gaps}));
  await page.goto(`${page_url}#/influencer/1000001`);
  await page.locator('summary', {hasText: 'without a value: 5 since'}).focus();
  gaps.minutes = 6;
  pass();
  const words = page.locator('summary', {hasText: 'without a value: 6 since'});
  await words.waitFor();
  assert.ok(await words.evaluate((one) => one === document.activeElement));
}

// Charts of one stretch begin and end at the same places, also where they were drawn for a page
// that was not there yet.
async function aligned(page, page_url) {
  await page.goto(`${page_url}#/influencer/1000001`);
  await page.waitForSelector('.u-over');
  await page.getByRole('link', {name: '6h', exact: true}).click();
  await page.waitForSelector('main:not([aria-busy]) [href$="range=6h"][aria-current]');
  await until(page, () => {
    const [above, below] = ['Followers of', 'Following and'].map((name) =>
      document.querySelector(`[aria-label^="${name}"] .u-over`).getBoundingClientRect());
    return above.width > 300 && above.left === below.left && above.right === below.right;
  });
}

export const stretchesStay = (...of) => eachOnItsPage(
  [partOfNow, partOfOverview, keysAtTheEdge, otherWords, aligned], ...of);
