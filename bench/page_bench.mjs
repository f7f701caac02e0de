// Pans a chart of three influencers with 43,200 minutes each, as a hand with shift would, and
// prints the times between frames: node page_bench.mjs PAGE CHROMIUM, started by page_bench.py.
import {chromium} from 'playwright-core';

const [page_url, executablePath] = process.argv.slice(2);
const kMinutes = 43_200;
const kFrames = 600;
const kShown = [['27 of 30 days', 0.9], ['15 days', 0.5], ['1 day', 1 / 30]];

// A random walk, the same in every run.
function walk(seed) {
  let state = seed;
  let count = 100_000;
  return Array.from({length: kMinutes}, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    count = Math.max(5000, count + Math.round((state / 2 ** 32 - 0.5) * 20_000));
    return count;
  });
}

function series(route) {
  const [, id] = /influencers\/(\d+)/.exec(route.request().url());
  const end = Math.floor(Date.now() / 60_000) * 60_000;
  const counts = walk(Number(id));
  return route.fulfill({json: {
    id: Number(id), step_seconds: 60, start: '', end: '', follower_count: counts,
    time_ms: counts.map((_, i) => end - (kMinutes - i) * 60_000),
    following_count: counts, follower_ratio: counts}});
}

// In the page: to and fro, a few pixels a frame.
function pan(frames) {
  const over = document.querySelector('.u-over');
  const {left, top, width} = over.getBoundingClientRect();
  const say = (type, x) => over.dispatchEvent(new PointerEvent(type, {
    pointerId: 1, shiftKey: true, bubbles: true, clientX: left + x, clientY: top + 50}));
  over.setPointerCapture = () => {};  // there is no such pointer
  const at = [];
  return new Promise((resolve) => {
    const step = (now) => {
      at.push(now);
      const phase = at.length * 4 / width;
      say('pointermove', width / 2 * (1 + Math.sin(phase) / 12));
      if (at.length <= frames) return void requestAnimationFrame(step);
      say('pointerup', 0);
      resolve(at.slice(1).map((t, i) => t - at[i]));
    };
    say('pointerdown', width / 2);
    requestAnimationFrame(step);
  });
}

const quantile = (sorted, part) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
const ms = (value) => value.toFixed(1).padStart(6);

async function metrics(session) {
  const {metrics: all} = await session.send('Performance.getMetrics');
  return Object.fromEntries(all.map(({name, value}) => [name, value]));
}

async function measure(page, session, part) {
  const end = Math.floor(Date.now() / 1000);
  const span = kMinutes * 60;
  const from = Math.round(end - span * (0.5 + part / 2));
  await page.goto('about:blank');
  await page.goto(`${page_url}#/compare?ids=1000001,1000002,1000003&range=30d&detail=minutes`
    + `&mode=absolute&from=${from}&to=${Math.round(from + span * part)}`);
  await page.waitForSelector('main:not([aria-busy]) .u-over');
  await page.evaluate(pan, 60);  // warm
  const before = await metrics(session);
  const frames = (await page.evaluate(pan, kFrames)).sort((a, b) => a - b);
  const after = await metrics(session);
  const each = (name) => (after[name] - before[name]) * 1000 / kFrames;
  return {frames, script: each('ScriptDuration'), task: each('TaskDuration'),
    layouts: (after.LayoutCount - before.LayoutCount) / kFrames};
}

const browser = await chromium.launch({executablePath,
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run']});
try {
  const page = await browser.newPage({viewport: {width: 1440, height: 900}});
  page.on('pageerror', (error) => { throw error; });
  await page.route('**/api/v1/influencers/*/series*', series);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  console.log(`3 x ${kMinutes} points, ${kFrames} frames each, ${browser.version()}, no GPU`);
  console.log('shown            p50    p99    max  ms a frame | missed frames |'
    + ' script, all ms | layouts');
  for (const [name, part] of kShown) {
    const {frames, script, task, layouts} = await measure(page, session, part);
    const missed = frames.reduce((sum, t) => sum + Math.max(0, Math.round(t / (1000 / 60)) - 1), 0);
    console.log(`${name.padEnd(13)} ${ms(quantile(frames, 0.5))} ${ms(quantile(frames, 0.99))} ${
      ms(frames.at(-1))}             | ${String(missed).padStart(4)} of ${kFrames}   | ${
      ms(script)} ${ms(task)} | ${layouts.toFixed(2)} a frame`);
  }
} finally {
  await browser.close();
}
