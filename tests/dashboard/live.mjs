// The page goes on by itself, says when it cannot, and leaves whoever reads it in peace.
import assert from 'node:assert/strict';
import {eachOnItsPage, ready, summaries, until} from './tools.mjs';

const summaryPath = '**/api/v1/summary';
const streamPath = '**/api/v1/stream*';
const status = (page, text) => page.locator('#status', {hasText: text}).waitFor();
const tile = (page, name) => page.locator('.tile', {hasText: name}).locator('strong');

async function numbersAndFocus(page, page_url) {
  let average = 111_111;
  await summaries(page, () => ({followers_average: average}));
  await page.goto(page_url);
  await tile(page, 'Average followers').getByText('111,111').waitFor();
  const held = await page.getByRole('region', {name: 'Most followers'}).getByRole('link').nth(2)
    .evaluate((link) => { link.focus(); link.dataset.old = ''; return link.hash; });
  average = 222_222;
  await tile(page, 'Average followers').getByText('222,222').waitFor();
  assert.deepEqual(await page.evaluate(() => [document.activeElement.hash,
    document.querySelectorAll('[data-old]').length]), [held, 0]);
}

async function noAnswer(page, page_url) {
  await page.goto('about:blank');
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
  await page.route(streamPath, (route) => route.abort());
  await page.route(summaryPath, async (route) => {
    const real = await (await route.fetch()).json();
    await route.fulfill({json: {...real, data_age_seconds: 600}});
  });
  await page.goto('about:blank');
  await page.goto(page_url);
  await status(page, 'Stale');
}

// An address that somebody kept: what it names of the past, not what is there now.
async function pastMinute(page, page_url) {
  const minute = Math.floor(Date.now() / 60_000) * 60 - 60;
  await page.goto(`${page_url}#/leaderboard?at=${minute}`);
  await ready(page);
  await page.getByText(/of 200 have a value/).waitFor();
  await page.getByRole('columnheader', {name: 'Network says today'}).waitFor();
  await page.locator('tbody a').first().click();
  await page.waitForURL(({hash}) => hash.includes(`?at=${minute}`));
  await page.getByText(/^As of .*rank .* of 200/).waitFor();
  await page.goto(`${page_url}#/influencer/1000001?range=1h&from=1700000000&to=1700003600`);
  await page.getByText(/The charts show 14 Nov/).waitFor();
  await page.getByText('There is no value in this range.').waitFor();
}

async function whoIsCompared(page, page_url) {
  const ids = Array.from({length: 11}, (_, i) => 1_000_000 + i);
  await page.goto(`${page_url}#/compare?ids=999,abc,${ids.join()}&mode=foo&range=bar`);
  await ready(page);
  const left_out = await page.locator('.banner').textContent();
  for (const part of ['“abc” is no id', 'Nobody watches influencer 999', 'only 10 can be']) {
    assert.ok(left_out.includes(part), left_out);
  }
  assert.equal(await page.locator('.chip').count(), 9);
  assert.deepEqual(await page.locator('.choices [aria-current]').allTextContents(),
    ['indexed', '1h']);
  await page.getByLabel('Add by id or name').fill('1000050');
  await page.getByRole('button', {name: 'Add'}).click();
  await page.locator('.chip', {hasText: '1000050'}).waitFor();
  await page.goto(`${page_url}#/leaderboard`);
  await ready(page);
  for (const place of [0, 2]) await page.getByRole('checkbox').nth(place).check();
  await page.getByRole('link', {name: 'Compare these 2'}).click();
  await page.waitForURL(/#\/compare\?ids=\d+,\d+$/);
}

async function minutesByKeys(page, page_url) {
  await page.goto(`${page_url}#/pipeline`);
  await ready(page);
  await page.locator('.grid').focus();
  await page.keyboard.press('ArrowLeft');
  await page.getByText(/stored \(\d+\.\d\s%\)|nothing was due/).first().waitFor();
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

// Back is where it was left.
async function backAgain(page, page_url) {
  await page.goto(`${page_url}#/leaderboard`);
  await ready(page);
  await page.evaluate(() => scrollTo(0, 400));
  await until(page, () => history.state?.y === 400);
  await page.locator('tbody a').nth(20).click();
  await page.waitForURL(/#\/influencer/);
  await ready(page);
  assert.equal(await page.evaluate(() => scrollY), 0);
  await page.goBack();
  await until(page, () => scrollY === 400);
}

export const goesOn = (...of) => eachOnItsPage(
  [numbersAndFocus, noAnswer, staleData, pastMinute, whoIsCompared, minutesByKeys, themes,
  backAgain], ...of);
