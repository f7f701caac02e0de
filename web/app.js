'use strict';

const kPollMs = 5000;
const kRequestMs = 4000;
const kLateSeconds = 150;  // an age of data that deserves attention
const kMinuteMs = 60000;
const kHourMinutes = 60;

const at = (id) => document.getElementById(id);
const setText = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});
const compact = new Intl.NumberFormat('en', {notation: 'compact', maximumFractionDigits: 2});
const two = new Intl.NumberFormat('en', {minimumFractionDigits: 2, maximumFractionDigits: 2});
const clock = new Intl.DateTimeFormat('en-GB', {hour: '2-digit', minute: '2-digit'});

const number = (value, format = whole) => (value === null ? '–' : format.format(value));

// Rounded down: 100 % means all.
const percent = (part) => `${(Math.floor(part * 1000) / 10).toFixed(1)} %`;

function duration(seconds) {
  if (seconds === null) return '–';
  if (seconds < 120) return `${Math.round(seconds)} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}

function missedText(minute) {
  const reasons = Object.entries(minute.missed);
  if (reasons.length === 0) return minute.open > 0 ? `${number(minute.open)} open` : 'none';
  const words = reasons.map(([reason, count]) => `${number(count)} ${reason.replaceAll('_', ' ')}`);
  return words.join(', ');
}

function showFollowers(summary) {
  setText('average', number(summary.followers_average));
  setText('median', number(summary.followers_median));
  setText('total', number(summary.followers_total, compact));
  const of = summary.registered === null ? '' : ` of ${number(summary.registered)}`;
  setText('with-value', number(summary.with_value) + of);
}

function showMinute(summary) {
  const minute = summary.minute;
  setText('age', duration(summary.data_age_seconds));
  setText('minute-name', minute ? clock.format(new Date(minute.minute)) : 'not yet');
  setText('coverage', minute ? percent(minute.coverage) : '–');
  setText('stored', minute ? `${number(minute.stored)} of ${number(minute.due)}` : '–');
  setText('missed', minute ? missedText(minute) : '–');
  at('missed').classList.toggle('long', minute !== null && Object.keys(minute.missed).length > 0);
}

function cell(text, className) {
  const made = document.createElement('td');
  if (className) made.className = className;
  made.append(text);
  return made;
}

function row(item) {
  const link = document.createElement('a');
  link.href = `/api/v1/influencers/${item.id}`;
  link.textContent = item.username ?? String(item.id);
  const made = document.createElement('tr');
  made.append(
    cell(number(item.rank), 'number'), cell(link), cell(number(item.follower_count), 'number'),
    cell(number(item.following_count), 'number'), cell(number(item.follower_ratio, two), 'number'));
  return made;
}

// A row that somebody has the focus in stays where it is until the next time.
function showTop(items) {
  const body = at('top');
  if (body.contains(document.activeElement)) return;
  body.replaceChildren(...items.map(row));
}

// A path through the values; it is interrupted where a minute has none.
function pathOf(values, low, high) {
  const step = 600 / (values.length - 1);
  const y = (value) => (112 - ((value - low) / (high - low || 1)) * 104).toFixed(1);
  let path = '';
  let isDown = false;
  values.forEach((value, i) => {
    if (value === null) { isDown = false; return; }
    const x = (i * step).toFixed(1);
    const alone = (values[i - 1] ?? null) === null && (values[i + 1] ?? null) === null;
    path += `${isDown ? 'L' : 'M'}${x} ${y(value)}${alone ? 'h0.1' : ''}`;
    isDown = true;
  });
  return path;
}

function showChart(name, values, low, high, text) {
  at(`${name}-chart`).querySelector('path').setAttribute('d', pathOf(values, low, high));
  setText(`${name}-chart-title`, text);
}

// The closed minutes of the last hour, in their places; null where there is no row.
function byMinute(minutes, value) {
  const end = Date.parse(minutes.end);
  const values = new Array(kHourMinutes).fill(null);
  for (const item of minutes.items.filter((each) => each.closed)) {
    const place = kHourMinutes - Math.round((end - Date.parse(item.minute)) / kMinuteMs);
    if (place >= 0 && place < kHourMinutes) values[place] = value(item);
  }
  return values;
}

function showHour(minutes) {
  const averages = byMinute(minutes, (item) => item.followers_average);
  const known = averages.filter((value) => value !== null);
  const [low, high] = known.length > 0 ? [Math.min(...known), Math.max(...known)] : [0, 1];
  const range = known.length > 0 ? `${number(low)} to ${number(high)}` : 'none yet';
  setText('average-range', range);
  showChart('average', averages, low, high, `Average followers, minute by minute: ${range}`);

  const coverages = byMinute(minutes, (item) => item.coverage);
  const covered = coverages.filter((value) => value !== null);
  const least = covered.length > 0 ? `at least ${percent(Math.min(...covered))}` : 'none yet';
  setText('coverage-range', least);
  showChart('coverage', coverages, 0, 1, `Coverage, minute by minute: ${least}`);
}

function setStatus(state, text) {
  at('status').dataset.state = state;
  setText('status', text);
}

function showStatus(summary) {
  const age = summary.data_age_seconds;
  if (age === null) return setStatus('waiting', 'Waiting for the first values');
  if (age > kLateSeconds) return setStatus('late', 'No new values');
  return setStatus('live', 'Live');
}

async function get(path) {
  const response = await fetch(path, {signal: AbortSignal.timeout(kRequestMs)});
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

async function poll() {
  try {
    const [summary, minutes] = await Promise.all([get('/api/v1/summary'), get('/api/v1/minutes')]);
    showFollowers(summary);
    showMinute(summary);
    showHour(minutes);
    showTop(summary.top);
    showStatus(summary);
    setText('version', `Version ${summary.version}`);
  } catch {
    setStatus('lost', 'No answer from the server, trying again');
  }
}

async function run() {
  for (;;) {
    if (!document.hidden) await poll();
    await new Promise((resolve) => setTimeout(resolve, kPollMs));
  }
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) poll(); });
run();
