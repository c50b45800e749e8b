import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commitLocalUpdate, ConnectionHandler, type Environment, fetchQuery } from 'relay-runtime';
import nextPage, { type PromptCallsPageQuery } from '../src/generated/relay/PromptCallsPageQuery.graphql.ts';
import firstPage, { type PromptCallsQuery } from '../src/generated/relay/PromptCallsQuery.graphql.ts';
import { connectRelay } from '../src/relay/environment.ts';
import { url } from './server.ts';

test('a page that Relay fetches by node(id:) is joined to its connection', async () => {
  const relay = connectRelay(url);
  const first = await fetchQuery<PromptCallsQuery>(relay, firstPage, { name: 'support/triage' }).toPromise();
  const id = first?.prompt?.id;
  assert.ok(id);
  const { calls: five, cursor } = shown(relay, id);
  assert.equal(five.length, 5);
  await fetchQuery<PromptCallsPageQuery>(relay, nextPage, { id, count: 3, cursor }).toPromise();
  const { calls: eight } = shown(relay, id);
  assert.equal(new Set(eight).size, 8);
  assert.deepEqual(eight.slice(0, 5), five);
});

/** The ids of the calls that the connection holds, and where it goes on. */
function shown(relay: Environment, id: string): { calls: unknown[]; cursor: string } {
  const found = { calls: [] as unknown[], cursor: '' };
  commitLocalUpdate(relay, (store) => {
    const prompt = store.get(id);
    assert.ok(prompt);
    const list = ConnectionHandler.getConnection(prompt, 'PromptCalls_llmCalls');
    found.calls = list?.getLinkedRecords('edges')?.map((edge) => edge.getLinkedRecord('node')?.getDataID()) ?? [];
    found.cursor = String(list?.getLinkedRecord('pageInfo')?.getValue('endCursor'));
  });
  return found;
}
