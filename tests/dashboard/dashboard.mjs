// Every view in both themes at three widths: no console error, no overflow, no violation of axe.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';
import {alertsByHand, isExpected, waitForAlerts} from './alerts.mjs';
import {curvesGoOn} from './curves.mjs';
import {costsOnlyThatPart} from './faults.mjs';
import {handsAreLeftAlone} from './hands.mjs';
import {goesOn} from './live.mjs';
import {gapsAndStretch, stretchesStay} from './stretch.mjs';
import {turnsFollow} from './turns.mjs';

const [page_url, executablePath] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const views = {
  overview: '#/', leaderboard: '#/leaderboard', influencer: '#/influencer/1000001',
  compare: '#/compare?ids=1000001,1000002', pipeline: '#/pipeline',
  sorted: '#/leaderboard?sort=ratio&order=asc',
  ranks: '#/compare?ids=1000001,1000002&mode=rank',
  minutes: '#/influencer/1000001?range=30d&detail=minutes',
  year: '#/influencer/1000001?range=1y', all: '#/influencer/1000001?range=all'};
const alertViews = {
  alerts: '#/alerts', alerts_of_rule: '#/alerts?rule=2', rule: '#/alerts/1',
  new_rule: '#/alerts/new?influencer=1000001&kind=threshold'};
const errors = [];
const patience = 120_000;  // of a loaded machine
// It looks for nothing outside of this machine.
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run'];

async function open(browser, colorScheme, width) {
  const context = await browser.newContext({colorScheme, viewport: {width, height: 900}});
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (said) => {
    if (said.type() === 'error' && !isExpected(said)) errors.push(said.text());
  });
  return page;
}

async function look(page, hash, label) {
  await page.goto('about:blank');
  await page.goto(page_url + hash);
  await page.waitForSelector('main:not([aria-busy]) h1');
  assert.notEqual(await page.textContent('h1'), 'This cannot be shown', label);
  await page.screenshot({path: `${label}.png`});
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${label} is ${over} px too wide`);
  const words = await page.$$eval('.scroll:has(.words)', (found) => found.map(
    (one) => one.scrollWidth - one.clientWidth));
  assert.ok(words.every((wide) => wide <= 0), `${label} has words to scroll to: ${words}`);
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await globalThis.axe.run()).violations);
  assert.deepEqual(found.map((one) => one.id), [], label);
}

// A beginning gives a list, a whole id leads to its page.
async function byKeyboard(page) {
  await page.keyboard.press('/');
  await page.keyboard.type('100000');
  await page.keyboard.press('Enter');
  await page.waitForSelector('a[href="#/influencer/1000007"]');
  await page.focus('a[href="#/influencer/1000007"]');
  await page.keyboard.press('Enter');
  await page.waitForURL(({hash}) => hash === '#/influencer/1000007');
  await page.waitForSelector('main:not([aria-busy]) h1:has-text("1000007")');
  await page.keyboard.press('/');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('1000008');
  await page.keyboard.press('Enter');
  await page.waitForURL(({hash}) => hash === '#/influencer/1000008');
  await page.waitForSelector('main:not([aria-busy]) details');
}

// Over everybody: the least of a page is not below the most of the next one.
async function sortedPages(page) {
  await page.goto(`${page_url}#/leaderboard`);
  await page.getByRole('link', {name: 'Following', exact: true}).click();
  const counts = async () => {
    await page.waitForSelector('main:not([aria-busy]) caption:has-text("By following, most")');
    return page.$$eval('tbody tr', (rows) =>
      rows.map((row) => Number(row.children[3].textContent.replaceAll(',', ''))));
  };
  const first = await counts();
  await page.getByRole('link', {name: 'Next page'}).click();
  await page.waitForURL(({hash}) => hash.includes('cursor=') && hash.includes('sort=following'));
  await page.getByRole('link', {name: 'First page'}).waitFor();
  const both = [...first, ...await counts()];
  assert.equal(both.length, 100);
  assert.deepEqual(both, both.toSorted((a, b) => b - a));
}

// Each stage is measured; the workers are told.
async function stagesOfPipeline(page) {
  await page.goto(`${page_url}#/pipeline`);
  const stages = page.locator('section', {has: page.getByRole('heading', {name: 'Stages'})});
  await stages.locator('tbody').waitFor();
  const rows = await stages.locator('tbody tr').evaluateAll((found) =>
    found.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.deepEqual(rows.map(([name]) => name),
    ['Fetch', 'Store', 'Daily check', 'Leaderboard', 'Alerts', 'API']);
  const at = (name) => rows.find(([one]) => one === name);
  assert.match(at('API')[1], /^[0-9.,]+\/s$/);
  assert.match(at('Fetch')[2], /^[0-9.,]+\sm?s$/);
  assert.equal(at('Store')[3], '0 of 0');
  await page.getByText('seed fetch sink check api').waitFor();
}

async function lookAt(browser, seen, more = () => {}) {
  for (const theme of ['light', 'dark']) {
    for (const width of [360, 900, 1440]) {
      const page = await open(browser, theme, width);
      for (const [name, hash] of Object.entries(seen)) {
        await look(page, hash, `${name}-${theme}-${width}`);
      }
      await more(page);
      await page.context().close();
    }
  }
}

const browser = await chromium.launch({executablePath, args, timeout: patience});
try {
  const page = await open(browser, 'light', 1440);
  await alertsByHand(page, page_url);
  await lookAt(browser, views, byKeyboard);
  await sortedPages(page);
  await stagesOfPipeline(page);
  await gapsAndStretch(page, page_url, 'gaps-light-1440.png');
  await stretchesStay(browser, page_url, patience);
  await curvesGoOn(page, page_url, 'curves-light-1440.png');
  await costsOnlyThatPart(browser, page_url, patience);
  await handsAreLeftAlone(browser, page_url, patience);
  await turnsFollow(browser, page_url, patience);
  await goesOn(browser, page_url, patience);
  await waitForAlerts(page, page_url);
  await lookAt(browser, alertViews);
  assert.deepEqual(errors, []);
} finally {
  await browser.close();
}
