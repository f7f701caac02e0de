// The leaderboard and the search: pages that follow, past minutes, by keyboard.
import assert from 'node:assert/strict';
import {testView} from './harness.mjs';
import {keepsWhatIsEdited, minuteWithValues, ownTime, ready, until} from './tools.mjs';

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
async function sortedPages(page, page_url) {
  await page.goto(`${page_url}#/leaderboard`);
  await page.getByRole('link', {name: 'Following', exact: true}).click();
  const counts = async () => {
    await page.waitForSelector('main:not([aria-busy]) caption:has-text("By following, highest")');
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

// A page that follows is as it was, and says when; where it is no longer kept, it is the first one.
async function pagesThatFollow(page, page_url) {
  let asked = 0;
  const time = await ownTime(page);
  await page.goto(`${page_url}#/leaderboard?sort=ratio`);
  await page.getByRole('link', {name: 'Next page'}).click();
  await page.getByText(/^51 to 100 of 200, as of \d\d:\d\d$/).waitFor();
  await page.route('**/api/v1/leaderboard?*cursor=*', (route) => {
    ++asked;
    return route.fulfill({status: 410, json: {status: 410, detail: 'Made up.'}});
  });
  const told = page.waitForResponse('**/api/v1/summary');
  await time.pass();
  await told;
  await page.waitForTimeout(500);
  assert.equal(asked, 0);
  await page.reload();
  await page.getByText('The ranking has been updated').waitFor();
  assert.equal(new URL(page.url()).hash, '#/leaderboard?sort=ratio');
  await page.getByText('1 to 50 of 200').waitFor();
}

// Each minute brings something newer, from nobody on.
async function minutes(page, page_url) {
  const real = await (await page.request.get(`${page_url}api/v1/leaderboard?limit=50`)).json();
  let board = {...real, of: 0, items: [], next: null};
  const time = await ownTime(page);
  await page.route('**/api/v1/leaderboard?*', (route) => route.fulfill({json: board}));
  await page.goto(`${page_url}#/leaderboard`);
  await page.getByText('No values yet.').waitFor();
  for (const cursor of ['first', 'second']) {
    board = {...real, next: `/api/v1/leaderboard?cursor=${cursor}`};
    await time.pass();
    await page.locator(`a[href*="cursor=${cursor}"]`).waitFor();
  }
}

// An address that somebody kept: what it names of the past, not what is there now.
async function pastMinute(page, page_url) {
  const minute = await minuteWithValues(page, page_url);
  await page.goto(`${page_url}#/leaderboard?at=${minute}`);
  await ready(page);
  await page.getByText(/of 200 influencers have a value/).waitFor();
  await page.getByRole('columnheader', {name: 'Current network verdict'}).waitFor();
  await page.locator('tbody a').first().click();
  await page.waitForURL(({hash}) => hash.includes(`?at=${minute}`));
  await page.getByText(/^As of .*rank .* of 200/).waitFor();
  await page.goto(`${page_url}#/influencer/1000001?range=1h&from=1700000000&to=1700003600`);
  await page.getByText(/Charts show 14 Nov 2023, /).waitFor();
  await page.getByText('No values in this range.').waitFor();
}

async function recentTimes(page, page_url) {
  await page.goto(`${page_url}#/leaderboard`);
  await ready(page);
  assert.deepEqual(await page.getByLabel('As of').evaluate((field) => {
    const later = Date.now() + 3_600_000;
    Date.now = () => later;
    field.focus();
    return [-1, 5].map((minutes) => {
      const at = new Date(later + minutes * 60_000);
      at.setMinutes(at.getMinutes() - at.getTimezoneOffset());
      field.value = at.toISOString().slice(0, 16);
      return field.checkValidity();
    });
  }), [true, false]);
}

// Of a bookmark of another version: what it does not know is as if it were not there.
async function oldAddress(page, page_url) {
  await page.goto(`${page_url}#/leaderboard?sort=name&order=up&verdict=perhaps`);
  await page.getByText('By followers, highest first').waitFor();
}

const whatIsTicked = (page, page_url) => keepsWhatIsEdited(page, `${page_url}#/leaderboard`,
  () => page.getByRole('checkbox').first().check());

// Back is where it was left.
async function backAgain(page, page_url) {
  await page.goto(`${page_url}#/leaderboard`);
  await ready(page);
  await page.evaluate(() => scrollTo(0, 400));
  // In one step, as what is above may still move it by some pixels.
  await until(page, () => {
    globalThis.left = scrollY;
    const is_kept = scrollY > 300 && history.state?.y === scrollY;
    if (is_kept) document.querySelectorAll('tbody a')[20].click();
    return is_kept;
  });
  await page.waitForURL(/#\/influencer/);
  await ready(page);
  assert.equal(await page.evaluate(() => scrollY), 0);
  await page.goBack();
  await until(page, () => scrollY === globalThis.left);
}

// Nothing that has the focus is wholly below the head or the foot, which stay where they are.
async function nothingHidden(page, page_url) {
  await page.setViewportSize({width: 620, height: 700});  // the head has three lines
  await page.goto(`${page_url}#/leaderboard`);
  await ready(page);
  await page.getByRole('checkbox').first().focus();
  for (const key of ['Tab', 'Shift+Tab']) {
    for (let i = 0; i < 60; ++i) {
      await page.keyboard.press(key);
      const hidden = await page.evaluate(() => {
        const one = document.activeElement;
        const {top, bottom} = one.getBoundingClientRect();
        const edge = (name) => document.querySelector(name).getBoundingClientRect();
        const is_seen = bottom > edge('header').bottom && top < edge('footer').top;
        return is_seen || !one.closest('main') ? null : one.outerHTML;
      });
      assert.equal(hidden, null);
    }
  }
}

// JavaScript rounds these as numbers. Links, what is asked for, and a rule have every digit.
const kLong = ['9007199254740993', '9223372036854775807'];

async function exactIds(page, page_url) {
  const real = await (await page.request.get(`${page_url}api/v1/leaderboard?limit=2`)).json();
  const body = real.items.reduce((text, {id}, i) =>
    text.replace(`"id":${id},`, `"id":${kLong[i]},`), JSON.stringify(real));
  await ownTime(page);
  await page.route('**/api/v1/leaderboard?*', (route) => route.fulfill(
    {contentType: 'application/json', body}));
  // It stands for another one, whom the program knows.
  const asked = [];
  await page.route(`**/api/v1/influencers/${kLong[0]}{,/**}`, async (route) => {
    const url = route.request().url();
    asked.push(url);
    const response = await route.fetch({url: url.replace(kLong[0], '1000001')});
    await route.fulfill({response, body: (await response.text()).replace('"id":1000001,',
      `"id":${kLong[0]},`)});
  });
  await page.goto(`${page_url}#/leaderboard`);
  await page.locator(`tbody a[href="#/influencer/${kLong[1]}"]`).waitFor();
  await page.locator(`tbody a[href="#/influencer/${kLong[0]}"]`).click();
  await page.waitForURL(({hash}) => hash === `#/influencer/${kLong[0]}`);
  await ready(page);
  assert.ok(asked.some((url) => url.includes('/series?')));
  await page.getByRole('link', {name: 'Create alert'}).click();
  await page.waitForSelector('#f-influencers');
  assert.equal(await page.inputValue('#f-influencers'), kLong[0]);
  const sent = page.waitForRequest((request) => request.method() === 'POST');
  await page.route('**/api/v1/alerts', (route) => route.request().method() === 'POST'
    ? route.fulfill({status: 400, json: {status: 400, detail: 'Made up.'}}) : route.fallback());
  await page.fill('#f-url', 'http://127.0.0.1:9/');
  await page.getByRole('button', {name: 'Create', exact: true}).click();
  const rule = (await sent).postData();
  assert.ok(rule.includes(`"influencers":[${kLong[0]}]`), rule);
}

await testView({
  looks: {leaderboard: '#/leaderboard', sorted: '#/leaderboard?sort=ratio&order=asc'},
  withEach: byKeyboard,
  checks: [sortedPages],
  faults: [pagesThatFollow, minutes, pastMinute, recentTimes, oldAddress, whatIsTicked, backAgain,
    nothingHidden, exactIds]});
