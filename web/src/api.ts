// What the API answers: docs/openapi.json.
export interface Verdict { suspicious: boolean; checked_at: string; changed_at: string }
export interface Standing {
  id: number;
  username: string | null;
  follower_count: number | null;
  following_count: number | null;
  follower_ratio: number | null;
  retrieved_at: string | null;
  rank: number | null;
  verdict: Verdict | null;
}
export interface Influencer extends Standing { age_seconds: number | null; of: number }
export interface Board { of: number; items: Standing[]; next: string | null }
export interface Found { more: boolean; items: Standing[] }
export interface Minute {
  minute: string;
  due: number;
  stored: number;
  missed: Record<string, number>;
  missed_total: number;
  open: number;
  closed: boolean;
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
}
export interface Mover {
  id: number; username: string | null; follower_count_before: number; follower_count: number;
  change: number; percent: number | null;
}
export interface Movers { since: string; complete: boolean; compared: number; items: Mover[] }
export interface Suspicious {
  items: {
    id: number; username: string | null; changed_at: string;
    judged_follower_count: number; judged_following_count: number;
    judged_follower_ratio: number | null;
  }[];
}
export interface Growth {
  since: string; complete: boolean; change: number; percent: number | null;
  ups: number; downs: number;
}
export interface InfluencerGrowth { hour: Growth | null; day: Growth | null; week: Growth | null }
export interface Signals {
  findings: {kind: string; start: string; end: string; size: number; evidence: string}[];
}
export type Values = (number | null)[];
export interface Series {
  step_seconds: number; start: string; end: string;
  time_ms: number[]; follower_count: Values; following_count: Values; follower_ratio: Values;
}

export async function get<T>(path: string): Promise<T> {
  const response = await fetch(path, {signal: AbortSignal.timeout(10_000)});
  if (response.ok) return await response.json() as T;
  const problem = await response.json().catch(() => ({})) as {detail?: string};
  throw new Error(problem.detail ?? `${path} answered ${response.status}`);
}

// The minutes of the last hours.
export const minutes = (hours: number) =>
  get<Minutes>(`/api/v1/minutes?start=${Math.floor(Date.now() / 1000) - hours * 3600}`);

export type Aggregate = 'last' | 'min' | 'max';
const kPoints = 1500;  // of a chart, about one a pixel

export const stepOf = (seconds: number) => Math.max(1, Math.ceil(seconds / 60 / kPoints)) * 60;

export function seriesPath(
    id: string, seconds: number, format: 'columns' | 'csv', aggregate: Aggregate = 'last'): string {
  const step = stepOf(seconds);
  const start = Math.floor((Date.now() / 1000 - seconds) / step) * step;
  const query = `start=${start}&step=${step}&aggregate=${aggregate}&format=${format}`;
  return `/api/v1/influencers/${id}/series?${query}`;
}

export const series = (id: string, seconds: number, aggregate: Aggregate = 'last') =>
  get<Series>(seriesPath(id, seconds, 'columns', aggregate));
