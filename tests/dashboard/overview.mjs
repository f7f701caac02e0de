// The overview; and what every view has: it goes on by itself, says when it cannot, and its theme.
import assert from 'node:assert/strict';
import {testView} from './harness.mjs';
import {ownTime, ready} from './tools.mjs';

const status = (page, text) => page.locator('#status', {hasText: text}).waitFor();
const tile = (page, name) => page.locator('.tile', {hasText: name}).locator('strong');

async function numbersAndFocus(page, page_url) {
  let average = 111_111;
  const time = await ownTime(page, () => ({followers_average: average}));
  await page.goto(page_url);
  await tile(page, 'Average followers').getByText('111,111').waitFor();
  const held = await page.getByRole('region', {name: 'Most followers'}).getByRole('link').nth(2)
    .evaluate((link) => { link.focus(); link.dataset.old = ''; return link.hash; });
  average = 222_222;
  await time.pass(6_000);
  await tile(page, 'Average followers').getByText('222,222').waitFor();
  assert.deepEqual(await page.evaluate(() => [document.activeElement.hash,
    document.querySelectorAll('[data-old]').length]), [held, 0]);
}

async function noAnswer(page, page_url) {
  await page.goto(page_url);
  await status(page, 'Live');
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.reload();
  await page.getByText('Cannot reach the server.').waitFor();
  await status(page, 'No response');
  await page.unroute('**/api/v1/**');
  await page.getByRole('heading', {name: 'Overview'}).waitFor();  // without a click
  await status(page, 'Live');
}

async function staleData(page, page_url) {
  await ownTime(page, () => ({data_age_seconds: 600}));
  await page.goto(page_url);
  await status(page, 'Stale');
}

async function themes(page, page_url) {
  await page.goto(page_url);
  await ready(page);
  const button = page.locator('#theme');
  const seen = [];
  for (let i = 0; i < 4; ++i) {
    seen.push(await button.getAttribute('aria-label'));
    await button.click();
  }
  assert.deepEqual(seen, ['Theme: system', 'Theme: light', 'Theme: dark', 'Theme: system']);
}

// A choice within a view leaves the view where it is.
async function placeOnPhone(page, page_url) {
  await page.setViewportSize({width: 360, height: 700});
  await page.goto(page_url);
  await ready(page);
  await page.evaluate(() => {
    scrollTo(0, 500);
    document.querySelector('main a[href$="by=percent"]').click();
  });
  await page.waitForSelector('main:not([aria-busy]) [href$="by=percent"][aria-current]');
  assert.equal(await page.evaluate(() => scrollY), 500);
  await page.goto(`${page_url}#/pipeline`);
  await page.waitForSelector('nav [href="#/pipeline"][aria-current]');
  assert.ok(await page.locator('nav [href="#/pipeline"][aria-current]').evaluate((link) =>
    link.getBoundingClientRect().right <= innerWidth));
}

// The overview's address may have no view in it yet.
async function partOfOverview(page, page_url) {
  const time = await ownTime(page);
  const items = Array.from({length: 120}, (_, i) => ({
    minute: new Date(time.minute - (119 - i) * 60_000), due: 200, stored: 200, missed: {},
    missed_total: 0, open: 0, closed: true, coverage: 1, followers_average: 1000 + i}));
  await page.route('**/api/v1/minutes*', (route) => route.fulfill({json: {items}}));
  await page.goto(page_url);
  await page.waitForSelector('.u-over');
  await page.getByRole('button', {name: 'Zoom in'}).click();
  await page.waitForURL(({hash}) => hash.includes('from='));
  assert.equal(new URL(page.url()).search, '');
  await page.reload();
  await page.getByRole('heading', {name: 'Overview'}).waitFor();
  // Nor is it written into another view's.
  await page.waitForSelector('.u-over');
  await page.evaluate(() => {
    document.querySelector('[aria-label="Zoom in"]').click();
    location.hash = '#/leaderboard';
  });
  await page.getByRole('heading', {name: 'Leaderboard'}).waitFor();
  await page.waitForTimeout(600);
  assert.equal(new URL(page.url()).hash, '#/leaderboard');
}

// An hour of closed minutes; `more` says what is otherwise in the one that is so many minutes old.
async function minutesOf(page, time, more = () => ({})) {
  const items = Array.from({length: 60}, (_, i) => ({
    minute: new Date(time.minute - (59 - i) * 60_000), due: 7, stored: 7, missed: {},
    missed_total: 0, open: 0, closed: true, damaged: false, coverage: 1,
    followers_average: 1000 + i, ...more(59 - i)}));
  await page.route('**/api/v1/minutes*', (route) => route.fulfill({json: {items}}));
  return items;
}

// The newest minutes first, as the overview lists them.
async function averages(page, page_url) {
  await page.goto(page_url);
  await page.getByText('Show as table').first().click();
  return page.locator('details tbody tr').evaluateAll((rows) => rows.slice(0, 3).map((row) =>
    [...row.children].slice(1).map((cell) => cell.textContent)));
}

// One of seven is gone from the network: the others' average is one of all that there are.
async function oneHasVanished(page, page_url) {
  const gone = {stored: 6, missed: {not_found: 1}, missed_total: 1, coverage: 6 / 7};
  const time = await ownTime(page, (real) => ({minute: {...real.minute, due: 7, ...gone}}));
  await minutesOf(page, time, () => gone);
  const [newest] = await averages(page, page_url);
  assert.deepEqual(newest, ['1,059', '85.7\u00a0%']);
  await status(page, 'Live');
  assert.equal(await page.locator('#status').textContent(), '● Live');
  assert.equal(await page.locator('.low-tile').count(), 0);
}

// Two of seven without an answer are another thing.
async function twoWereMissed(page, page_url) {
  const missed = {stored: 5, missed: {timeout: 2}, missed_total: 2, coverage: 5 / 7};
  const time = await ownTime(page, (real) => ({minute: {...real.minute, due: 7, ...missed}}));
  await minutesOf(page, time, () => missed);
  const [newest] = await averages(page, page_url);
  assert.deepEqual(newest, ['–', '71.4\u00a0%']);
  await status(page, 'Live, but incomplete');
}

// A minute whose account cannot be read is neither none nor one in which nobody answered.
async function damagedMinute(page, page_url) {
  const lost = {due: null, stored: null, missed_total: null, open: null, coverage: null,
    damaged: true, followers_average: null};
  const time = await ownTime(page);
  await minutesOf(page, time, (old) => old === 1 ? lost : {});
  assert.deepEqual(await averages(page, page_url),
    [['1,059', '100.0\u00a0%'], ['–', '–'], ['1,057', '100.0\u00a0%']]);
  await page.goto(`${page_url}#/pipeline`);
  await page.getByText('Show as table').click();
  await page.locator('tr', {hasText: 'stored data damaged'}).waitFor();
}

await testView({
  looks: {overview: '#/'},
  faults: [numbersAndFocus, noAnswer, staleData, themes, placeOnPhone, partOfOverview,
    oneHasVanished, twoWereMissed, damagedMinute]});
