// Calls every operation of the description through a client that was generated from it.
// usage: node out/calls.js BASE_URL OPENAPI_JSON
import createClient from 'openapi-fetch';

import type {components, paths} from './api.js';

declare const process: {argv: string[]; exitCode?: number};
type Document = {paths: Record<string, Record<string, unknown>>};

const [, , baseUrl = '', documentUrl = ''] = process.argv;
const client = createClient<paths>({baseUrl});
const called = new Set<string>();
client.use({
  onRequest: ({request, schemaPath}) => void called.add(`${request.method} ${schemaPath}`),
});

type Answer<Data> = {data?: Data; error?: unknown; response: Response};
const failures: string[] = [];

// The data of an answer; an answer with any other status is a failure.
async function data<Data>(
  call: Promise<Answer<Data>>, ...others: number[]): Promise<Data | undefined> {
  const {data, error, response} = await call;
  if (response.ok && data !== undefined) return data;
  if (response.ok && response.status === 204) return undefined;
  if (!others.includes(response.status)) {
    failures.push(`${response.url}: ${response.status} ${JSON.stringify(error)}`);
  }
  return undefined;
}

const end = Math.floor(Date.now() / 1000);
const range = {start: String(end - 600), end: String(end)};
const id = 1005;
const path = {id};
const form = {'Content-Type': 'application/x-www-form-urlencoded'};
// A form is text, whatever the types of its members.
const bodySerializer = (body: object | undefined) =>
  new URLSearchParams(Object.entries(body ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)])));

async function callSeries() {
  const series = await data(client.GET('/api/v1/influencers/{id}/series',
    {params: {path, query: {...range, step: '1m', format: 'columns'}}}));
  if (typeof series === 'object') series.time_ms?.map((time: number) => time / 1000);
  await data(client.GET('/influencer_analytics/{id}',
    {params: {path, query: {start_time: range.start}}}));
  const compared = await data(client.GET('/api/v1/compare',
    {params: {query: {influencers: '1000,1001', ...range, aggregate: 'max', scale: 'percent'}}}));
  if (typeof compared === 'object') compared.series?.map(one => one.id);
  await data(client.GET('/api/v1/influencers/{id}/gaps', {params: {path, query: range}}));
  await data(client.GET('/api/v1/influencers/{id}/ranks',
    {params: {path, query: {...range, step: '1m'}}}), 503);
}

async function callInfluencers() {
  const one = await data(client.GET('/api/v1/influencers/{id}', {params: {path}}));
  const verdict: components['schemas']['Verdict'] | null | undefined = one?.verdict;
  verdict?.checked_at.slice(0, 10);
  await data(client.GET('/api/v1/influencers', {params: {query: {prefix: '1', limit: 5}}}));
  const page = await data(client.GET('/api/v1/leaderboard',
    {params: {query: {limit: 2, sort: 'ratio'}}}));
  page?.items.map(item => item.follower_count ?? 0);
  await data(client.GET('/api/v1/movers', {params: {query: {window: '1h'}}}), 503);
  await data(client.GET('/api/v1/influencers/{id}/growth', {params: {path}}));
  await data(client.GET('/api/v1/influencers/{id}/badge.svg', {params: {path}, parseAs: 'text'}));
  await data(client.GET('/api/v1/influencers/{id}/signals', {params: {path}}));
  await data(client.GET('/api/v1/signals', {params: {query: {limit: 3}}}));
  await data(client.GET('/api/v1/verdicts', {params: {query: {limit: 3}}}));
}

async function callPipeline() {
  const summary = await data(client.GET('/api/v1/summary'));
  summary?.queues.influencer_id_store?.visible.toFixed();
  await data(client.GET('/api/v1/minutes', {params: {query: range}}));
  const stop = new AbortController();
  const stream = await data(client.GET('/api/v1/stream',
    {params: {query: {influencers: '1000'}}, parseAs: 'stream', signal: stop.signal}));
  await stream?.cancel();
  stop.abort();
  await data(client.GET('/healthz'));
  await data(client.GET('/readyz'), 503);
  await data(client.GET('/metrics', {parseAs: 'text'}));
  await data(client.GET('/openapi.json'));
  const page = await data(client.GET('/', {parseAs: 'text'}));
  const name = /\/assets\/([^"]+)/.exec(page ?? '')?.[1] ?? '';
  await data(client.GET('/assets/{name}', {params: {path: {name}}, parseAs: 'text'}));
  await data(client.GET('/icon.svg', {parseAs: 'text'}));
}

async function callAlerts() {
  const common = {name: 'r', influencers: [id], url: 'http://127.0.0.1:9/x'};
  const rule = await data(client.POST('/api/v1/alerts',
    {body: {...common, kind: 'threshold', direction: 'above', value: 10, hysteresis: 1}}));
  const made = {params: {path: {id: rule?.id ?? 0}}};
  await data(client.GET('/api/v1/alerts'));
  await data(client.GET('/api/v1/alerts/{id}', made));
  await data(client.PUT('/api/v1/alerts/{id}',
    {...made, body: {...common, kind: 'relative', direction: 'rise', percent: 5, window_minutes: 60}}));
  const tested = await data(client.POST('/api/v1/alerts/{id}/test', made));
  tested?.took_ms.toFixed();
  await data(client.GET('/api/v1/alerts/log', {params: {query: {limit: 3}}}));
  await data(client.DELETE('/api/v1/alerts/{id}', made));
}

async function callPrometheus() {
  const query = {query: 'influencers_stored'};
  const steps = {...query, ...range, step: '60'};
  const match = {'match[]': ['influencers_missed', 'influencers_due']};
  const answer = await data(client.GET('/prometheus/api/v1/query', {params: {query}}));
  if (answer?.data.resultType === 'vector') answer.data.result.map(one => one.metric['id']);
  if (answer?.data.resultType === 'matrix') answer.data.result.map(one => one.values.length);
  await data(client.POST('/prometheus/api/v1/query',
    {body: {query: "'a'"}, bodySerializer, headers: form}));
  const over = await data(client.GET('/prometheus/api/v1/query_range', {params: {query: steps}}));
  over?.data.result.map(one => one.values.length);
  await data(client.POST('/prometheus/api/v1/query_range',
    {body: steps, bodySerializer, headers: form}));
  const series = await data(client.GET('/prometheus/api/v1/series', {params: {query: match}}));
  series?.data.map(labels => labels['__name__']);
  await data(client.POST('/prometheus/api/v1/series',
    {body: match, bodySerializer, headers: form}));
  const names = await data(client.GET('/prometheus/api/v1/labels', {params: {query: match}}));
  names?.data.includes('reason');
  await data(client.POST('/prometheus/api/v1/labels',
    {body: match, bodySerializer, headers: form}));
  await data(client.GET('/prometheus/api/v1/label/{name}/values',
    {params: {path: {name: 'reason'}, query: {limit: 2}}}));
  const known = await data(client.GET('/prometheus/api/v1/metadata'));
  known?.data['influencers_due']?.map(one => one.help);
  await data(client.GET('/prometheus/api/v1/rules'));
  await data(client.GET('/prometheus/api/v1/alerts'));
  await data(client.GET('/prometheus/api/v1/query_exemplars'));
  await data(client.POST('/prometheus/api/v1/query_exemplars'));
  const build = await data(client.GET('/prometheus/api/v1/status/buildinfo'));
  build?.data.version.slice(0, 1);
}

for (const part of [callSeries, callInfluencers, callPipeline, callAlerts, callPrometheus]) {
  await part();
}
const document = await (await fetch(documentUrl)).json() as Document;
for (const [name, item] of Object.entries(document.paths)) {
  for (const method of Object.keys(item)) {
    const operation = `${method.toUpperCase()} ${name}`;
    if (!called.has(operation)) failures.push(`${operation} was not called`);
  }
}
console.log(`TypeScript: ${called.size} operations called, ${failures.length} failures`);
failures.forEach(failure => console.log(failure));
process.exitCode = failures.length > 0 ? 1 : 0;
