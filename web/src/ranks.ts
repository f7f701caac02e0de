import {get, Problem} from './api';
import type {Range, Ranks, Values} from './api';
import {saidReason} from './gaps';

// A rank in the past is counted over everybody in that minute: some thirty of them are asked for.
const kSteps: [number, number][] = [
  [3600, 120], [21_600, 900], [86_400, 3600], [604_800, 21_600]];
const kTries = 10;

// Between the minutes that are asked for; nothing where the range is longer than 7 days.
export const rankStep = (seconds: number) =>
  kSteps.find(([range]) => seconds <= range)?.[1] ?? null;

// Where the values of others are damaged.
export const kFewer =
  `Some ranks compare fewer influencers: ${saidReason('damaged')} for the others.`;

export interface Column { times: number[]; values: Values; is_damaged?: boolean }

// Reading past minutes of a million takes seconds; the API says then to ask again.
export async function ranks(id: string, {seconds, end}: Range, step: number): Promise<Column> {
  const start = Math.floor((end ?? Date.now() / 1000) - seconds);
  const path = `/api/v1/influencers/${id}/ranks?start=${start}&step=${step}`
    + `${end ? `&end=${Math.floor(end)}` : ''}`;
  for (let tried = 1; ; ++tried) {
    try {
      const {items} = await get<Ranks>(path);
      return {times: items.map((item) => Date.parse(item.minute) / 1000),
        values: items.map((item) => item.rank), is_damaged: items.some((item) => item.damaged)};
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 503 || tried === kTries) throw error;
      await new Promise((resume) => { setTimeout(resume, 2000); });
    }
  }
}
