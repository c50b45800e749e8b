// Prompts by name, and what rendering gives.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Client, PromptgraphError } from '@promptgraph/client';

import { network, says, SERVER } from './network.js';

const TICKET = 'My card was declined';
const client = new Client({ server: SERVER });

test('serves what production points to, where nothing is said', async () => {
  const prompt = await client.prompt('support/triage');
  assert.deepEqual([prompt.name, prompt.version, prompt.label, prompt.draft], ['support/triage', 2, 'production', false]);
  assert.equal(prompt.model, 'gpt-5-mini');
  assert.deepEqual(prompt.config, { temperature: 0, max_output_tokens: 200 });
  assert.equal(prompt.outputSchema.type, 'object');
  assert.match(prompt.hash, /^[0-9a-f]{64}$/);
});

test('serves a label, or a version', async () => {
  const [staging, second] = [{ label: 'staging' }, { version: 2 }];
  assert.deepEqual(
    [(await client.prompt('support/triage', staging)).version, (await client.prompt('support/triage', second)).label],
    [3, null],
  );
  await assert.rejects(client.prompt('support/triage', { ...staging, ...second }), { code: 'INVALID_INPUT' });
});

test('renders on the server, and keeps the record with the text', async () => {
  const rendered = await client.render('support/triage', { variables: { ticket: TICKET } });
  assert.deepEqual(rendered.prompt, await client.prompt('support/triage'));
  assert.deepEqual(rendered.messages.map(({ role }) => role), ['system', 'user']);
  assert.equal(rendered.messages[1].content, `<ticket>\n${TICKET}\n</ticket>\n`);
  assert.equal(rendered.text, rendered.messages.map(({ content }) => content).join('\n\n'));
  assert.deepEqual(rendered.variables, { ticket: TICKET, tone: 'neutral' });
  assert.match(rendered.hash, /^[0-9a-f]{64}$/);
});

test('gives parts as chat interfaces take them', async () => {
  const variables = { photo_url: 'https://uploads.example/p/1.jpg', claim: 'It leaks.' };
  const { messages } = await client.render('support/photo-check', { variables });
  assert.deepEqual(messages[1].content.map(({ type }) => type), ['text', 'image_url']);
});

test('serves the latest version where the usual label is missing, and says so once', async () => {
  const said = [];
  const careful = new Client({ server: SERVER, label: 'canary', log: { warn: (text) => said.push(text) } });
  const prompt = await careful.prompt('support/triage');
  await careful.render('support/triage', { variables: { ticket: TICKET } });
  assert.deepEqual([prompt.version, prompt.label], [3, null]);
  assert.deepEqual(said, ['support/triage has no label canary: the latest version is used instead.']);
});

for (const [what, ask, code] of [
  ['a name that nothing has', () => client.prompt('support/nothing'), 'NOT_FOUND'],
  ['a label that the prompt lacks', () => client.prompt('support/triage', { label: 'canary' }), 'NOT_FOUND'],
  ['a version that is none', () => client.prompt('support/triage', { version: 99 }), 'NOT_FOUND'],
  ['a version that is no number', () => client.prompt('support/triage', { version: 'two' }), 'INVALID_INPUT'],
  ['a variable that is missing', () => client.render('support/triage'), 'INVALID_INPUT'],
  ['a variable that is unknown', () => client.render('support/triage', { variables: { tickt: '' } }), 'INVALID_INPUT'],
]) {
  test(`refuses ${what}, by its code`, async () => {
    await assert.rejects(ask(), (error) => {
      assert.ok(error instanceof PromptgraphError);
      assert.deepEqual([error.code, error.retryable], [code, false]);
      return true;
    });
  });
}

for (const [what, options, field] of [
  ['an address that is none', { server: 'prompts.example.com' }, 'server'],
  ['an address of files', { server: 'file:///prompts' }, 'server'],
  ['a password in the address', { server: 'http://me:secret@127.0.0.1' }, 'server'],
  ['a key that no header can carry', { server: SERVER, apiKey: 'clé' }, 'apiKey'],
]) {
  test(`refuses ${what} at once`, () => {
    assert.throws(() => new Client(options), { code: 'INVALID_INPUT', field });
  });
}

test('sends the key in a header, and follows no redirect with it', async (t) => {
  const server = await network(t, says(307, '', { location: `${SERVER}/graphql` }));
  const holder = new Client({ server: `${server.url}/graphql/`, apiKey: 'pg_secret' });
  await assert.rejects(holder.prompt('support/triage'), { code: 'INVALID_INPUT', field: 'server' });
  assert.equal(server.headers.authorization, 'Bearer pg_secret');
  assert.equal((await holder.prompt('support/triage')).version, 2);
});

for (const [status, code] of [[401, 'FORBIDDEN'], [403, 'FORBIDDEN'], [404, 'INVALID_INPUT']]) {
  test(`does not try again what is answered with ${status}`, async (t) => {
    const server = await network(t, says(status));
    await assert.rejects(new Client({ server: server.url }).prompt('support/triage'), { code, retryable: false });
    assert.equal(server.asked.length, 1);
  });
}
