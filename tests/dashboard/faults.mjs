// What the API cannot say now costs the page that part, and no more. The faults are made up here,
// in a page of its own: a browser reports each to its console.
import assert from 'node:assert/strict';
import {countStreams} from './tools.mjs';

const problem = {status: 503, contentType: 'application/problem+json',
  body: JSON.stringify({title: 'Service Unavailable', status: 503, detail: 'Made up.'})};

async function fails(page, ...paths) {
  for (const path of paths) await page.route(path, (route) => route.fulfill(problem));
}

const says = (page, title, text) => page
  .locator('section', {has: page.getByRole('heading', {name: title})}).getByText(text).waitFor();

async function influencer(page, page_url) {
  await fails(page, '**/gaps*', '**/growth*', '**/signals*', '**/series?*step=300*', '**/ranks*');
  await page.goto(`${page_url}#/influencer/1000001?range=6h`);
  await page.waitForSelector('[aria-label^="Followers of"]');
  await says(page, 'Followers', 'Why minutes are missing cannot be said now.');
  await page.getByText('Growth cannot be shown: Made up.').waitFor();
  await says(page, 'What we see', 'This cannot be shown now.');
  await page.getByRole('heading', {name: 'Growth'}).waitFor();
}

async function pipeline(page, page_url) {
  await fails(page, '**/metrics');
  await page.route('**/api/v1/summary', async (route) => {
    const response = await route.fetch();
    await route.fulfill({json: {...await response.json(), workers: null, queue_bill: null}});
  });
  await page.goto('about:blank');
  await page.goto(`${page_url}#/pipeline`);
  await says(page, 'Stages', '/metrics does not answer.');
  await says(page, 'Queue bill', 'The store does not say now.');
  await says(page, 'Workers', 'The store does not say now.');
}

// Of a bookmark of another version: what it does not know is as if it were not there.
async function oldAddress(page, page_url) {
  await page.goto(`${page_url}#/leaderboard?sort=name&order=up&verdict=perhaps`);
  await page.getByText('By followers, most first').waitFor();
}

// Browsers open six connections to a server, for all tabs together.
async function oneStream(page, page_url) {
  const open = () => page.evaluate(() => globalThis.openStreams.size);
  for (const hash of ['#/influencer/1000001', '#/', '#/influencer/1000002']) {
    await page.goto(page_url + hash);
    await page.waitForSelector('main:not([aria-busy]) h1');
    assert.equal(await open(), 1, hash);
  }
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', {value: true});
    document.dispatchEvent(new Event('visibilitychange'));
  });
  assert.equal(await open(), 0, 'nobody looks');
}

export async function costsOnlyThatPart(browser, page_url, patience) {
  const page = await browser.newPage();
  page.setDefaultTimeout(patience);
  await countStreams(page);
  for (const check of [influencer, pipeline, oldAddress, oneStream]) {
    await check(page, page_url);
    await page.unrouteAll({behavior: 'ignoreErrors'});
  }
  await page.close();
}
