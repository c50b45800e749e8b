import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { InMemoryCache } from '@apollo/client';
import { connect } from '../src/client.ts';
import possibleTypes from '../src/generated/possibleTypes.json' with { type: 'json' };
import { LatencyDocument, TrafficDocument } from '../src/generated/graphql.ts';
import { latency, traffic } from '../src/metrics.ts';
import { shown, url } from './server.ts';

const variables = { name: 'support/triage', window: { last: 'P7D' } };

test('two widgets of one metrics keep what the other asked for', async (t) => {
  const fetches = t.mock.method(globalThis, 'fetch');
  const client = connect(url);
  const [one, other] = [traffic(client, variables), latency(client, variables)];
  const widgets = [one.subscribe(() => {}), other.subscribe(() => {})];
  t.after(() => widgets.forEach((widget) => widget.unsubscribe()));
  const [calls, times] = [(await shown(one)).promptFamily?.metrics, (await shown(other)).promptFamily?.metrics];
  assert.ok(calls?.series && times?.series && times.latencyMs.p95);
  await pause(300);

  assert.equal(fetches.mock.callCount(), 2, 'a widget that lost its data would ask again');
  const keptCalls = client.readQuery({ query: TrafficDocument, variables })?.promptFamily?.metrics;
  const keptTimes = client.readQuery({ query: LatencyDocument, variables })?.promptFamily?.metrics;
  assert.deepEqual([keptCalls?.calls, keptTimes?.latencyMs], [calls.calls, times.latencyMs]);
  assert.deepEqual(
    keptCalls?.series?.map((bin) => bin.calls),
    calls.series.map((bin) => bin.calls),
  );
  assert.deepEqual(
    keptTimes?.series?.map((bin) => bin.latencyMs),
    times.series.map((bin) => bin.latencyMs),
  );
});

test('without the type policies the second widget pushes the first out', async (t) => {
  t.mock.method(console, 'error', () => {}); // Apollo warns of the loss
  const client = connect(url);
  const { data: calls } = await client.query({ query: TrafficDocument, variables });
  const { data: times } = await client.query({ query: LatencyDocument, variables });
  assert.ok(calls && times);
  const plain = new InMemoryCache({ possibleTypes });
  plain.writeQuery({ query: TrafficDocument, variables, data: calls });
  plain.writeQuery({ query: LatencyDocument, variables, data: times });
  assert.equal(plain.readQuery({ query: TrafficDocument, variables }), null);
});
