// A server that is away, busy or odd: the same call is sent again, with the same id, and stored once.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client } from '@promptgraph/client';

import { broken, ids, network, refuses, says, SERVER, silent, stored, unheard } from './network.js';

const MODEL = 'gpt-5-mini';
const PATIENCE = { firstMs: 5 };
const prompt = await new Client({ server: SERVER }).prompt('support/triage');
const odd = '{"data": {"recordLlmCalls": {"errors": [], "results": [{}]}}}';
const half = (request, response) => {
  response.writeHead(200, { 'content-length': 99 }).write('{"data"');
  broken(request);
};

for (const [what, happens, status] of [
  ['500', says(500, 'Internal Server Error'), 'RECORDED'],
  ['429', says(429), 'RECORDED'],
  ['503 of GraphQL', refuses('UNAVAILABLE', 503), 'RECORDED'],
  ['502 with words of a gateway', says(502, JSON.stringify({ errors: [{ message: 'Bad Gateway' }] })), 'RECORDED'],
  ['UNAVAILABLE', refuses('UNAVAILABLE'), 'RECORDED'],
  ['garbage', says(200, '<html>Welcome</html>'), 'RECORDED'],
  ['an answer to another question', says(200, odd), 'RECORDED'],
  ['half an answer', half, 'RECORDED'],
  ['a connection that breaks', broken, 'RECORDED'],
  ['a connection that breaks after the request was sent', unheard, 'DUPLICATE'],
]) {
  test(`sends a call again after ${what}, with the same id`, async (t) => {
    const server = await network(t, happens, happens);
    const client = new Client({ server: server.url, patience: PATIENCE });
    const { callId, status: told } = await client.record(prompt, { model: MODEL });
    assert.equal(told, status);
    assert.deepEqual(ids(server.asked), Array(3).fill([callId]));
    assert.deepEqual(await stored(callId), { callId });
  });
}

test('gives up after its tries, says that the same may succeed, and with which id', async (t) => {
  const server = await network(t, ...Array(4).fill(says(500)));
  const client = new Client({ server: server.url, patience: PATIENCE });
  await assert.rejects(client.record(prompt, { model: MODEL }), { code: 'UNAVAILABLE', retryable: true });
  assert.equal(server.asked.length, 4);
  assert.equal(new Set(ids(server.asked).flat()).size, 1);
});

test('asks again for prompts, too', async (t) => {
  const server = await network(t, broken, says(429), refuses('UNAVAILABLE'));
  assert.deepEqual(await new Client({ server: server.url, patience: PATIENCE }).prompt('support/triage'), prompt);
});

test('waits longer each time, and never less than the server asks', async (t) => {
  const server = await network(t, says(500), says(500), says(429, '', { 'retry-after': '1' }));
  await new Client({ server: server.url, patience: { firstMs: 40 } }).record(prompt, { model: MODEL });
  const pauses = server.times.slice(1).map((at, place) => at - server.times[place]);
  assert.ok(pauses[0] >= 38 && pauses[1] >= 78 && pauses[2] >= 995, String(pauses));
});

for (const [what, happens] of [
  ['seconds', says(503, '', { 'retry-after': '60' })],
  ['a date', refuses('UNAVAILABLE', 503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() })],
]) {
  test(`gives up at once where it is asked to wait too long, in ${what}`, async (t) => {
    const server = await network(t, happens);
    await assert.rejects(new Client({ server: server.url }).record(prompt, { model: MODEL }), (failure) => {
      assert.ok(failure.retryable && failure.retryAfterMs > 50_000);
      return true;
    });
    assert.equal(server.asked.length, 1);
  });
}

test('waits for an answer no longer than it is told', async (t) => {
  const server = await network(t, silent);
  const client = new Client({ server: server.url, timeoutMs: 50, patience: { tries: 1 } });
  await assert.rejects(client.record(prompt, { model: MODEL }), { code: 'UNAVAILABLE', message: /in time/ });
});

for (const [what, happens] of [['an answer is awaited', silent], ['it waits to try again', says(500)]]) {
  test(`ends with the signal's reason while ${what}`, async (t) => {
    const server = await network(t, happens);
    const ends = new AbortController();
    const recorded = new Client({ server: server.url }).record(prompt, { model: MODEL }, { signal: ends.signal });
    setTimeout(() => ends.abort(new Error('enough')), 40);
    await assert.rejects(recorded, { message: 'enough' });
    assert.equal(server.asked.length, 1);
  });
}

test('sends nothing where the signal came before', async (t) => {
  const server = await network(t);
  const ended = { signal: AbortSignal.abort() };
  await assert.rejects(new Client({ server: server.url }).prompt('support/triage', ended), { name: 'AbortError' });
  assert.equal(server.asked.length, 0);
});

test('says of each of many that nobody knows, where the server stays away', async (t) => {
  const server = await network(t, ...Array(9).fill(says(500)));
  const client = new Client({ server: server.url, patience: { ...PATIENCE, tries: 2 } });
  const outcomes = await client.recordMany(Array(1_001).fill({ prompt, model: MODEL }));
  assert.equal(server.asked.length, 2);
  assert.deepEqual(outcomes[1_000].status, null);
  assert.ok(outcomes.every(({ error: why }) => why.retryable));
});

test('sends again only those of many that the server had no room for', async (t) => {
  const crowded = (request, response, body) => {
    const answer = JSON.parse(body).variables.input.map(({ callId }, place) => ({
      callId, status: place ? 'REJECTED' : 'RECORDED', warnings: [],
      error: place ? { code: 'UNAVAILABLE', field: null, message: 'Crowded.', retryable: true } : null,
    }));
    response.end(JSON.stringify({ data: { recordLlmCalls: { errors: [], results: answer } } }));
  };
  const server = await network(t, crowded);
  const client = new Client({ server: server.url, patience: PATIENCE });
  const outcomes = await client.recordMany(Array(3).fill({ prompt, model: MODEL }));
  assert.deepEqual(outcomes.map(({ status }) => status), Array(3).fill('RECORDED'));
  assert.deepEqual(ids(server.asked)[1], outcomes.slice(1).map(({ callId }) => callId));
  server.script.push(crowded);
  const hasty = new Client({ server: server.url, patience: { tries: 1 } });
  const [first, last] = await hasty.recordMany(Array(2).fill({ prompt, model: MODEL }));
  assert.deepEqual([first.status, last.status, last.error.retryable], ['RECORDED', null, true]);
});

test('takes no trouble for a row\'s fault while it halves a batch', async (t) => {
  const server = await network(t, undefined, undefined, says(429));
  const client = new Client({ server: server.url, patience: PATIENCE });
  const drafts = [{}, { inputTokens: 'many' }, {}, {}].map((facts) => ({ prompt, model: MODEL, ...facts }));
  const outcomes = await client.recordMany(drafts);
  assert.deepEqual(outcomes.map(({ status }) => status), ['RECORDED', 'REJECTED', 'RECORDED', 'RECORDED']);
});
