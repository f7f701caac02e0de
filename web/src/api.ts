export interface Standing {
  id: number;
  username: string | null;
  follower_count: number | null;
  following_count: number | null;
  follower_ratio: number | null;
  retrieved_at: string | null;
  rank: number | null;
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

export function seriesPath(id: string, seconds: number, format: 'columns' | 'csv'): string {
  const step = Math.max(1, Math.ceil(seconds / 60 / 1500)) * 60;
  const start = Math.floor((Date.now() / 1000 - seconds) / step) * step;
  const query = `start=${start}&step=${step}&aggregate=last&format=${format}`;
  return `/api/v1/influencers/${id}/series?${query}`;
}

export const series = (id: string, seconds: number) =>
  get<Series>(seriesPath(id, seconds, 'columns'));
