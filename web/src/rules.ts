import {change, Problem} from './api';
import type {Entry, Kind, Rule, RuleInput, Tested} from './api';
import {number} from './dom';
import {permitted} from './token';

// Rules of alerts, in words and in calls: docs/alerts.md.

const kPath = '/api/v1/alerts';

export const kKinds: [Kind, string, string][] = [
  ['threshold', 'Threshold', 'A count crosses a value'],
  ['relative', 'Change', 'A count changes within a time window'],
  ['milestone', 'Milestone', 'Followers pass a round number'],
  ['rank', 'Rank', 'An influencer enters or leaves the top ranks'],
  ['verdict', 'Verdict', 'The network verdict changes']];

// The first of each kind is the one that is offered.
export const kDirections: Record<Kind, [string, string][]> = {
  threshold: [['above', 'Rises above'], ['below', 'Falls below']],
  relative: [['either', 'Rises or falls'], ['rise', 'Rises'], ['fall', 'Falls']],
  milestone: [],
  rank: [['enters', 'Enters'], ['leaves', 'Leaves'], ['passes', 'Enters or leaves']],
  verdict: [['suspicious', 'Becomes suspicious'], ['clear', 'Becomes clear'],
    ['either', 'Changes']]};

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
  const by = [rule.percent ? `${rule.percent}\u00a0%` : '', rule.count ? count(rule.count) : '']
    .filter(Boolean).join(' or ') || '…';
  const verb = {rise: 'rise', fall: 'fall'}[rule.direction ?? ''] ?? 'change';
  return `${verb} by ${by} within ${duration(rule.window_minutes)}`;
}

function thresholdWords(rule: RuleInput): string {
  const is_below = rule.direction === 'below';
  const back = rule.hysteresis && rule.value !== undefined
    ? `, and again after returning to ${count(rule.value + (is_below ? 1 : -1) * rule.hysteresis)}`
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
    case 'rank': return ['Rank of', `${{leaves: 'leaves', passes: 'enters or leaves'}[
      direction] ?? 'enters'} the top ${count(rule.rank)}`];
    case 'verdict': return ['Network verdict on',
      direction === 'either' ? 'changes' : `becomes ${direction}`];
  }
}

// "at most once every hour per influencer"
export function pace(rule: RuleInput): string {
  if (!rule.cool_down_minutes) return '';
  const each = rule.influencers.length > 1 ? ' per influencer' : '';
  return `, at most once every ${duration(rule.cool_down_minutes).replace(/^an? /, '')}${each}`;
}

export const outcomeWord = (entry: Entry) =>
  entry.outcome === 'pending' && entry.attempts > 0 ? 'retrying' : entry.outcome.replace('_', ' ');

// What a webhook answered to a test, as a sentence.
export function testWords(rule: Rule, tested: Tested): string {
  const took = `${number(tested.took_ms)} ms`;
  if (tested.outcome === 'delivered') {
    return `✓ Delivered to ${rule.target}: HTTP ${tested.status ?? '2xx'} in ${took}.`;
  }
  const why = tested.detail ?? `HTTP ${tested.status ?? '–'}`;
  return `✗ Not delivered to ${rule.target} (${tested.outcome} after ${took}): ${why}`;
}

// Says in words that another editor came first.
async function unlessChanged<T>(rule: Rule, act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 412) throw error;
    throw new Problem(412, `Someone else changed “${rule.name}” after you opened it. `
      + 'Your change was not saved.');
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
