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
  await page.getByText('There is no connection to the server.').waitFor();
  await status(page, 'No answer');
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
  await page.getByRole('button', {name: 'Closer'}).click();
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

await testView({
  looks: {overview: '#/'},
  faults: [numbersAndFocus, noAnswer, staleData, themes, placeOnPhone, partOfOverview]});
