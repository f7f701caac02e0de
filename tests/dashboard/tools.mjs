// What the checks of the page share.
import assert from 'node:assert/strict';

const kMinuteMs = 60_000;

export const ready = (page) => page.waitForSelector('main:not([aria-busy]) h1');
export const go = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

// The page's policy forbids what waitForFunction does.
export async function until(page, condition) {
  for (let tried = 0; !await page.evaluate(condition); ++tried) {
    assert.ok(tried < 600, `${condition}`);
    await page.waitForTimeout(100);
  }
}

// From here on globalThis.openStreams has them.
export const countStreams = (page) => page.addInitScript(() => {
  globalThis.openStreams = new Set();
  const Real = globalThis.EventSource;
  globalThis.EventSource = class extends Real {
    constructor(...args) { super(...args); globalThis.openStreams.add(this); }
    close() { super.close(); globalThis.openStreams.delete(this); }
  };
});

const problem = {status: 503, contentType: 'application/problem+json',
  body: JSON.stringify({title: 'Service Unavailable', status: 503, detail: 'Made up.'})};

export async function fails(page, ...paths) {
  for (const path of paths) await page.route(path, (route) => route.fulfill(problem));
}

export const says = (page, title, text) => page
  .locator('section', {has: page.getByRole('heading', {name: title})}).getByText(text).waitFor();

// The page's clock, and what the program says of itself. The clock stands still in the middle of a
// minute, while timers run; the stream is silent, and the summary is as real as `more` leaves it.
// So nothing comes to the page by itself: `pass` moves the clock, by a minute unless told
// otherwise, and the page asks within a second. `minute` is the last whole one, `now` the time, in
// ms since 1970.
export async function ownTime(page, more = () => ({})) {
  const time = {
    now: Math.floor(Date.now() / kMinuteMs) * kMinuteMs + kMinuteMs / 2,
    get minute() { return Math.floor(this.now / kMinuteMs - 1) * kMinuteMs; },
    async pass(ms = kMinuteMs) {
      // What is asked for first tells nothing new.
      await page.waitForSelector('#facts:not(:empty)', {state: 'attached'});
      this.now += ms;
      await page.clock.setFixedTime(this.now);
    }};
  await page.clock.setFixedTime(time.now);
  await page.route('**/api/v1/stream*', (route) => route.fulfill({
    contentType: 'text/event-stream', body: 'retry: 600000\n\n'}));
  await page.route('**/api/v1/summary', async (route) => {
    const real = await (await route.fetch()).json();
    const minute = {...real.minute, minute: new Date(time.minute)};
    await route.fulfill({json: {...real, minute, ...more(real)}});
  });
  return time;
}

// A minute of which the program has values of everybody, in seconds since 1970.
export async function minuteWithValues(page, page_url) {
  const reply = await page.request.get(`${page_url}api/v1/influencers/1000001`);
  return Math.floor(Date.parse((await reply.json()).retrieved_at) / kMinuteMs) * 60;
}

// Whether the view is drawn from scratch when somebody comes back to it after more than a minute.
export const isBegunAnew = (page) => page.evaluate(() => {
  const now = Date.now;
  const turn = (hidden) => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
  };
  turn(true);
  Date.now = () => now() + 61_000;
  turn(false);
  Date.now = now;
  return document.querySelector('main').hasAttribute('aria-busy');
});

// Whoever comes back after a while has the newest, but not instead of what was typed or ticked.
export async function keepsWhatIsEdited(page, address, edit) {
  await page.goto(address);
  await ready(page);
  assert.equal(await isBegunAnew(page), true);
  await ready(page);
  await edit();
  assert.equal(await isBegunAnew(page), false);
}
