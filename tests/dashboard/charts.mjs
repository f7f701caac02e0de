// An influencer's charts: gaps with their reasons, moving through time, growth and rank beside the
// counts, the live end. History and what the stream says are made up here, in a time of the page's
// own; the page and everything else are real.
import assert from 'node:assert/strict';
import {testView} from './harness.mjs';
import {minuteWithValues, ownTime, ready, until} from './tools.mjs';

const kMinutes = 600;
const kGap = [300, 305];  // no value from here to there

function madeUp({now}) {
  const end = Math.floor(now / 60_000) * 60_000;
  const time_ms = Array.from({length: kMinutes}, (_, i) => end - (kMinutes - i) * 60_000);
  const values = time_ms.map((_, i) => i >= kGap[0] && i < kGap[1] ? null : 100_000 + i);
  const series = {id: 1000001, step_seconds: 60, start: '', end: '', time_ms,
    follower_count: values, following_count: values, follower_ratio: values.map((v) => v && 1)};
  const iso = (i) => new Date(time_ms[i]).toISOString();
  const gap = (from, to, reason) => ({start: iso(from), end: iso(to), minutes: to - from, reason});
  const gaps = {start: iso(0), minutes: kGap[1] - kGap[0], more: false,
    items: [gap(kGap[0] + 3, kGap[1], 'down'), gap(kGap[0] + 2, kGap[0] + 3, 'damaged'),
      gap(kGap[0], kGap[0] + 2, 'timeout')]};
  return {series, gaps};
}

// With the last of them only, of an hour's page.
async function anHour(page) {
  const time = await ownTime(page);
  const {series} = madeUp(time);
  for (const name of ['time_ms', 'follower_count', 'following_count', 'follower_ratio']) {
    series[name] = series[name].slice(-60);
  }
  await page.route('**/influencers/1000001/series*', (route) => route.fulfill({json: series}));
}

const boundsOf = (page) => page.evaluate(() => {
  const args = new URLSearchParams(location.hash.split('?')[1]);
  return [Number(args.get('from')), Number(args.get('to'))];
});

async function gapsAndStretch(page, page_url) {
  const {series, gaps} = madeUp(await ownTime(page));
  await page.route('**/influencers/1000001/series*', (route) => route.fulfill({json: series}));
  await page.route('**/influencers/1000001/gaps*', (route) => route.fulfill({json: gaps}));
  await page.goto(`${page_url}#/influencer/1000001?range=1d`);
  await page.waitForSelector('.u-over');
  await page.getByText('Missing minutes: 5').click();
  const listed = page.locator('details', {hasText: 'Missing minutes'}).locator('tbody tr');
  const rows = await listed.evaluateAll((found) => found.map((row) =>
    [...row.children].slice(1).map((cell) => cell.textContent)));
  assert.deepEqual(rows,
    [['2', 'program not running'], ['1', 'stored data damaged'],
      ['2', 'request timed out']]);
  await page.screenshot({path: 'gaps-light-1440.png'});

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
  await page.getByRole('button', {name: 'Reset', exact: true}).click();
  await page.waitForURL(({hash}) => !hash.includes('from='));
}

const closer = (page) => page.getByRole('button', {name: 'Zoom in'}).click();

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
  assert.equal(await page.locator('.banner', {hasText: 'Charts show'}).count(), 0);
  assert.equal(await page.locator('.choices [aria-current]', {hasText: '1h'}).count(), 1);
  assert.deepEqual(await boundsOf(page), part);
  const at = await minuteWithValues(page, page_url);
  await page.goto(`${page_url}#/influencer/1000001?at=${at}`);
  await page.getByText(/^As of/).waitFor();
  await closer(page);
  await page.waitForURL(({hash}) => hash.includes('from='));
  await page.reload();
  await page.getByText(/^As of/).waitFor();
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
  const time = await ownTime(page);
  const {gaps} = madeUp(time);
  await page.route('**/influencers/1000001/gaps*', (route) => route.fulfill({json: gaps}));
  await page.goto(`${page_url}#/influencer/1000001`);
  await page.locator('summary', {hasText: 'Missing minutes: 5 since'}).focus();
  gaps.minutes = 6;
  await time.pass();
  const words = page.locator('summary', {hasText: 'Missing minutes: 6 since'});
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

// ---- axes

// Accounts that hardly move: marks that are near each other have labels that differ. What a canvas
// shows is what was drawn on it.
async function slowAccount(page, page_url) {
  await page.addInitScript(() => {
    globalThis.drawn = [];
    const {fillText} = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function draw(text, ...rest) {
      globalThis.drawn.push(text);
      return fillText.call(this, text, ...rest);
    };
  });
  const time = await ownTime(page);
  const {series} = madeUp(time);
  const least = 1_234_567;
  series.follower_count = series.time_ms.map((_, i) => least + Math.floor(i / 300));
  series.following_count = series.time_ms.map((_, i) => 1002 + (i > 400 ? 1 : 0));
  series.follower_ratio = series.follower_count.map((count) => count / 1002);
  await page.route('**/influencers/1000001/series*', (route) => route.fulfill({json: series}));
  await page.goto(`${page_url}#/influencer/1000001?range=6h`);
  await page.waitForSelector('[aria-label^="Followers of"]');
  await until(page, () => globalThis.drawn.length > 0);
  const drawn = [...new Set(await page.evaluate(() => globalThis.drawn))];
  const within = (from, to) => drawn.filter((text) => {
    const value = Number(text.replaceAll(',', ''));
    return value >= from && value <= to;
  });
  assert.ok(within(least - 1, least + 3).length >= 2, drawn.join(' | '));
  assert.ok(within(1001, 1004).length >= 2, drawn.join(' | '));
  assert.ok(!drawn.includes('1.23M') && !drawn.includes('1K'), drawn.join(' | '));
}

// ---- beside the counts, and the live end

const kCurve = 300;
const kOutage = [100, 120];
// Ten more each minute, but for an outage.
const followersAt = (i) => i >= kOutage[0] && i < kOutage[1] ? null : 100_000 + 10 * i;

function seriesOf(begin, url) {
  const step = Number(url.searchParams.get('step'));
  const last = new Map();
  for (let i = 0; i < kCurve; ++i) {
    const time = Math.floor((begin + i * 60_000) / (step * 1000)) * step * 1000;
    last.set(time, followersAt(i) ?? last.get(time) ?? null);
  }
  const values = [...last.values()];
  const all = (one) => values.map((value) => value && one);
  return {step_seconds: step, time_ms: [...last.keys()], follower_count: values,
    following_count: all(500), follower_ratio: all(2)};
}

// Every 15 minutes, as the page asks for 6 hours.
const kRankMs = 900_000;
const ranksOf = (begin) => ({items: Array.from({length: 19}, (_, i) => ({
  minute: new Date(Math.ceil(begin / kRankMs) * kRankMs + i * kRankMs).toISOString(),
  rank: 19 - i, of: 200}))});

const valueAt = (at, follower_count, rank) => ({id: 1000002, username: 'made-up',
  follower_count, following_count: 500, follower_ratio: 2, rank, of: 200, age_seconds: 1,
  retrieved_at: new Date(at).toISOString(), verdict: null});
const said = (value) => `event: influencer\ndata: ${JSON.stringify(value)}\n\n`;

async function tableOf(page, title) {
  const table = page.locator('section', {has: page.getByRole('heading', {name: title})});
  await table.getByText('Show as table').click();
  return table.locator('details tbody tr').evaluateAll((rows) =>
    rows.map((row) => row.children[1].textContent));
}

async function curvesGoOn(page, page_url) {
  const time = await ownTime(page);
  const end = time.minute + 60_000;
  const begin = end - kCurve * 60_000;
  let asked = 0;
  let told = () => {};
  const live = new Promise((resolve) => { told = resolve; });
  await page.route('**/influencers/1000002/series*', (route) =>
    route.fulfill({json: seriesOf(begin, new URL(route.request().url()))}));
  await page.route('**/influencers/1000002/ranks*', (route) => {
    ++asked;
    return route.fulfill({json: ranksOf(begin)});
  });
  // Where the stream is silent it is asked for.
  let latest = valueAt(end - 60_000, followersAt(kCurve - 1), 1);
  await page.route('**/api/v1/influencers/1000002', (route) => route.fulfill({json: latest}));
  await page.route('**/api/v1/stream?influencers=1000002', async (route) => route.fulfill({
    contentType: 'text/event-stream', body: `retry: 600000\n\n${await live}`}));
  await page.setViewportSize({width: 1440, height: 500});
  await page.goto(`${page_url}#/influencer/1000002?range=6h`);
  await page.getByText('Follower change per 5 minutes').waitFor();
  const changes = await tableOf(page, 'Follower change per 5 minutes');
  assert.ok(changes.length > 40 && changes.length < 60, `${changes.length} changes`);
  // None is told across the outage; what is next to it has fewer minutes.
  const whole = changes.filter((change) => change === '+50');
  assert.ok(whole.length >= changes.length - 4, changes.join());
  assert.ok(changes.every((change) => /^\+[1-5]?0$|^0$/.test(change)), changes.join());

  assert.equal(asked, 0, 'ranks cost, and nobody looks at them yet');
  await page.getByRole('heading', {name: 'Rank over time'}).scrollIntoViewIfNeeded();
  await page.waitForSelector('[aria-label^="Rank of"]');
  assert.equal(asked, 1);
  assert.deepEqual((await tableOf(page, 'Rank over time')).slice(0, 3), ['1', '2', '3']);

  latest = valueAt(end + 60_000, 123_457, 7);
  told(said(valueAt(end, 123_456, 7)) + said(latest));
  await page.locator('.tile', {hasText: 'Followers'}).getByText('123,457').waitFor();
  await page.setViewportSize({width: 1440, height: 900});
  for (const [chart, value] of [['Followers of', '123,457'], ['Rank of', '7']]) {
    const plot = page.locator(`[aria-label^="${chart}"]`);
    await plot.focus();
    await page.keyboard.press('ArrowRight');  // the newest
    await plot.locator('.u-value').getByText(value, {exact: true}).waitFor();
  }
  await page.screenshot({path: 'curves-light-1440.png', fullPage: true});
}

await testView({
  checks: [gapsAndStretch, curvesGoOn],
  faults: [partOfNow, keysAtTheEdge, otherWords, aligned, slowAccount]});
