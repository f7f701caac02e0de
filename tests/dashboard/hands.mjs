// What somebody does with the page is not undone by what comes meanwhile, nor done twice.
import assert from 'node:assert/strict';
import {ready, until} from './tools.mjs';

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

export async function handsAreLeftAlone(browser, page_url, patience) {
  for (const check of [focusOnRule, onlyOnce]) {
    const page = await browser.newPage({viewport: {width: 1280, height: 700}});
    page.setDefaultTimeout(patience);
    await check(page, page_url);
    await page.close();
  }
}
