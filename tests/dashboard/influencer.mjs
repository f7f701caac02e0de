// An influencer's page, and what follows each other: what a former view still asks for changes
// nothing, and what the API cannot say now costs the page that part, and no more.
import assert from 'node:assert/strict';
import {testView} from './harness.mjs';
import {countStreams, fails, go, ownTime, ready, says} from './tools.mjs';

const seriesOf = (id) => `**/influencers/${id}/series*`;

// The answers to one influencer come when the person is at another one's page.
async function superseded(page, page_url) {
  await countStreams(page);
  await page.clock.install();
  await page.addInitScript(() => {
    globalThis.timers = new Set();
    const {setInterval: set, clearInterval: clear} = globalThis;
    globalThis.setInterval = (...args) => {
      const made = set(...args);
      globalThis.timers.add(made);
      return made;
    };
    globalThis.clearInterval = (one) => { globalThis.timers.delete(one); clear(one); };
  });
  const held = [];
  await page.route(seriesOf(1000003), (route) => { held.push(route); });
  await page.goto(`${page_url}#/influencer/1000001`);
  await ready(page);
  const timers = await page.evaluate(() => globalThis.timers.size);
  await go(page, '#/influencer/1000003');
  await page.getByText('Loading…').waitFor();
  await go(page, '#/influencer/1000002');
  await page.waitForSelector('main:not([aria-busy]) h1:has-text("1000002")');
  assert.ok(held.length > 0);
  await Promise.all([page.waitForEvent('requestfinished',
    (one) => one.url().includes('/1000003/series')), ...held.map((route) => route.continue())]);
  await page.clock.runFor(2200);  // two rounds of what happens each second
  assert.deepEqual(await page.evaluate(() =>
    [...globalThis.openStreams].map(({url}) => new URL(url).search)), ['?influencers=1000002']);
  assert.equal(await page.evaluate(() => globalThis.timers.size), timers);
}

// Nothing in the range yet: the first value begins the page anew, which goes on from there.
async function fromFirstValue(page, page_url) {
  let change = 11;
  let has_values = false;
  const time = await ownTime(page);
  await page.route('**/influencers/1000001/growth*', (route) => route.fulfill({json: {
    hour: {since: new Date(time.now), complete: true, change, percent: 1, ups: 1, downs: 0},
    day: null, week: null}}));
  await page.route(seriesOf(1000001), async (route) => {
    const real = await (await route.fetch()).json();
    const none = real.time_ms.map(() => null);
    await route.fulfill({json: has_values ? real
      : {...real, follower_count: none, following_count: none, follower_ratio: none}});
  });
  await page.goto(`${page_url}#/influencer/1000001`);
  await page.getByText('No values in this range.').waitFor();
  has_values = true;
  await time.pass(6_000);
  await page.waitForSelector('[aria-label^="Followers of"]');
  await page.getByRole('cell', {name: '+11', exact: true}).waitFor();
  change = 22;
  await time.pass();
  await page.getByRole('cell', {name: '+22', exact: true}).waitFor();
}

async function whatIsNotSaid(page, page_url) {
  await fails(page, '**/gaps*', '**/growth*', '**/signals*', '**/series?*step=300*', '**/ranks*');
  await page.goto(`${page_url}#/influencer/1000001?range=6h`);
  await page.waitForSelector('[aria-label^="Followers of"]');
  await says(page, 'Followers', 'The reasons for missing minutes are not available right now.');
  await page.getByText('Growth not available: Made up.').waitFor();
  await says(page, 'Verdict and signals', 'Not available right now.');
  await page.getByRole('heading', {name: 'Growth'}).waitFor();
}

// Browsers open six connections to a server, for all tabs together.
async function oneStream(page, page_url) {
  await countStreams(page);
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

await testView({
  looks: {influencer: '#/influencer/1000001',
    minutes: '#/influencer/1000001?range=30d&detail=minutes',
    year: '#/influencer/1000001?range=1y', all: '#/influencer/1000001?range=all'},
  faults: [superseded, fromFirstValue, whatIsNotSaid, oneStream]});
