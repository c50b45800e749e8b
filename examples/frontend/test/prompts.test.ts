import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../src/client.ts';
import { PromptCallsDocument, PromptsDocument } from '../src/generated/graphql.ts';
import { more, promptList } from '../src/prompts.ts';
import { shown, url } from './server.ts';

test('pages of prompts add up to the whole list, each prompt once', async (t) => {
  const whole = await connect(url).query({ query: PromptsDocument, variables: { first: 100 } });
  const list = promptList(connect(url), 5);
  const widget = list.subscribe(() => {});
  t.after(() => widget.unsubscribe());
  let [nodes, pages] = [(await shown(list)).prompts.nodes, 1];
  for (; await more(list); pages += 1) {
    const before = nodes.length;
    nodes = (await shown(list, ({ prompts }) => prompts.nodes.length > before)).prompts.nodes;
  }
  assert.deepEqual(nodes, whole.data?.prompts.nodes);
  assert.equal(pages, Math.ceil(nodes.length / 5));
});

test('pages of calls below a prompt are joined by their edges', async (t) => {
  const name = 'support/triage';
  const eight = await connect(url).query({ query: PromptCallsDocument, variables: { name, first: 8 } });
  const list = connect(url).watchQuery({ query: PromptCallsDocument, variables: { name, first: 4 } });
  const widget = list.subscribe(() => {});
  t.after(() => widget.unsubscribe());
  const after = (await shown(list)).prompt?.llmCalls?.pageInfo.endCursor ?? null;
  await list.fetchMore({ variables: { after } });
  const joined = await shown(list, ({ prompt }) => prompt?.llmCalls?.edges.length === 8);
  assert.deepEqual(joined.prompt?.llmCalls, eight.data?.prompt?.llmCalls);
});
