// A call that is timed and recorded around the model.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from '@promptgraph/client';

import { network, says, SERVER, stored } from './network.js';

const client = new Client({ server: SERVER });
const rendered = await client.render('support/triage', { variables: { ticket: 'My card was declined' } });

test('times a call, and records what came of it', async () => {
  let seen;
  const began = performance.now();
  const answer = await client.llmCall(rendered, { conversationId: 'c7' }, async (call) => {
    seen = call;
    await sleep(20);
    call.firstToken();
    await sleep(20);
    call.firstToken();
    call.finish({ output: 'billing', inputTokens: 812 });
    await sleep(60);
    return 'billing';
  });
  const tookMs = performance.now() - began;
  assert.equal(answer, 'billing');
  assert.equal(seen.recorded.status, 'RECORDED');
  const fields = 'status model conversationId inputTokens output latencyMs timeToFirstTokenMs prompt { version }';
  const { latencyMs, timeToFirstTokenMs, ...call } = await stored(seen.callId, fields);
  assert.deepEqual(call, {
    status: 'OK', model: 'gpt-5-mini', conversationId: 'c7', inputTokens: 812, output: 'billing', prompt: { version: 2 },
  });
  assert.ok(timeToFirstTokenMs >= 19 && latencyMs - timeToFirstTokenMs >= 19, `${timeToFirstTokenMs} ${latencyMs}`);
  assert.ok(latencyMs < tookMs - 59, `${latencyMs} ${tookMs}`);
});

class RateLimitError extends Error {}
for (const [what, thrown, errorType, errorMessage] of [
  ['by its class', new RateLimitError('slow down'), 'RateLimitError', 'slow down'],
  ['by its name', new TypeError('no'), 'TypeError', 'no'],
  ['that is no error', 'gone', 'string', 'gone'],
  ['whose words cannot be stored', new RangeError(`a\u0000b${'x'.repeat(5_000)}`), 'RangeError', `a?b${'x'.repeat(4_093)}`],
]) {
  test(`records an error ${what}, and lets it go on`, async () => {
    let seen;
    const failing = client.llmCall(rendered, { model: 'm' }, (call) => {
      seen = call;
      throw thrown;
    });
    await assert.rejects(failing, (error) => error === thrown);
    const fields = 'status errorType errorMessage latencyMs';
    const { latencyMs, ...call } = await stored(seen.callId, fields);
    assert.deepEqual(call, { status: 'ERROR', errorType, errorMessage });
    assert.ok(latencyMs >= 0);
  });
}

test('records a call without its contents where those cannot be sent', async () => {
  const said = [];
  const careful = new Client({ server: SERVER, log: { warn: (text) => said.push(text) } });
  let seen;
  await careful.llmCall(rendered, {}, (call) => (seen = call).finish({ output: 1n, outputTokens: 3 }));
  assert.deepEqual(await stored(seen.callId, 'output outputTokens variables'), {
    output: null, outputTokens: 3, variables: null,
  });
  assert.match(said[0], /without its contents: output cannot be sent/);
});

test('takes no answer away where the call cannot be recorded', async (t) => {
  const server = await network(t, says(401));
  const said = [];
  const careful = new Client({ server: server.url, log: { error: (text) => said.push(text) } });
  assert.equal(await careful.llmCall(rendered, {}, () => 'billing'), 'billing');
  assert.match(said[0], /^The call .* could not be recorded: The server refuses the API key/);
});

test('asks which model is called before it is', async () => {
  const work = () => assert.fail('called');
  await assert.rejects(client.llmCall(rendered.prompt.id, {}, work), { code: 'INVALID_INPUT', field: 'model' });
});
