// What somebody does with the page is not undone by what comes meanwhile, nor done twice.
import assert from 'node:assert/strict';
import {eachOnItsPage, isBegunAnew, minutesPass, ready, until} from './tools.mjs';

// Each rule has the same buttons: the focus stays with its rule when the list is drawn anew.
async function focusOnRule(page, page_url) {
  await page.goto(`${page_url}#/alerts`);
  await ready(page);
  const rule = page.locator('.rule').last();
  const name = await rule.locator('h3').textContent();
  await rule.getByRole('button', {name: 'Pause'}).focus();
  await rule.evaluate((old) => { old.dataset.old = ''; });
  await until(page, () => !document.querySelector('[data-old]'));
  const held = await page.evaluate(() => [document.activeElement.textContent,
    document.activeElement.closest('.rule')?.querySelector('h3').textContent]);
  assert.deepEqual(held, ['Pause', name]);
}

// A second click before the answer to the first.
async function onlyOnce(page, page_url) {
  const sent = [];
  const slowly = async (route, json) => {
    if (route.request().method() !== 'POST') return route.fallback();
    sent.push(new URL(route.request().url()).pathname);
    await page.waitForTimeout(500);
    return route.fulfill({json});
  };
  await page.route('**/api/v1/alerts/*/test', (route) => slowly(route,
    {outcome: 'delivered', status: 204, detail: null, took_ms: 1}));
  await page.route('**/api/v1/alerts', (route) => slowly(route, {name: 'made up', enabled: true}));
  await page.goto(`${page_url}#/alerts`);
  await ready(page);
  await page.locator('.rule').last().getByRole('button', {name: 'Test'}).dblclick();
  await page.getByText(/took it: 204 after 1 ms/).waitFor();
  await page.goto(`${page_url}#/alerts/new?influencer=1000001`);
  await page.getByRole('button', {name: 'Create'}).dblclick();
  await page.getByText('“made up” is saved').waitFor();
  assert.deepEqual(sent.map((path) => path.split('/').pop()), ['test', 'alerts']);
}

// Whoever comes back after a while has the newest, but not instead of what was typed or ticked.
async function whatIsTyped(page, page_url) {
  await page.goto(`${page_url}#/alerts/new?influencer=1000001`);
  await ready(page);
  await page.getByRole('button', {name: 'Make one'}).click();
  assert.equal(await isBegunAnew(page), false);
  assert.match(await page.inputValue('#f-secret'), /^whsec_/);
  for (const [hash, act] of [
    ['leaderboard', () => page.getByRole('checkbox').first().check()],
    ['compare?ids=1000001', () => page.getByLabel('Add by id or name').fill('10000')]]) {
    await page.goto('about:blank');
    await page.goto(`${page_url}#/${hash}`);
    await ready(page);
    assert.equal(await isBegunAnew(page), true, hash);
    await ready(page);
    await act();
    assert.equal(await isBegunAnew(page), false, hash);
  }
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
  assert.ok(await page.locator('nav [href="#/pipeline"][aria-current]').evaluate((link) =>
    link.getBoundingClientRect().right <= innerWidth));
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

// The minute that was come to, and its account, go on with the next ones.
async function toldMinute(page, page_url) {
  const pass = await minutesPass(page);
  await page.goto(`${page_url}#/pipeline`);
  await ready(page);
  await page.locator('.grid').focus();
  for (let i = 0; i < 3; ++i) await page.keyboard.press('ArrowLeft');
  const told = () => page.locator('section:has(.grid) [aria-live] time').getAttribute('datetime');
  const before = await told();
  await page.locator('.grid').evaluate((old) => { old.dataset.old = ''; });
  pass();
  await until(page, () => !document.querySelector('[data-old]'));
  assert.equal(await told(), before);
  await page.keyboard.press('ArrowRight');
  assert.equal(Date.parse(await told()) - Date.parse(before), 60_000);
}

export const handsAreLeftAlone = (...of) => eachOnItsPage(
  [focusOnRule, onlyOnce, whatIsTyped, placeOnPhone, recentTimes, nothingHidden, toldMinute],
  ...of);
