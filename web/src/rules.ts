import {change, Problem} from './api';
import type {Entry, Kind, Rule, RuleInput, Tested} from './api';
import {number} from './dom';
import {permitted} from './token';

// Rules of alerts, in words and in calls: docs/alerts.md.

const kPath = '/api/v1/alerts';

export const kKinds: [Kind, string, string][] = [
  ['threshold', 'Threshold', 'a count crosses a value'],
  ['relative', 'Change', 'a count moves by so much in a while'],
  ['milestone', 'Milestone', 'followers pass a round number'],
  ['rank', 'Rank', 'somebody enters or leaves the top'],
  ['verdict', 'Verdict', 'the network changes its mind']];

// The first of each kind is the one that is offered.
export const kDirections: Record<Kind, [string, string][]> = {
  threshold: [['above', 'rises above'], ['below', 'falls below']],
  relative: [['either', 'changes'], ['rise', 'rises'], ['fall', 'falls']],
  milestone: [],
  rank: [['enters', 'enters'], ['leaves', 'leaves'], ['passes', 'enters or leaves']],
  verdict: [['suspicious', 'turns suspicious'], ['clear', 'turns clear'],
    ['either', 'turns, either way']]};

const count = (value: number | null | undefined) =>
  value === null || value === undefined ? '…' : Number.isFinite(value) ? number(value) : '…';

export function duration(minutes: number | undefined): string {
  if (minutes === undefined || !Number.isFinite(minutes)) return '…';
  if (minutes % 1440 === 0 && minutes > 0) return minutes === 1440 ? 'a day' : `${minutes / 1440} days`;
  if (minutes % 60 === 0 && minutes > 0) return minutes === 60 ? 'an hour' : `${minutes / 60} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}

const whose = (rule: RuleInput) => rule.metric === 'following' ? 'Following of' : 'Followers of';

function changeWords(rule: RuleInput): string {
  const by = [rule.percent ? `${rule.percent} %` : '', rule.count ? count(rule.count) : '']
    .filter(Boolean).join(' or ') || '…';
  const verb = {rise: 'rise', fall: 'fall'}[rule.direction ?? ''] ?? 'change';
  return `${verb} by ${by} within ${duration(rule.window_minutes)}`;
}

function thresholdWords(rule: RuleInput): string {
  const is_below = rule.direction === 'below';
  const back = rule.hysteresis && rule.value !== undefined
    ? `, again after they were back at ${count(rule.value + (is_below ? 1 : -1) * rule.hysteresis)}`
    : '';
  return `${is_below ? 'fall below' : 'rise above'} ${count(rule.value)}${back}`;
}

// When it fires: what is said before the influencers, and behind them.
export function words(rule: RuleInput): [string, string] {
  const direction = rule.direction ?? '';
  switch (rule.kind) {
    case 'threshold': return [whose(rule), thresholdWords(rule)];
    case 'relative': return [whose(rule), changeWords(rule)];
    case 'milestone': return ['Followers of', rule.values?.length
      ? `pass ${rule.values.map(count).join(', ')}` : `pass a multiple of ${count(rule.every)}`];
    case 'rank': return ['The rank of', `${{leaves: 'leaves', passes: 'enters or leaves'}[
      direction] ?? 'enters'} the top ${count(rule.rank)}`];
    case 'verdict': return ['The verdict on',
      `turns ${direction === 'either' ? 'to suspicious or clear' : direction}`];
  }
}

// "at most once in an hour for each"
export function pace(rule: RuleInput): string {
  if (!rule.cool_down_minutes) return '';
  const each = rule.influencers.length > 1 ? ' for each' : '';
  return `, at most once in ${duration(rule.cool_down_minutes)}${each}`;
}

export const outcomeWord = (entry: Entry) =>
  entry.outcome === 'pending' && entry.attempts > 0 ? 'retrying' : entry.outcome.replace('_', ' ');

// What a webhook answered to a test, as a sentence.
export function testWords(rule: Rule, tested: Tested): string {
  const took = `${number(tested.took_ms)} ms`;
  if (tested.outcome === 'delivered') {
    return `✓ ${rule.target} took it: ${tested.status ?? 'answered'} after ${took}.`;
  }
  const why = tested.detail ?? `HTTP ${tested.status ?? '–'}`;
  return `✗ ${rule.target} did not take it (${tested.outcome} after ${took}): ${why}`;
}

// Says in words that another editor came first.
async function unlessChanged<T>(rule: Rule, act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 412) throw error;
    throw new Problem(412, `Somebody else has changed “${rule.name}” since you opened it. `
      + 'Nothing was saved.');
  }
}

export const create = (rule: RuleInput) =>
  permitted((token) => change<Rule>('POST', kPath, token, rule));
// Both fail with 412 when the rule is no longer what `before` shows.
export const save = (rule: RuleInput, before: Rule) => unlessChanged(before, permitted((token) =>
  change<Rule>('PUT', `${kPath}/${before.id}`, token, rule, before.etag)));
export const remove = (rule: Rule) => unlessChanged(rule, permitted((token) =>
  change<undefined>('DELETE', `${kPath}/${rule.id}`, token, undefined, rule.etag)));
export const test = (id: number) =>
  permitted((token) => change<Tested>('POST', `${kPath}/${id}/test`, token));
