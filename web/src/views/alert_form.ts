import {get, Problem} from '../api';
import type {FieldError, Influencer, Kind, Rule, RuleInput} from '../api';
import {button, el, number} from '../dom';
import {idOf} from '../exact';
import {create, kDirections, kKinds, pace, save, words} from '../rules';
import {leave, reload, testButton} from './alerts';
import {nameOf, section} from './parts';

// A form's fields by the names that the API gives them, so that what it says goes beside them.
class Fields {
  readonly values = new Map<string, string>();
  private readonly errors = new Map<string, string>();

  constructor(private readonly changed: () => void) {}

  text(name: string, label: string, hint = '', more: Record<string, string> = {}): HTMLElement {
    const input = el(more.rows ? 'textarea' : 'input',
      {autocomplete: 'off', ...more}) as HTMLInputElement;
    input.value = this.values.get(name) ?? '';
    return this.field(name, label, hint, input);
  }

  whole(name: string, label: string, hint = ''): HTMLElement {
    return this.text(name, label, hint, {inputmode: 'numeric'});
  }

  choice(name: string, label: string, options: [string, string][]): HTMLElement {
    const chosen = this.values.get(name);
    const known = options.some(([value]) => value === chosen);
    if (!known) this.values.set(name, options[0]?.[0] ?? '');
    const select = el('select', {}, ...options.map(([value, text]) => el('option',
      {value, ...(value === this.values.get(name) ? {selected: ''} : {})}, text)),
    ) as HTMLSelectElement;
    return this.field(name, label, '', select);
  }

  // Says beside each field what is wrong with it; returns what belongs to none.
  show(errors: FieldError[]): FieldError[] {
    this.errors.clear();
    for (const error of errors) this.errors.set(error.parameter, error.detail);
    const rest = errors.filter((error) => !document.getElementById(`f-${error.parameter}`));
    for (const place of document.querySelectorAll<HTMLElement>('[data-error]')) {
      this.mark(place.dataset.error ?? '', place);
    }
    document.querySelector<HTMLElement>('[aria-invalid]')?.focus();
    return rest;
  }

  private mark(name: string, place: HTMLElement): void {
    const detail = this.errors.get(name);
    place.textContent = detail ? `✗ ${detail}` : '';
    const input = document.getElementById(`f-${name}`);
    if (detail) input?.setAttribute('aria-invalid', 'true');
    else input?.removeAttribute('aria-invalid');
  }

  private field(name: string, label: string, hint: string,
      input: HTMLInputElement | HTMLSelectElement): HTMLElement {
    const id = `f-${name}`;
    input.id = id;
    input.name = name;
    input.setAttribute('aria-describedby', `${id}-hint ${id}-error`);
    const error = el('p', {class: 'bad', id: `${id}-error`, 'data-error': name});
    input.addEventListener('input', () => {
      this.values.set(name, input.value);
      if (this.errors.delete(name)) this.mark(name, error);
      this.changed();
    });
    return el('div', {class: 'field'}, el('label', {for: id}, label), input,
      el('p', {class: 'note', id: `${id}-hint`}, hint), error);
  }
}

const kMetric: [string, string][] = [['followers', 'Followers'], ['following', 'Following']];

function condition(kind: Kind, fields: Fields): HTMLElement[] {
  const direction = (label: string) => fields.choice('direction', label, kDirections[kind]);
  switch (kind) {
    case 'threshold': return [
      fields.choice('metric', 'Metric', kMetric), direction('Condition'),
      fields.whole('value', 'Value'),
      fields.whole('hysteresis', 'Hysteresis',
        'How far the count must move back before the rule can fire again; blank for 0.')];
    case 'relative': return [
      fields.choice('metric', 'Metric', kMetric), direction('Condition'),
      fields.text('percent', 'Change in percent', 'Set either or both; either fires.',
        {inputmode: 'decimal'}),
      fields.whole('count', 'Change in count'),
      fields.whole('window_minutes', 'Window in minutes', '1 to 1,440 (one day).')];
    case 'milestone': return [
      fields.whole('every', 'Every multiple of', 'For example, 100,000.'),
      fields.text('values', 'Or specific counts', 'Separated by spaces: 50000 100000 1000000. '
        + 'Each fires once, on the way up.')];
    case 'rank': return [direction('Condition'), fields.whole('rank', 'Top')];
    case 'verdict': return [direction('Condition')];
  }
}

// As it was typed, where it is no number: the API says what it wants.
function numeric(text: string): number | undefined {
  const bare = text.replace(/[\s,_]/g, '');
  if (bare === '') return undefined;
  return (Number.isNaN(Number(bare)) ? text : Number(bare)) as number;
}

const numbers = (text: string) =>
  text.split(/[\s,;]+/).filter(Boolean).map((one) => numeric(one) as number);

const idsIn = (text: string) =>
  text.split(/[\s,;]+/).filter(Boolean).map((one) =>
    /^\d+$/.test(one) ? idOf(one) : numeric(one) as number);

const kNumbers: Record<Kind, (keyof RuleInput)[]> = {
  threshold: ['value', 'hysteresis'], relative: ['percent', 'count', 'window_minutes'],
  milestone: ['every'], rank: ['rank'], verdict: []};

function ruleOf(kind: Kind, values: Map<string, string>, before: Rule | null): RuleInput {
  const text = (name: string) => (values.get(name) ?? '').trim();
  const rule: RuleInput = {
    name: text('name'), kind, enabled: before?.enabled ?? true,
    influencers: idsIn(text('influencers')),
    cool_down_minutes: numeric(text('cool_down_minutes')),
    url: text('url') || undefined,
    secret: values.has('unsigned') ? null : text('secret') || undefined};
  if (kind !== 'milestone') rule.direction = text('direction');
  if (kind === 'threshold' || kind === 'relative') rule.metric = text('metric');
  for (const name of kNumbers[kind]) Object.assign(rule, {[name]: numeric(text(name))});
  if (kind === 'milestone' && text('values')) rule.values = numbers(text('values'));
  return rule;
}

function fill(values: Map<string, string>, rule: Partial<RuleInput>): void {
  for (const [name, value] of Object.entries(rule)) {
    if (value === null || value === undefined || name === 'enabled') continue;
    values.set(name, Array.isArray(value) ? value.join(' ') : String(value));
  }
}

const kindName = (kind: Kind) => (kKinds.find(([one]) => one === kind)?.[1] ?? kind).toLowerCase();

// The next round number above: 57,166 makes 60,000.
function rounded(count: number): number {
  const size = 10 ** Math.floor(Math.log10(Math.max(10, count)));
  return (Math.floor(count / size) + 1) * size;
}

// Says what is known about the influencer.
async function prefill(values: Map<string, string>, ids: string, kind: Kind): Promise<string> {
  fill(values, {cool_down_minutes: 60, window_minutes: 60, percent: 10, every: 100_000, rank: 10});
  values.set('influencers', ids);
  if (!/^\d+$/.test(ids)) return '';
  const one = await get<Influencer>(`/api/v1/influencers/${ids}`).catch(() => null);
  if (!one) return '';
  values.set('name', `${nameOf(one)}: ${kindName(kind)}`);
  if (one.follower_count === null) return '';
  const level = rounded(one.follower_count);
  fill(values, {value: level, hysteresis: Math.round(level / 100)});
  return `${nameOf(one)} currently has ${number(one.follower_count)} followers and rank `
    + `${number(one.rank)}.`;
}

function secretField(fields: Fields, rule: Rule | null): HTMLElement {
  const made = fields.text('secret', 'Secret', rule
    ? `Not shown after saving. ${rule.signed
      ? 'Blank keeps the current secret while the URL stays the same' : 'This rule is unsigned'}.`
    : 'Signs every message (Standard Webhooks). Copy it to the receiver now: it is not shown '
      + 'after saving. Blank for unsigned.', {spellcheck: 'false', placeholder: 'whsec_…'});
  const input = made.querySelector('input') as HTMLInputElement;
  const line = el('div', {class: 'line'});
  input.replaceWith(line);
  line.append(input, button('Generate', () => {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    input.value = `whsec_${btoa(String.fromCharCode(...bytes))}`;
    input.dispatchEvent(new Event('input'));
  }));
  if (!rule?.signed) return made;
  const none = el('input', {type: 'checkbox'}) as HTMLInputElement;
  none.addEventListener('change', () => {
    if (none.checked) fields.values.set('unsigned', '');
    else fields.values.delete('unsigned');
    input.disabled = none.checked;
  });
  made.append(el('label', {}, none, ' Remove the secret and send unsigned'));
  return made;
}

function kindChoice(chosen: Kind, choose: (kind: Kind) => void): HTMLElement {
  return el('fieldset', {class: 'kinds'}, el('legend', {}, 'Alert type'),
    ...kKinds.map(([kind, name, hint]) => {
      const input = el('input', {type: 'radio', name: 'kind', value: kind}) as HTMLInputElement;
      input.checked = kind === chosen;
      input.addEventListener('change', () => choose(kind));
      return el('label', {}, input, el('strong', {}, name), el('span', {class: 'note'}, hint));
    }));
}

const kindIn = (name: string | null): Kind =>
  kKinds.find(([kind]) => kind === name)?.[0] ?? 'threshold';

export async function alertForm(
    into: HTMLElement, args: URLSearchParams, id: string): Promise<void> {
  const rule = id === 'new' ? null : await get<Rule>(`/api/v1/alerts/${id}`);
  let kind = kindIn(args.get('kind') ?? rule?.kind ?? null);
  const inWords = el('p', {class: 'in-words'});
  const tell = () => {
    const now = ruleOf(kind, fields.values, rule);
    const [before, behind] = words(now);
    const n = now.influencers.length;
    const who = n === 0 ? '…' : n === 1 ? String(now.influencers[0])
      : `any of ${number(n)} influencers`;
    inWords.textContent = `${before} ${who} ${behind}${pace(now)}.`;
  };
  const fields = new Fields(tell);
  if (rule) fill(fields.values, rule);
  const about = rule ? '' : await prefill(fields.values, args.get('influencer') ?? '', kind);

  const grid = el('div', {class: 'fields'});
  const draw = () => { grid.replaceChildren(...condition(kind, fields)); tell(); };
  const choose = (next: Kind) => {
    const name = document.getElementById('f-name') as HTMLInputElement;
    if (name.value.endsWith(`: ${kindName(kind)}`)) {
      name.value = name.value.slice(0, -kindName(kind).length) + kindName(next);
      fields.values.set('name', name.value);
    }
    kind = next;
    args.set('kind', kind);
    history.replaceState(null, '', `#/alerts/${id}?${args}`);
    draw();
  };
  const trouble = el('p', {class: 'bad', role: 'alert'});
  const outcome = el('p', {class: 'said', role: 'status'});
  const submit = el('button', {class: 'main'}, rule ? 'Save' : 'Create');
  const form = el('form', {novalidate: ''},
    kindChoice(kind, choose),
    section('Trigger', grid),
    section('Influencers', fields.text('influencers', 'Influencer ids',
      `Up to 1,000, separated by spaces or commas. ${about}`,
      {rows: '2', inputmode: 'numeric'})),
    section('Webhook', el('div', {class: 'fields'},
      fields.text('url', 'Webhook URL', rule
        ? `Currently ${rule.target}; only the host is shown after saving. Blank keeps the URL.`
        : 'http or https. Only the host is shown after saving.',
      {type: 'url', placeholder: 'https://example.com/hooks/42', spellcheck: 'false'}),
      secretField(fields, rule))),
    section('Name and frequency', el('div', {class: 'fields'},
      fields.text('name', 'Name', 'Included in every message.', {maxlength: '100'}),
      fields.whole('cool_down_minutes', 'Cool-down in minutes',
        'Minimum time between alerts per influencer; blank for none.'))),
    inWords, trouble,
    el('div', {class: 'tools'}, submit,
      ...(rule ? [testButton(rule, (text) => { outcome.textContent = text; })] : []),
      el('a', {class: 'button', href: '#/alerts'}, 'Cancel')),
    outcome,
    ...(rule ? [el('p', {class: 'note'}, 'An edited rule starts from scratch: conditions that '
      + 'already hold do not fire. Test uses the saved rule.')] : []));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (submit.hasAttribute('aria-disabled')) return;
    submit.setAttribute('aria-disabled', 'true');
    trouble.textContent = '';
    fields.show([]);
    const made = ruleOf(kind, fields.values, rule);
    (rule ? save(made, rule) : create(made)).then(
      (saved) => leave(`“${saved.name}” saved and ${saved.enabled ? 'active' : 'paused'}.`),
      (error: unknown) => {
        submit.removeAttribute('aria-disabled');
        const errors = error instanceof Problem ? error.errors : [];
        const rest = fields.show(errors);
        trouble.textContent = errors.length === 0 || !(error instanceof Problem)
          ? (error instanceof Error ? error.message : 'Unknown error.')
          : rest.length === 0 ? 'Not saved: check the marked fields above.'
            : rest.map((one) => `${one.parameter} ${one.detail}`).join('; ');
        if (error instanceof Problem && error.status === 412) {
          trouble.append(' ', button('Load current version', reload));
        }
      });
  });
  into.replaceChildren(el('h1', {}, rule ? `Rule “${rule.name}”` : 'New rule'), form);
  draw();
}
