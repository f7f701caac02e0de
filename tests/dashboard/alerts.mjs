// A rule by hand: the token is asked for, errors stand beside their fields, a test says what the
// webhook answered, a rule is paused, changed and deleted. What fires is the program's own, so the
// last of these checks waits for the next minute.
import assert from 'node:assert/strict';
import {testView} from './harness.mjs';
import {isBegunAnew, ready, until} from './tools.mjs';

const target = {token: process.env.IA_API_TOKEN, url: process.env.WEBHOOK_URL,
  secret: process.env.WEBHOOK_SECRET, away: 'http://127.0.0.1:9/nobody'};
// Every change, so that something fires soon.
const restless = {'#f-percent': '0.01', '#f-window_minutes': '1', '#f-cool_down_minutes': ''};
const twenty = Array.from({length: 20}, (_, i) => 1_000_000 + i).join(', ');

const rule = (page, name) => page.getByRole('listitem').filter({hasText: name});
const press = (within, name) => within.getByRole('button', {name, exact: true}).click();

async function fill(page, values) {
  for (const [field, value] of Object.entries(values)) await page.fill(field, value);
}

async function giveToken(page) {
  for (const token of ['not the right token', target.token]) {
    await page.fill('dialog #token', token);
    await press(page, 'Continue');
    if (token !== target.token) await page.getByText('Wrong token').waitFor();
  }
}

async function create(page, url, name, whenAsked = async () => {}) {
  await page.goto(`${url}#/alerts/new?influencer=1000001&kind=relative`);
  await page.waitForSelector('#f-percent');
  await fill(page, {...restless, '#f-url': target.away, '#f-name': name});
  await press(page, 'Create');
  await whenAsked(page);
  await rule(page, name).waitFor();
}

// From the influencer's own page, with what is missing told beside the field.
async function createWithMistakes(page, url) {
  await page.goto(`${url}#/influencer/1000001`);
  await page.getByRole('link', {name: 'Create alert'}).click();
  await page.getByText('Change', {exact: true}).click();
  await page.waitForURL(/kind=relative/);
  await fill(page, {...restless, '#f-percent': 'much', '#f-url': 'ftp://example.com',
    '#f-influencers': twenty, '#f-name': 'to a receiver'});
  await press(page, 'Create');
  await giveToken(page);
  await page.waitForSelector('#f-percent[aria-invalid=true]');
  assert.match(await page.textContent('#f-percent-error'), /must be a number from 0.01/);
  await page.fill('#f-percent', '0.01');
  assert.equal(await page.getAttribute('#f-percent', 'aria-invalid'), null);
  await press(page, 'Create');
  await page.waitForSelector('#f-url[aria-invalid=true]');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'f-url');
  await press(page, 'Generate');
  assert.match(await page.inputValue('#f-secret'), /^whsec_[A-Za-z0-9+/]{43}=$/);
  await fill(page, {'#f-url': target.url, '#f-secret': target.secret});
  await press(page, 'Create');
  await rule(page, 'to a receiver').waitFor();
}

// Of a former run.
async function forgetRules(page, url) {
  const headers = {Authorization: `Bearer ${target.token}`};
  const {items} = await (await page.request.get(`${url}api/v1/alerts`)).json();
  for (const {id} of items) await page.request.delete(`${url}api/v1/alerts/${id}`, {headers});
}

async function byHand(page, url) {
  await forgetRules(page, url);
  await createWithMistakes(page, url);
  const mine = rule(page, 'to a receiver');
  await press(mine, 'Test');
  await mine.getByText(/Delivered to .*: HTTP 204/).waitFor();
  await create(page, url, 'to nobody');
  await press(rule(page, 'to nobody'), 'Test');
  await rule(page, 'to nobody').getByText(/Not delivered to .* \(failed/).waitFor();

  await create(page, url, 'in vain');
  await press(rule(page, 'in vain'), 'Pause');
  await rule(page, 'in vain').getByText('paused').waitFor();
  await rule(page, 'in vain').getByRole('link', {name: 'Edit'}).click();
  await page.getByRole('radio', {name: /^Rank/}).check();
  await page.fill('#f-rank', '7');
  await press(page, 'Save');
  await rule(page, 'in vain').getByText('enters the top 7').waitFor();
  await rule(page, 'in vain').getByText('paused').waitFor();
  await press(rule(page, 'in vain'), 'Delete');
  await press(rule(page, 'in vain'), 'Delete for good');
  await page.getByText('“in vain” deleted').waitFor();
  assert.equal(await rule(page, 'in vain').count(), 0);
}

// Whoever comes second is told, and nothing of the first one's is lost.
async function twoEditors(page, url) {
  await create(page, url, 'of two', giveToken);
  const id = await idOf(page, 'of two');
  const change = async (name) => {
    const path = `${url}api/v1/alerts/${id}`;
    const data = {...await (await page.request.get(path)).json(), name};
    const headers = {Authorization: `Bearer ${target.token}`};
    assert.equal((await page.request.put(path, {data, headers})).status(), 200);
  };
  await page.goto(`${url}#/alerts/${id}`);
  await page.waitForSelector('#f-percent');
  await change('of the first');
  await page.fill('#f-name', 'of the second');
  await press(page, 'Save');
  await page.getByText(/Someone else changed “of two”/).waitFor();
  await press(page, 'Load current version');
  await page.getByRole('heading', {name: 'Rule “of the first”'}).waitFor();
  await page.fill('#f-name', 'of both');
  await press(page, 'Save');
  await rule(page, 'of both').waitFor();
  await press(rule(page, 'of both'), 'Delete');
  await change('of the first again');
  await press(rule(page, 'of both'), 'Delete for good');
  await page.getByText(/Someone else changed “of both”/).waitFor();
  await page.reload();
  await press(rule(page, 'of the first again'), 'Delete');
  await press(rule(page, 'of the first again'), 'Delete for good');
  await page.getByText('“of the first again” deleted').waitFor();
}

// Each rule has the same buttons: the focus stays with its rule when the list is drawn anew.
async function focusOnRule(page, url) {
  await page.clock.install();
  await page.goto(`${url}#/alerts`);
  await ready(page);
  const last = page.locator('.rule').last();
  const name = await last.locator('h3').textContent();
  await last.getByRole('button', {name: 'Pause'}).focus();
  await last.evaluate((old) => { old.dataset.old = ''; });
  await page.clock.fastForward(10_000);
  await until(page, () => !document.querySelector('[data-old]'));
  const held = await page.evaluate(() => [document.activeElement.textContent,
    document.activeElement.closest('.rule')?.querySelector('h3').textContent]);
  assert.deepEqual(held, ['Pause', name]);
}

// A second click before the answer to the first.
async function onlyOnce(page, url) {
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
  await page.goto(`${url}#/alerts`);
  await ready(page);
  await page.locator('.rule').last().getByRole('button', {name: 'Test'}).dblclick();
  await page.getByText(/Delivered to .*: HTTP 204 in 1 ms/).waitFor();
  await page.goto(`${url}#/alerts/new?influencer=1000001`);
  await page.getByRole('button', {name: 'Create'}).dblclick();
  await page.getByText('“made up” saved').waitFor();
  assert.deepEqual(sent.map((path) => path.split('/').pop()), ['test', 'alerts']);
}

// Whoever comes back after a while has what was made for the form.
async function whatIsTyped(page, url) {
  await page.goto(`${url}#/alerts/new?influencer=1000001`);
  await ready(page);
  await press(page, 'Generate');
  assert.equal(await isBegunAnew(page), false);
  assert.match(await page.inputValue('#f-secret'), /^whsec_/);
}

const looks = {
  alerts: '#/alerts', new_rule: '#/alerts/new?influencer=1000001&kind=threshold'};

async function idOf(page, name) {
  const edit = rule(page, name).getByRole('link', {name: 'Edit'});
  return (await edit.getAttribute('href')).split('/').pop();
}

// Alerts that were delivered, and such that are tried again.
async function fired(page, url) {
  await page.goto(`${url}#/alerts`);
  const taken = await idOf(page, 'to a receiver');
  const refused = await idOf(page, 'to nobody');
  for (const [id, word] of [[taken, '✓ Delivered'], [refused, '↻ Retrying']]) {
    await page.goto(`${url}#/alerts?rule=${id}`);
    await page.getByText(word, {exact: true}).first().waitFor();
  }
  Object.assign(looks, {rule: `#/alerts/${taken}`, alerts_of_rule: `#/alerts?rule=${refused}`});
}

await testView({
  looks,
  // What the browser says about an answer that the checks provoke.
  isExpected: (said) => said.location().url.includes('/api/v1/alerts')
    && /status of (40[01]|412)/.test(said.text()),
  checks: [byHand, twoEditors, focusOnRule, onlyOnce, whatIsTyped, fired]});
