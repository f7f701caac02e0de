// What needs hours of history: gaps with their reasons, and moving through time. The series and its
// gaps are made up here, the page and everything else are real.
import assert from 'node:assert/strict';

const kMinutes = 600;
const kGap = [300, 305];  // no value from here to there

function madeUp() {
  const end = Math.floor(Date.now() / 60_000) * 60_000;
  const time_ms = Array.from({length: kMinutes}, (_, i) => end - (kMinutes - i) * 60_000);
  const values = time_ms.map((_, i) => i >= kGap[0] && i < kGap[1] ? null : 100_000 + i);
  const series = {id: 1000001, step_seconds: 60, start: '', end: '', time_ms,
    follower_count: values, following_count: values, follower_ratio: values.map((v) => v && 1)};
  const iso = (i) => new Date(time_ms[i]).toISOString();
  const gap = (from, to, reason) => ({start: iso(from), end: iso(to), minutes: to - from, reason});
  const gaps = {start: iso(0), minutes: kGap[1] - kGap[0], more: false,
    items: [gap(kGap[0] + 2, kGap[1], 'down'), gap(kGap[0], kGap[0] + 2, 'timeout')]};
  return {series, gaps};
}

const boundsOf = (page) => page.evaluate(() => {
  const args = new URLSearchParams(location.hash.split('?')[1]);
  return [Number(args.get('from')), Number(args.get('to'))];
});

export async function gapsAndStretch(page, page_url, screenshot) {
  const {series, gaps} = madeUp();
  await page.route('**/influencers/1000001/series*', (route) => route.fulfill({json: series}));
  await page.route('**/influencers/1000001/gaps*', (route) => route.fulfill({json: gaps}));
  await page.goto('about:blank');
  await page.goto(`${page_url}#/influencer/1000001?range=1d`);
  await page.waitForSelector('.u-over');
  await page.getByText('Minutes without a value: 5').click();
  const listed = page.locator('details', {hasText: 'Minutes without'}).locator('tbody tr');
  const rows = await listed.evaluateAll((found) => found.map((row) =>
    [...row.children].slice(1).map((cell) => cell.textContent)));
  assert.deepEqual(rows,
    [['3', 'the program was not running'], ['2', 'no answer in time']]);
  await page.screenshot({path: screenshot});

  await page.focus('[aria-label^="Followers of"]');
  await page.keyboard.press('+');
  await page.waitForURL(({hash}) => hash.includes('from='));
  const near = await boundsOf(page);
  assert.equal(Math.round((near[1] - near[0]) / 60), Math.round((kMinutes - 1) / 2));
  await page.keyboard.press('Shift+ArrowLeft');
  await page.waitForURL(({hash}) => !hash.includes(`from=${near[0]}`));
  const earlier = await boundsOf(page);
  assert.ok(earlier[0] < near[0] && earlier[1] < near[1]);
  await page.reload();  // a stretch is its address
  await page.waitForSelector('.u-over');
  assert.deepEqual(await boundsOf(page), earlier);
  await page.getByRole('button', {name: 'All', exact: true}).click();
  await page.waitForURL(({hash}) => !hash.includes('from='));
  await page.unrouteAll();
}
