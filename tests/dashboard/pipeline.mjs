// The pipeline: its stages as they are measured, and its minutes.
import assert from 'node:assert/strict';
import {testView} from './harness.mjs';
import {fails, ownTime, ready, says, until} from './tools.mjs';

// Each stage is measured; the workers are told.
async function stages(page, page_url) {
  await page.goto(`${page_url}#/pipeline`);
  const shown = page.locator('section', {has: page.getByRole('heading', {name: 'Stages'})});
  await shown.locator('tbody').waitFor();
  const rows = await shown.locator('tbody tr').evaluateAll((found) =>
    found.map((row) => [...row.children].map((cell) => cell.textContent)));
  assert.deepEqual(rows.map(([name]) => name),
    ['Fetch', 'Store', 'Daily check', 'Leaderboard', 'Alerts', 'API']);
  const at = (name) => rows.find(([one]) => one === name);
  assert.match(at('API')[1], /^[0-9.,]+\/s$/);
  assert.match(at('Fetch')[2], /^[0-9.,]+\sm?s$/);
  assert.equal(at('Store')[3], '0 / 0');
  await page.getByText('seed fetch sink check api').waitFor();
}

async function whatIsNotSaid(page, page_url) {
  await fails(page, '**/metrics');
  await page.route('**/api/v1/summary', async (route) => {
    const response = await route.fetch();
    await route.fulfill({json: {...await response.json(), workers: null, queue_bill: null}});
  });
  await page.goto(`${page_url}#/pipeline`);
  await says(page, 'Stages', '/metrics is not responding.');
  await says(page, 'Queue cost', 'Not available right now.');
  await says(page, 'Workers', 'Not available right now.');
}

// What the network sent is text, however long and whatever it looks like.
async function failedRequests(page, page_url) {
  const text = `<img src=x onerror="document.title='broken into'"><b>${'z'.repeat(300)}</b> \\x1b`;
  const at = new Date().toISOString();
  const told = async (failure_examples) => {
    await page.unrouteAll();
    await page.route('**/api/v1/summary', async (route) => {
      const response = await route.fetch();
      await route.fulfill({json: {...await response.json(), failure_examples}});
    });
    await page.goto('about:blank');
    await page.goto(`${page_url}#/pipeline`);
  };
  await told([{reason: 'malformed', influencer: 7, influencer_str: '7', status: 200, text, at,
    count: 1234}, {reason: 'connection', influencer: 8, influencer_str: '8', status: null,
    text: 'refused', at, count: 1}]);
  const item = page.locator('.examples li').filter({hasText: 'invalid response'});
  await item.waitFor();
  assert.match(await item.textContent(), /, influencer 7, HTTP 200; 1,234 since start<img src=x/);
  assert.equal(await item.locator('code').textContent(), text);
  assert.equal(await page.locator('.examples img').count(), 0);
  assert.doesNotMatch(await page.title(), /broken/);
  for (const width of [360, 390, 1440]) {
    await page.setViewportSize({width, height: 900});
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(over <= 0, `${over} px too wide at ${width}`);
  }
  await told([]);
  await says(page, 'Missed by reason', 'No failed requests since start.');
  await told(null);
  await page.getByText('This process sends no requests').waitFor();
}

async function minutesByKeys(page, page_url) {
  await page.goto(`${page_url}#/pipeline`);
  await ready(page);
  await page.locator('.grid').focus();
  await page.keyboard.press('ArrowLeft');
  await page.getByText(/stored \(\d+\.\d\s%\)|nothing due/).first().waitFor();
}

// The demo was started in the middle of a minute: nobody was missed before.
async function firstMinute(page, page_url) {
  await page.goto(`${page_url}#/pipeline`);
  await page.getByText('Show as table').click();
  const cells = await page.locator('details:has-text("Show as table") tbody tr').last()
    .locator('td').allTextContents();
  const [, due, stored, missed] = cells;
  assert.deepEqual([missed, due], ['0', stored]);
}

// The minute that was come to, and its account, go on with the next ones.
async function toldMinute(page, page_url) {
  const time = await ownTime(page);
  await page.goto(`${page_url}#/pipeline`);
  await ready(page);
  await page.locator('.grid').focus();
  for (let i = 0; i < 3; ++i) await page.keyboard.press('ArrowLeft');
  const told = () => page.locator('section:has(.grid) [aria-live] time').getAttribute('datetime');
  const before = await told();
  await page.locator('.grid').evaluate((old) => { old.dataset.old = ''; });
  await time.pass();
  await until(page, () => !document.querySelector('[data-old]'));
  assert.equal(await told(), before);
  await page.keyboard.press('ArrowRight');
  assert.equal(Date.parse(await told()) - Date.parse(before), 60_000);
}

await testView({
  looks: {pipeline: '#/pipeline'},
  checks: [stages, firstMinute],
  faults: [whatIsNotSaid, failedRequests, minutesByKeys, toldMinute]});
