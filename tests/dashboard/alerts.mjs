// A rule by hand: the token is asked for, errors stand beside their fields, a test says what the
// webhook answered, a rule is paused, changed and deleted.
import assert from 'node:assert/strict';

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
    await press(page, 'Go on');
    if (token !== target.token) await page.getByText('That is not the token').waitFor();
  }
}

async function create(page, url, name) {
  await page.goto(`${url}#/alerts/new?influencer=1000001&kind=relative`);
  await page.waitForSelector('#f-percent');
  await fill(page, {...restless, '#f-url': target.away, '#f-name': name});
  await press(page, 'Create');
  await rule(page, name).waitFor();
}

// From the influencer's own page, with what is missing told beside the field.
async function createWithMistakes(page, url) {
  await page.goto(`${url}#/influencer/1000001`);
  await page.getByRole('link', {name: 'Alert me'}).click();
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
  await press(page, 'Make one');
  assert.match(await page.inputValue('#f-secret'), /^whsec_[A-Za-z0-9+/]{43}=$/);
  await fill(page, {'#f-url': target.url, '#f-secret': target.secret});
  await press(page, 'Create');
  await rule(page, 'to a receiver').waitFor();
}

export async function alertsByHand(page, url) {
  await createWithMistakes(page, url);
  const mine = rule(page, 'to a receiver');
  await press(mine, 'Test');
  await mine.getByText(/took it: 204/).waitFor();
  await create(page, url, 'to nobody');
  await press(rule(page, 'to nobody'), 'Test');
  await rule(page, 'to nobody').getByText(/did not take it \(failed/).waitFor();

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
  await page.getByText('“in vain” is deleted').waitFor();
  assert.equal(await rule(page, 'in vain').count(), 0);
}

// Alerts that were delivered, and such that are tried again.
export async function waitForAlerts(page, url) {
  for (const [rule, word] of [['1', '✓ delivered'], ['2', '↻ retrying']]) {
    await page.goto(`${url}#/alerts?rule=${rule}`);
    await page.getByText(word, {exact: true}).first().waitFor();
  }
}

// What the browser says about an answer that the test provokes.
export const isExpected = (said) => said.location().url.includes('/api/v1/alerts')
  && /status of 40[01]/.test(said.text());
