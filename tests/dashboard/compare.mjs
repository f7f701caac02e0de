// Influencers side by side.
import assert from 'node:assert/strict';
import {testView} from './harness.mjs';
import {keepsWhatIsEdited, ownTime, ready} from './tools.mjs';

async function whoIsCompared(page, page_url) {
  const ids = Array.from({length: 11}, (_, i) => 1_000_000 + i);
  await page.goto(`${page_url}#/compare?ids=999,abc,${ids.join()}&mode=foo&range=bar`);
  await ready(page);
  const left_out = await page.locator('.banner').textContent();
  for (const part of ['No influencer with id “abc”', 'Nobody watches influencer 999',
    'At most 10 can be']) {
    assert.ok(left_out.includes(part), left_out);
  }
  assert.equal(await page.locator('.chip').count(), 9);
  assert.deepEqual(await page.locator('.choices [aria-current]').allTextContents(),
    ['Indexed', '1h']);
  await page.getByLabel('Add by id or name').fill('1000050');
  await page.getByRole('button', {name: 'Add'}).click();
  await page.locator('.chip', {hasText: '1000050'}).waitFor();
  await page.goto(`${page_url}#/leaderboard`);
  await ready(page);
  for (const place of [0, 2]) await page.getByRole('checkbox').nth(place).check();
  await page.getByRole('link', {name: 'Compare selected (2)'}).click();
  await page.waitForURL(/#\/compare\?ids=\d+,\d+$/);
}

// Each minute brings something newer, from nobody on.
async function minutes(page, page_url) {
  let values = [];
  const time = await ownTime(page);
  await page.route('**/influencers/*/series*', (route) => {
    const time_ms = values.map((_, i) => time.minute - (9 - i) * 60_000);
    return route.fulfill({json: {step_seconds: 60, time_ms, follower_count: values}});
  });
  const newest = page.getByRole('region', {name: 'Latest in this range'}).locator('tbody tr');
  const isNewest = (...cells) => newest.filter({hasText: cells.join('')}).waitFor();
  await page.goto(`${page_url}#/compare?ids=1000001`);
  await page.getByText('No values in this range.').waitFor();
  values = [200_000];
  await time.pass();
  await isNewest('200,000', '0.00');
  values = [200_000, 300_000];
  await time.pass();
  await isNewest('300,000', '+50.00');
  await page.getByText('Show as table').click();
  await page.locator('details').getByRole('cell', {name: '150.0'}).waitFor();
}

const whatIsTyped = (page, page_url) => keepsWhatIsEdited(page, `${page_url}#/compare?ids=1000001`,
  () => page.getByLabel('Add by id or name').fill('10000'));

await testView({
  looks: {compare: '#/compare?ids=1000001,1000002',
    ranks: '#/compare?ids=1000001,1000002&mode=rank'},
  faults: [whoIsCompared, minutes, whatIsTyped]});
