import {get} from '../api';
import type {Entry, Log, Rule, RuleInput, Rules} from '../api';
import {button, el, number, refill, second, table, unbroken} from '../dom';
import {kKinds, outcomeWord, pace, remove, save, test, testWords, words} from '../rules';
import {keepToken, token} from '../token';
import {alertForm} from './alert_form';
import {cased, note, reason, section} from './parts';
import type {Live, View} from './parts';

const kNamed = 3;  // influencers of a rule that are named; the others are counted
const kLogged = 25;

// What was said about a rule stays while the list is drawn anew.
const said = new Map<number, string>();
let notice = '';

export const reload = () => dispatchEvent(new Event('hashchange'));
const kindName = (kind: string) => kKinds.find(([name]) => name === kind)?.[1] ?? kind;

export function leave(text: string): void {
  notice = text;
  if (location.hash === '#/alerts') reload();
  else location.hash = '#/alerts';
}

function sentence(rule: RuleInput): HTMLElement {
  const {influencers: ids} = rule;
  const [before, behind] = words(rule);
  const made = el('p', {}, `${before} `);
  ids.slice(0, kNamed).forEach((id, i) => made.append(i > 0 ? ', ' : '',
    el('a', {href: `#/influencer/${id}`}, String(id))));
  if (ids.length > kNamed) made.append(` and ${number(ids.length - kNamed)} more`);
  made.append(` ${behind}${pace(rule)}`);
  return made;
}

// Asks once more, in the place of the button.
function removal(rule: Rule, say: (text: string) => void): HTMLElement {
  const place = el('span', {class: 'tools'});
  const first = button('Delete', () => {
    place.replaceChildren(really, keep);
    really.focus();
  });
  const really = button('Delete for good', () => {
    remove(rule).then(() => leave(`“${rule.name}” deleted; its log is kept.`),
      (error: unknown) => say(reason(error)));
  });
  const keep = button('Cancel', () => { place.replaceChildren(first); first.focus(); });
  for (const one of [first, really]) one.setAttribute('aria-describedby', `rule-${rule.id}`);
  really.classList.add('danger');
  place.append(first);
  return place;
}

export function testButton(rule: Rule, say: (text: string) => void): HTMLElement {
  const made = button('Test', () => {
    if (made.hasAttribute('aria-disabled')) return;
    made.setAttribute('aria-disabled', 'true');
    say(`Sending a test to ${rule.target}…`);
    test(rule.id).then((tested) => testWords(rule, tested), reason)
      .then((text) => { say(text); made.removeAttribute('aria-disabled'); });
  });
  return made;
}

function card(rule: Rule): HTMLElement {
  const outcome = el('p', {class: 'said', role: 'status'}, said.get(rule.id) ?? '');
  const say = (text: string) => { said.set(rule.id, text); outcome.textContent = text; };
  const pause = button(rule.enabled ? 'Pause' : 'Resume', () => {
    save({...rule, enabled: !rule.enabled}, rule).then(
      () => leave(rule.enabled ? `“${rule.name}” paused.`
        : `“${rule.name}” resumed, starting from current values.`),
      (error: unknown) => say(reason(error)));
  });
  const tested = testButton(rule, say);
  for (const one of [tested, pause]) one.setAttribute('aria-describedby', `rule-${rule.id}`);
  const name = el('a', {href: `#/alerts/${rule.id}`}, rule.name);
  return el('li', {class: rule.enabled ? 'rule' : 'rule paused'},
    el('div', {},
      el('h3', {id: `rule-${rule.id}`}, name, ' ',
        el('span', {class: 'tag'}, kindName(rule.kind)), ' ',
        ...(rule.enabled ? [] : [el('span', {class: 'tag'}, '❚❚ Paused')])),
      sentence(rule),
      el('p', {class: 'note'}, `→ ${rule.target}, ${rule.signed ? 'signed' : 'unsigned'}`)),
    el('div', {class: 'tools', role: 'group', 'aria-labelledby': `rule-${rule.id}`},
      tested, pause,
      el('a', {class: 'button', href: `#/alerts/${rule.id}`,
        'aria-describedby': `rule-${rule.id}`}, 'Edit'),
      removal(rule, say)),
    outcome);
}

function ruleList(rules: Rule[]): HTMLElement {
  const add = el('a', {class: 'button main', href: '#/alerts/new'}, 'New rule');
  if (rules.length === 0) {
    return section('Rules', note('No rules yet. A rule watches up to 1,000 influencers and calls '
      + 'a webhook within seconds when its condition is met.'), add);
  }
  const paused = rules.filter((rule) => !rule.enabled).length;
  return section(`Rules (${number(rules.length)}${paused ? `, ${number(paused)} paused` : ''})`,
    el('div', {class: 'tools'}, add), el('ul', {class: 'rules'}, ...rules.map(card)));
}

const kMarks: Record<string, string> = {
  delivered: '✓', pending: '…', retrying: '↻', refused: '✗', 'gave up': '✗', gone: '✗',
  cancelled: '–'};

function delivery(entry: Entry): HTMLElement {
  const word = outcomeWord(entry);
  const mark = kMarks[word] ?? '';
  const more = el('small', {class: 'note'},
    `${number(entry.attempts)} attempt${entry.attempts === 1 ? '' : 's'}`);
  if (entry.tried_at) more.append(', last ', second(entry.tried_at));
  if (entry.next_attempt_at) more.append(', next ', second(entry.next_attempt_at));
  if (entry.detail) more.append(`: ${entry.detail}`);
  return el('div', {}, el('span', {class: mark === '✗' || mark === '↻' ? 'bad' : ''},
    `${mark} ${cased(word)}`), more);
}

function logTable(log: Log): HTMLElement {
  const rows = log.items.map((entry) => [second(entry.fired_at),
    el('div', {}, el('a', {href: `#/influencer/${entry.influencer}`}, ...unbroken(entry.text)),
      el('small', {class: 'note'}, 'Rule ',
        el('a', {href: `#/alerts?rule=${entry.rule}`}, entry.rule_name))),
    delivery(entry)]);
  return table('Newest first; the last 10,000 are kept', ['Fired', 'Alert', 'Delivery'], rows,
    'words');
}

function logSection(log: Log, rule: Rule | undefined, args: URLSearchParams): HTMLElement {
  const chosen = args.get('rule');
  const pending = log.pending > 0 ? ` (${number(log.pending)} pending)` : '';
  const made = section(`Alert log${pending}`);
  const tools = el('div', {class: 'tools'});
  if (chosen) {
    tools.append(`Only rule “${rule?.name ?? chosen}”`,
      el('a', {class: 'button', href: '#/alerts'}, 'Show all rules'));
  }
  if (args.get('before')) {
    tools.append(el('a', {class: 'button',
      href: `#/alerts${chosen ? `?rule=${chosen}` : ''}`}, 'Newest'));
  }
  if (tools.hasChildNodes()) made.append(tools);
  made.append(log.items.length > 0 ? logTable(log)
    : note('No alerts yet. Rules fire on changes only, not on conditions that already hold when '
      + 'they are created.'));
  const before = log.next ? new URL(log.next, location.origin).searchParams.get('before') : null;
  if (before) {
    const query = new URLSearchParams({...(chosen ? {rule: chosen} : {}), before});
    made.append(el('div', {class: 'tools'},
      el('a', {class: 'button', href: `#/alerts?${query}`}, 'Older')));
  }
  return made;
}

async function list(into: HTMLElement, args: URLSearchParams): Promise<Live> {
  const query = new URLSearchParams({limit: String(kLogged)});
  for (const name of ['rule', 'before']) {
    const value = args.get(name);
    if (value) query.set(name, value);
  }
  const ask = () => Promise.all(
    [get<Rules>('/api/v1/alerts'), get<Log>(`/api/v1/alerts/log?${query}`)]);
  const [rules, log] = [el('div'), el('div')];
  const fill = async () => {
    const [all, fired] = await ask();
    // Somebody is asked whether to delete one, or one is being tested.
    if (rules.querySelector('.danger, [aria-disabled]')) return;
    const chosen = all.items.find((rule) => String(rule.id) === args.get('rule'));
    refill(rules, ruleList(all.items));
    refill(log, logSection(fired, chosen, args),
      el('p', {class: 'note'}, 'As of ', second(Date.now()), '.'));
  };
  await fill();
  const forget = button('Forget token', () => { keepToken(''); forget.remove(); });
  into.replaceChildren(
    el('h1', {}, 'Alerts'), el('p', {class: 'said', role: 'status'}, notice), rules, log,
    ...(token() ? [forget] : []));
  notice = '';
  return {often: fill};
}

export const alerts: View = async (into, args, id): Promise<Live | void> =>
  id === '' ? list(into, args) : alertForm(into, args, id);
