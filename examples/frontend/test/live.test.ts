import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { requestSubscription } from 'relay-runtime';
import { connect } from '../src/client.ts';
import { PromptsDocument, RecordCallDocument } from '../src/generated/graphql.ts';
import callFeed, { type CallFeedSubscription } from '../src/generated/relay/CallFeedSubscription.graphql.ts';
import { watchCalls } from '../src/live.ts';
import { connectRelay } from '../src/relay/environment.ts';
import { url } from './server.ts';

test('Apollo hears of a call once it is recorded', async (t) => {
  const agent = `live-${randomUUID()}`;
  const heard: string[] = [];
  const watching = watchCalls(connect(url), { agents: [agent] }, (call) => heard.push(call.callId), assert.ifError);
  t.after(() => watching.unsubscribe());
  assert.deepEqual(heard, (await recordUntilHeard(agent, heard)).slice(-heard.length));
});

test('Relay hears of a call once it is recorded', async (t) => {
  const agent = `live-${randomUUID()}`;
  const heard: string[] = [];
  const watching = requestSubscription<CallFeedSubscription>(connectRelay(url), {
    subscription: callFeed,
    variables: { filter: { agents: [agent] } },
    onNext: (event) => heard.push(event?.llmCallRecorded.callId ?? ''),
  });
  t.after(() => watching.dispose());
  assert.deepEqual(heard, (await recordUntilHeard(agent, heard)).slice(-heard.length));
});

/** Records a call a second until one is heard of, since nothing says when a subscription has begun; their ids. */
async function recordUntilHeard(agent: string, heard: readonly string[]): Promise<string[]> {
  const client = connect(url);
  const { data } = await client.query({ query: PromptsDocument, variables: { first: 1 } });
  const promptId = data?.prompts.nodes[0]?.id ?? null;
  for (const recorded: string[] = []; ; ) {
    const input = { callId: randomUUID(), promptId, agent, model: 'gpt-5-mini', latencyMs: 120 };
    const { data } = await client.mutate({ mutation: RecordCallDocument, variables: { input } });
    assert.deepEqual(data?.recordLlmCall.errors, []);
    recorded.push(input.callId);
    for (let waited = 0; waited < 20; waited += 1) {
      if (heard.includes(input.callId)) return recorded;
      await pause(50);
    }
  }
}
