import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gql } from '@apollo/client';
import { connect, connectTrusted } from '../src/client.ts';
import { PromptsDocument } from '../src/generated/graphql.ts';

const url = process.env['PROMPTGRAPH_TRUSTED_SERVER'] ?? '';

test('a server of trusted documents answers ids, and no other document', { skip: !url }, async (t) => {
  const fetches = t.mock.method(globalThis, 'fetch');
  const { data } = await connectTrusted(url).query({ query: PromptsDocument, variables: { first: 3 } });
  assert.equal(data?.prompts.nodes.length, 3);
  assert.equal(fetches.mock.callCount(), 1);
  assert.doesNotMatch(String(fetches.mock.calls[0]?.arguments[1]?.body), /prompts\(/);
  await assert.rejects(connect(url).query({ query: gql`{ serverInfo { version } }` }), /trusted documents alone/);
});
