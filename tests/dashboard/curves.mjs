// The curves of an influencer: growth and rank beside the counts, and the live end. History and
// what the stream says are made up here, the page and everything else are real.
import assert from 'node:assert/strict';

const kMinutes = 300;
const kOutage = [100, 120];
const begin = (Math.floor(Date.now() / 60_000) - kMinutes) * 60_000;
// Ten more each minute, but for an outage.
const followersAt = (i) => i >= kOutage[0] && i < kOutage[1] ? null : 100_000 + 10 * i;

function seriesOf(url) {
  const step = Number(url.searchParams.get('step'));
  const last = new Map();
  for (let i = 0; i < kMinutes; ++i) {
    const time = Math.floor((begin + i * 60_000) / (step * 1000)) * step * 1000;
    last.set(time, followersAt(i) ?? last.get(time) ?? null);
  }
  const values = [...last.values()];
  const all = (one) => values.map((value) => value && one);
  return {step_seconds: step, time_ms: [...last.keys()], follower_count: values,
    following_count: all(500), follower_ratio: all(2)};
}

// Every 15 minutes, as the page asks for 6 hours.
const kRankMs = 900_000;
const firstRank = Math.ceil(begin / kRankMs) * kRankMs;
const ranks = {items: Array.from({length: 19}, (_, i) => ({
  minute: new Date(firstRank + i * kRankMs).toISOString(), rank: 19 - i, of: 200}))};

const valueOf = (seconds_ahead, follower_count, rank) => ({id: 1000002, username: 'made-up',
  follower_count, following_count: 500, follower_ratio: 2, rank, of: 200, age_seconds: 1,
  retrieved_at: new Date(begin + kMinutes * 60_000 + seconds_ahead * 1000).toISOString(),
  verdict: null});
const said = (value) => `event: influencer\ndata: ${JSON.stringify(value)}\n\n`;

async function tableOf(page, title) {
  const table = page.locator('section', {has: page.getByRole('heading', {name: title})});
  await table.getByText('As a table').click();
  return table.locator('details tbody tr').evaluateAll((rows) =>
    rows.map((row) => row.children[1].textContent));
}

export async function curvesGoOn(page, page_url, screenshot) {
  let asked = 0;
  let told = () => {};
  const live = new Promise((resolve) => { told = resolve; });
  await page.route('**/influencers/1000002/series*', (route) =>
    route.fulfill({json: seriesOf(new URL(route.request().url()))}));
  await page.route('**/influencers/1000002/ranks*', (route) => {
    ++asked;
    return route.fulfill({json: ranks});
  });
  // Where the stream is silent it is asked for.
  let latest = valueOf(-60, followersAt(kMinutes - 1), 1);
  await page.route('**/api/v1/influencers/1000002', (route) => route.fulfill({json: latest}));
  await page.route('**/api/v1/stream?influencers=1000002', async (route) => route.fulfill({
    contentType: 'text/event-stream', body: `retry: 600000\n\n${await live}`}));
  await page.goto('about:blank');
  await page.setViewportSize({width: 1440, height: 500});
  await page.goto(`${page_url}#/influencer/1000002?range=6h`);
  await page.getByText('Change of followers per 5 minutes').waitFor();
  const changes = await tableOf(page, 'Change of followers per 5 minutes');
  assert.ok(changes.length > 40 && changes.length < 60, `${changes.length} changes`);
  // None is told across the outage; what is next to it has fewer minutes.
  const whole = changes.filter((change) => change === '+50');
  assert.ok(whole.length >= changes.length - 4, changes.join());
  assert.ok(changes.every((change) => /^\+[1-5]?0$|^0$/.test(change)), changes.join());

  assert.equal(asked, 0, 'ranks cost, and nobody looks at them yet');
  await page.getByRole('heading', {name: 'Rank, the best at the top'}).scrollIntoViewIfNeeded();
  await page.waitForSelector('[aria-label^="Rank of"]');
  assert.equal(asked, 1);
  assert.deepEqual((await tableOf(page, 'Rank, the best at the top')).slice(0, 3), ['1', '2', '3']);

  latest = valueOf(60, 123_457, 7);
  told(said(valueOf(0, 123_456, 7)) + said(latest));
  await page.locator('.tile', {hasText: 'Followers'}).getByText('123,457').waitFor();
  await page.setViewportSize({width: 1440, height: 900});
  for (const [chart, value] of [['Followers of', '123,457'], ['Rank of', '7']]) {
    const plot = page.locator(`[aria-label^="${chart}"]`);
    await plot.focus();
    await page.keyboard.press('ArrowRight');  // the newest
    await plot.locator('.u-value').getByText(value, {exact: true}).waitFor();
  }
  await page.screenshot({path: screenshot, fullPage: true});
  await page.unrouteAll();
}
