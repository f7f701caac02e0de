import {parse, written} from './exact';
import type {Id} from './exact';

// What the API answers: docs/openapi.json.
export interface Verdict { suspicious: boolean; checked_at: string; changed_at: string }
export interface Standing {
  id: Id;
  username: string | null;
  follower_count: number | null;
  following_count: number | null;
  follower_ratio: number | null;
  retrieved_at: string | null;
  rank: number | null;
  verdict: Verdict | null;
}
export interface Influencer extends Standing {
  age_seconds: number | null; of: number; as_of: string;
  closed?: boolean;  // of a past minute
}
export interface Board {
  as_of: string; of: number; followers_average: number | null; items: Standing[];
  next: string | null;
}
export interface Found { more: boolean; items: Standing[] }
export interface Minute {
  minute: string;
  due: number;
  stored: number;
  missed: Record<string, number>;
  missed_total: number;
  open: number;
  closed: boolean;
  damaged: boolean;  // some of its values can no longer be read
  lost?: boolean;    // nor can its account: the numbers are 0
  coverage: number;
  followers_average: number | null;
}
export interface Minutes { start: string; end: string; items: Minute[] }
export interface Queue {
  visible: number; in_flight: number; delayed: number; dead: number; oldest_age_seconds: number;
}
export interface Summary {
  version: string;
  registered: number | null;
  with_value: number;
  followers_average: number | null;
  followers_median: number | null;
  followers_total: number;
  data_age_seconds: number | null;
  top: Standing[];
  lag_seconds: number | null;
  points_stored_last_minute: number | null;
  minute: Minute | null;
  queues: Record<string, Queue | null>;
  verdicts: {
    checked: number; checked_last_day: number; suspicious: number;
    suspicious_share: number | null; oldest_checked_at: string | null;
  } | null;
  movers_since: Record<string, string | null>;
  queue_bill: {
    processes: number; requests_per_day: number; usd_per_day: number;
    message_each_usd_per_day: number;
  } | null;
  workers: {
    process: string; stage: string; upstream_requests: number; upstream_share: number | null;
    seen_at: string;
  }[] | null;
  failure_examples: FailureExample[] | null;
}
export interface FailureExample {
  reason: string; influencer: Id; status: number | null; text: string; at: string; count: number;
}
export interface Mover {
  id: Id; username: string | null; follower_count_before: number; follower_count: number;
  change: number; percent: number | null;
}
export interface Movers {
  since: string; complete: boolean; damaged: boolean; compared: number; risen: number; fallen: number;
  percent_base_min: number; items: Mover[];
}
export interface Candidates {
  jump_z: number;
  candidates: {
    id: Id; username: string | null; start: string; end: string; size: number; score: number;
  }[];
}
export interface Suspicious {
  items: {
    id: Id; username: string | null; changed_at: string;
    judged_follower_count: number; judged_following_count: number;
    judged_follower_ratio: number | null;
  }[];
}
export interface Growth {
  since: string; complete: boolean; damaged: boolean; change: number; percent: number | null;
  ups: number; downs: number;
}
export interface InfluencerGrowth { hour: Growth | null; day: Growth | null; week: Growth | null }
export interface Gaps {
  start: string; kept_since: string | null; minutes: number; more: boolean;
  items: {start: string; end: string; minutes: number; reason: string}[];
}
export interface Finding {
  kind: string; start: string; end: string; size: number; score: number; evidence: string;
}
export interface Signals {
  usual: {followers_per_minute: number; spread: number; changes: number} | null;
  ratio: {percentile: number; of: number} | null;
  findings: Finding[];
}
export interface Ranks {
  items: {minute: string; rank: number; of: number; closed: boolean; damaged: boolean}[];
}
export type Kind = 'threshold' | 'relative' | 'milestone' | 'rank' | 'verdict';
export interface RuleInput {
  name?: string;
  enabled?: boolean;
  influencers: Id[];
  kind: Kind;
  direction?: string;
  metric?: string;
  value?: number;
  hysteresis?: number;
  count?: number | null;
  percent?: number | null;
  window_minutes?: number;
  every?: number | null;
  values?: number[] | null;
  rank?: number;
  cool_down_minutes?: number;
  url?: string;
  secret?: string | null;
}
export interface Rule extends RuleInput {
  id: number; name: string; enabled: boolean; target: string; signed: boolean;
  cool_down_minutes: number; created_at: string; updated_at: string;
  etag: string;  // for If-Match
}
export interface Rules { kinds: Kind[]; items: Rule[] }
export interface Entry {
  number: number; webhook_id: string; rule: number; rule_name: string; kind: Kind;
  influencer: Id; fired_at: string; text: string; outcome: string; attempts: number;
  tried_at: string | null; next_attempt_at: string | null; status: number | null;
  detail: string | null;
}
export interface Log { pending: number; next: string | null; items: Entry[] }
export interface Tested {
  outcome: string; status: number | null; detail: string | null; took_ms: number;
}
export type Values = (number | null)[];
export interface Series {
  step_seconds: number; start: string; end: string;
  time_ms: number[]; follower_count: Values; following_count: Values; follower_ratio: Values;
}

// What the API refused, and why: RFC 9457.
export interface FieldError { parameter: string; detail: string }
export class Problem extends Error {
  constructor(readonly status: number, message: string, readonly errors: FieldError[] = []) {
    super(message);
  }
}

const kPatienceMs = 10_000;

export const getText = async (path: string): Promise<string> =>
  await (await ask(path, {signal: AbortSignal.timeout(kPatienceMs)})).text();

async function ask(path: string, options: RequestInit): Promise<Response> {
  const response = await fetch(path, options).catch(
    (error: unknown) => {
      const is_late = error instanceof DOMException && error.name === 'TimeoutError';
      throw new Problem(0, is_late ? 'The server did not respond in time.'
        : 'Cannot reach the server.');
    });
  if (response.ok) return response;
  const said = await response.json().catch(() => ({})) as
    {detail?: string; errors?: FieldError[]};
  throw new Problem(response.status, said.detail ?? `${path} returned HTTP ${response.status}.`,
    said.errors);
}

export const get = async <T>(path: string, patience_ms = kPatienceMs): Promise<T> =>
  parse<T>(await (await ask(path, {signal: AbortSignal.timeout(patience_ms)})).text());

// A change; `undefined` where the answer is empty. The API sends a test for up to 10 s. With an
// `etag` only what still has it is changed: else the problem has status 412.
export async function change<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, token: string,
    body?: object, etag?: string): Promise<T> {
  const response = await ask(path, {
    method, signal: AbortSignal.timeout(20_000), body: body ? written(body) : undefined,
    headers: {'Content-Type': 'application/json', ...(etag ? {'If-Match': etag} : {}),
      ...(token ? {Authorization: `Bearer ${token}`} : {})}});
  return response.status === 204 ? undefined as T : parse<T>(await response.text());
}

// A minute whose account is lost has nulls in place of numbers.
type Told = {[name in keyof Minute]: Minute[name] | null};
const known = (item: Told): Minute => item.due !== null ? item as Minute
  : {...item as Minute, due: 0, stored: 0, missed_total: 0, open: 0, coverage: 0, lost: true};

export async function minutesBetween(start: number, end?: number): Promise<Minutes> {
  const until = end === undefined ? '' : `&end=${end}`;
  const all = await get<Minutes>(`/api/v1/minutes?start=${start}${until}`);
  return {...all, items: all.items.map(known)};
}

// The minutes of the last hours.
export const minutes = (hours: number) =>
  minutesBetween(Math.floor(Date.now() / 1000) - hours * 3600);

export type Aggregate = 'last' | 'min' | 'max';
const kPoints = 1500;  // of a chart, about one a pixel
const kMinutesMost = 50_000;  // of an answer
// A day less than the API allows, as a range begins with a whole step.
export const kSecondsMost = 365 * 86_400;

// How long a range is, in steps of how long it is shown, and where it ends, if not now: all seconds.
export interface Range { seconds: number; step: number; end?: number }
const stepOf = (seconds: number) => Math.max(1, Math.ceil(seconds / 60 / kPoints)) * 60;
export const rangeOf = (seconds: number, every_minute: boolean): Range =>
  ({seconds, step: every_minute && seconds <= kMinutesMost * 60 ? 60 : stepOf(seconds)});

export function seriesPath(
    id: string, range: Range, format: 'columns' | 'csv', aggregate: Aggregate = 'last'): string {
  const {seconds, step, end} = range;
  const until = end ?? Date.now() / 1000;
  const start = Math.floor((until - Math.min(seconds, kSecondsMost)) / step) * step;
  const query = `start=${start}${end ? `&end=${end}` : ''}&step=${step}&aggregate=${aggregate}`
    + `&format=${format}`;
  return `/api/v1/influencers/${id}/series?${query}`;
}

export const series = (id: string, range: Range, aggregate: Aggregate = 'last') =>
  get<Series>(seriesPath(id, range, 'columns', aggregate));
