// Runs the checks of one view: node VIEW.mjs URL CHROMIUM, in the folder that gets the screens.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {chromium} from 'playwright-core';

const [page_url, executablePath] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const kWidths = [360, 900, 1440];
const patience = 120_000;  // of a loaded machine
// It looks for nothing outside of this machine.
const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--no-first-run',
  // Of the driver's list, and renderers in advance, which cost more than they save here.
  '--disable-features=SpareRendererForSitePerProcess,PaintHolding,HttpsUpgrades,Translate,'
  + 'OptimizationHints,MediaRouter,DialMediaRouteProvider,LensOverlay'];

// A page whose errors are collected, but for those that the view's checks provoke.
async function open(context, {errors, isExpected = () => false}) {
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (said) => {
    if (said.type() === 'error' && !isExpected(said)) errors.push(said.text());
  });
  return page;
}

async function check(page, label) {
  assert.notEqual(await page.textContent('h1'), 'Page not available', label);
  await page.screenshot({path: `${label}.png`});
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(over <= 0, `${label} is ${over} px too wide`);
  const words = await page.$$eval('.scroll:has(.words)', (found) => found.map(
    (one) => one.scrollWidth - one.clientWidth));
  assert.ok(words.every((wide) => wide <= 0), `${label} has words to scroll to: ${words}`);
  // It looks for all, and describes no more than the violations.
  const found = await page.evaluate(async () =>
    (await globalThis.axe.run({resultTypes: ['violations']})).violations);
  assert.deepEqual(found.map((one) => one.id), [], label);
}

// Loaded as on a phone; wider ones, as somebody turns it or moves the window's edge.
async function look(page, hash, label) {
  await page.setViewportSize({width: kWidths[0], height: 900});
  await page.evaluate((to) => history.replaceState(null, '', to), hash);
  await page.reload();
  await page.waitForSelector('main:not([aria-busy]) h1');
  await page.evaluate(axe);
  for (const width of kWidths) {
    await page.setViewportSize({width, height: 900});
    await page.evaluate(() => new Promise((drawn) => {  // charts fit themselves
      requestAnimationFrame(() => requestAnimationFrame(drawn));
    }));
    await check(page, `${label}-${width}`);
  }
}

// In both themes at three widths: no console error, no overflow, no violation of axe.
async function lookAt(browser, tested) {
  const page = await open(await browser.newContext(), tested);
  await page.goto(page_url);
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({colorScheme});
    for (const [name, hash] of Object.entries(tested.looks)) {
      await look(page, hash, `${name}-${colorScheme}`);
    }
    for (const width of tested.withEach ? kWidths : []) {
      await page.setViewportSize({width, height: 900});
      await page.goto('about:blank');
      await page.goto(page_url);
      await page.waitForSelector('main:not([aria-busy]) h1');
      await tested.withEach(page, page_url);
    }
  }
}

async function onPage(browser, viewport, tested, check) {
  const context = await browser.newContext({viewport});
  const page = await open(context, tested);
  const begun = Date.now();
  try {
    await check(page, page_url);
  } catch (error) {
    await page.screenshot({path: `failed-${check.name}.png`}).catch(() => {});
    throw new Error(`${check.name}: ${error.message}`, {cause: error});
  }
  console.log(`${check.name} passed in ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  await page.unrouteAll({behavior: 'ignoreErrors'});
  await context.close();
}

// Of a view: `looks` are addresses by name; `checks` run on a page of their own each, and its
// console must stay without errors; `faults` provoke such.
export async function testView({checks = [], faults = [], ...rest}) {
  const tested = {looks: {}, errors: [], ...rest};
  const browser = await chromium.launch({executablePath, args, timeout: patience});
  try {
    for (const check of checks) {
      await onPage(browser, {width: 1440, height: 900}, tested, check);
    }
    for (const check of faults) {
      await onPage(browser, {width: 1280, height: 700}, {errors: []}, check);
    }
    await lookAt(browser, tested);
    assert.deepEqual(tested.errors, []);
  } finally {
    await browser.close();
  }
}
