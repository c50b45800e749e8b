// Calls recorded by the prompt that was sent, alone and by the many.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client, newCallId, PromptgraphError } from '@promptgraph/client';

import { ids, network, refuses, SERVER, stored } from './network.js';

const MODEL = 'gpt-5-mini';
const client = new Client({ server: SERVER, agent: 'support-bot', environment: 'test' });
const triage = () => client.render('support/triage', { variables: { ticket: 'My card was declined' } });

test('makes ids that sort by when they were made', () => {
  const before = Date.now();
  const made = Array.from({ length: 100 }, newCallId);
  assert.match(made[0], /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const millis = made.map((id) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
  assert.ok(millis.every((at) => at >= before && at <= Date.now()));
  assert.equal(new Set(made).size, 100);
});

test('records every field that a call has, by the version that was sent', async () => {
  const startedAt = new Date(Date.now() - 1_000);
  const { callId, status, warnings } = await client.record(await triage(), {
    model: MODEL, provider: 'openai', inputTokens: 812, outputTokens: 40, latencyMs: 930.5, costUsd: '0.0125',
    startedAt, finishReasons: ['stop'], output: { queue: 'billing' }, metadata: { note: 'ü' },
  });
  assert.deepEqual([status, warnings], ['RECORDED', []]);
  const fields = `prompt { name version } label agent { name } environment inputTokens latencyMs costUsd startedAt
    finishReasons variables output metadata`;
  assert.deepEqual(await stored(callId, fields), {
    prompt: { name: 'support/triage', version: 2 }, label: 'production', agent: { name: 'support-bot' },
    environment: 'test', inputTokens: 812, latencyMs: 930.5, costUsd: '0.0125',
    startedAt: startedAt.toISOString().replace('Z', '000Z'), finishReasons: ['stop'],
    variables: { ticket: 'My card was declined', tone: 'neutral' }, output: { queue: 'billing' }, metadata: { note: 'ü' },
  });
});

test('takes a prompt, what rendering it gave, or its id', async () => {
  const rendered = await triage();
  for (const of of [rendered, rendered.prompt, rendered.prompt.id, JSON.parse(JSON.stringify(rendered))]) {
    const { callId } = await client.record(of, { model: MODEL });
    assert.deepEqual(await stored(callId, 'prompt { id }'), { prompt: { id: rendered.prompt.id } });
  }
  await assert.rejects(client.record(null, { model: MODEL }), { code: 'INVALID_INPUT', field: 'promptId' });
});

test('sends no sensitive variable', async (t) => {
  const server = await network(t);
  const rendered = await client.render('support/answer', { variables: { question: 'Why?', customer_name: 'Ines' } });
  assert.match(rendered.text, /Ines/);
  await new Client({ server: server.url }).record(rendered, { model: MODEL });
  const [{ variables }] = server.asked[0].variables.input;
  assert.deepEqual(variables, { question: 'Why?', articles: [], tone: 'warm', history: [] });
});

test('records a call once: the same again is a duplicate, another one by that id a conflict', async () => {
  const [rendered, callId] = [await triage(), newCallId()];
  const call = { model: MODEL, callId, inputTokens: 1 };
  assert.equal((await client.record(rendered, call)).status, 'RECORDED');
  assert.equal((await client.record(rendered, { ...call, callId: callId.toUpperCase() })).status, 'DUPLICATE');
  await assert.rejects(client.record(rendered, { ...call, inputTokens: 2 }), { code: 'IDEMPOTENCY_CONFLICT' });
});

test('refuses a call for a text that is not the version\'s', async () => {
  const { prompt } = await triage();
  await assert.rejects(client.record({ ...prompt, hash: '0'.repeat(64) }, { model: MODEL }), { code: 'PROMPT_MISMATCH' });
});

for (const [what, facts, field] of [
  ['a value out of range', { inputTokens: -1 }, 'inputTokens'],
  ['an id that is none', { callId: 'first' }, 'callId'],
  ['a number that is none', { latencyMs: Number.NaN }, 'latencyMs'],
  ['a number that is none, deep inside', { output: [{ score: Infinity }] }, 'output'],
  ['a date that is none', { startedAt: new Date('never') }, 'startedAt'],
  ['a Map', { metadata: { a: new Map() } }, 'metadata'],
  ['a whole number of any size', { output: 1n }, 'output'],
  ['what is beyond a megabyte', { output: 'ü'.repeat(600_000) }, 'output'],
]) {
  test(`refuses ${what}, and names the field`, async () => {
    const { prompt } = await triage();
    await assert.rejects(client.record(prompt, { model: MODEL, ...facts }), { code: 'INVALID_INPUT', field });
  });
}

test('says what became of each of many, in order', async () => {
  const rendered = await triage();
  const first = newCallId();
  const draft = { prompt: rendered, model: MODEL };
  await client.record(rendered, { model: MODEL, callId: first });
  const outcomes = await client.recordMany([
    { ...draft, callId: first }, draft, { ...draft, prompt: 'UHJvbXB0Cm5vYm9keQox' }, { ...draft, attempt: 5_000 },
    { ...draft, inputTokens: 1, cacheReadInputTokens: 2 },
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status), ['DUPLICATE', 'RECORDED', 'REJECTED', 'REJECTED', 'RECORDED']);
  const codes = outcomes.map(({ error }) => error?.code ?? null);
  assert.deepEqual(codes, [null, null, 'NOT_FOUND', 'INVALID_INPUT', null]);
  assert.equal(outcomes[3].error.field, 'attempt');
  assert.deepEqual(outcomes[4].warnings.map(({ code }) => code), ['TOKENS_CONTRADICT']);
  assert.deepEqual(await client.recordMany([]), []);
});

test('sends many in requests that the server takes', async (t) => {
  const server = await network(t);
  const { prompt } = await triage();
  const many = new Client({ server: server.url, timeoutMs: 30_000 });
  const outcomes = await many.recordMany(Array.from({ length: 1_100 }, () => ({ prompt, model: MODEL })));
  assert.deepEqual(ids(server.asked).map((each) => each.length), [1_000, 100]);
  assert.deepEqual(outcomes.map(({ callId }) => callId), ids(server.asked).flat());
  assert.ok(outcomes.every(({ status }) => status === 'RECORDED'));
});

test('sends large ones in several requests', async (t) => {
  const server = await network(t);
  const { prompt } = await triage();
  const large = { prompt, model: MODEL, output: 'x'.repeat(250_000) };
  const outcomes = await new Client({ server: server.url, timeoutMs: 30_000 }).recordMany(Array(40).fill(large));
  assert.deepEqual(ids(server.asked).map((each) => each.length), [33, 7]);
  assert.ok(outcomes.every(({ status }) => status === 'RECORDED'));
});

test('halves a batch that is refused as a whole, until the rows to blame are alone', async (t) => {
  const server = await network(t);
  const { prompt } = await triage();
  const many = new Client({ server: server.url });
  const wrong = new Map([[3, { tokens: 1 }], [11, { inputTokens: 'many' }]]);
  const drafts = Array.from({ length: 16 }, (_, place) => ({ prompt, model: MODEL, ...wrong.get(place) }));
  const outcomes = await many.recordMany(drafts);
  const rejected = outcomes.flatMap(({ status }, place) => (status === 'REJECTED' ? [place] : []));
  assert.deepEqual(rejected, [3, 11]);
  assert.match(outcomes[3].error.message, /tokens/);
  assert.match(outcomes[11].error.message, /inputTokens/);
  for (const [place, { callId, status }] of outcomes.entries()) {
    assert.deepEqual(await stored(callId), wrong.has(place) ? null : { callId }, status ?? 'none');
  }
});

test('blames no row where the server does not know how to record', async (t) => {
  const server = await network(t, refuses('INVALID_INPUT'), refuses('INVALID_INPUT'));
  const { prompt } = await triage();
  const outcomes = await new Client({ server: server.url }).recordMany(Array(3).fill({ prompt, model: MODEL }));
  assert.deepEqual(outcomes.map(({ status, error }) => [status, error.code]), Array(3).fill([null, 'INVALID_INPUT']));
  assert.deepEqual(ids(server.asked).map((each) => each.length), [3, 0]);
});

test('sets rows apart that the server fails on', async (t) => {
  const fails = refuses('INTERNAL');
  const server = await network(t, fails);
  const { prompt } = await triage();
  server.script.push(undefined, fails, fails); // the probe passes, then the first half and its first row fail
  const outcomes = await new Client({ server: server.url }).recordMany(Array(4).fill({ prompt, model: MODEL }));
  assert.deepEqual(outcomes.map(({ status }) => status), [null, 'RECORDED', 'RECORDED', 'RECORDED']);
  assert.deepEqual([outcomes[0].error.code, outcomes[0].error.retryable], ['INTERNAL', false]);
});

test('scores a call', async () => {
  const { callId } = await client.record(await triage(), { model: MODEL });
  assert.equal((await client.score(callId, 'helpful', { value: 0.5, comment: 'so so' })).status, 'RECORDED');
  assert.equal((await client.score(callId, 'helpful', { value: 1 })).callId, callId);
  assert.deepEqual(await stored(callId, 'scores { name value comment source }'), {
    scores: [{ name: 'helpful', value: 1, comment: null, source: 'api' }],
  });
  await assert.rejects(client.score(newCallId(), 'helpful', { value: 1 }), (error) => {
    assert.ok(error instanceof PromptgraphError);
    assert.equal(error.code, 'NOT_FOUND');
    return true;
  });
});
