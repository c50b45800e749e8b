// What a type checker says of the client: checked, never run.
import {
  type CallFacts, Client, type ErrorCode, newCallId, type Outcome, PromptgraphError, type Recorded, type Rendered,
} from '@promptgraph/client';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

export async function checked(client: Client, found: { usage?: number; text: string }): Promise<void> {
  const rendered = await client.render('a', { label: 'staging', variables: { ticket: 'x', history: [] } });
  same<typeof rendered, Rendered>(true);
  same<typeof rendered.prompt.version, number>(true);
  same<(typeof rendered.messages)[number]['role'], 'system' | 'developer' | 'user' | 'assistant' | 'tool'>(true);
  await client.prompt('a', { version: 2 });
  // @ts-expect-error  a label or a version, not both
  await client.prompt('a', { label: 'staging', version: 2 });
  // @ts-expect-error  a version is a number
  await client.prompt('a', { version: '2' });

  same<Awaited<ReturnType<typeof client.record>>, Recorded>(true);
  await client.record(rendered, { model: 'm', inputTokens: found.usage, output: found, costUsd: '0.01' });
  const ending = { signal: AbortSignal.timeout(9) };
  await client.record(null, { model: 'm', startedAt: new Date(), finishReasons: ['stop'] }, ending);
  // @ts-expect-error  the model is missing
  await client.record(rendered, { inputTokens: 1 });
  // @ts-expect-error  a number
  await client.record(rendered, { model: 'm', inputTokens: '1' });
  // @ts-expect-error  no such fact
  await client.record(rendered, { model: 'm', tokens: 1 });
  // @ts-expect-error  no such status
  await client.record(rendered, { model: 'm', status: 'FAILED' });
  // @ts-expect-error  the prompt says it
  await client.record(rendered, { model: 'm', promptId: 'x' });
  // @ts-expect-error  a call is made with a prompt
  await client.record({ name: 'a' }, { model: 'm' });

  const outcomes = await client.recordMany([{ prompt: rendered, model: 'm' }]);
  same<typeof outcomes, Outcome[]>(true);
  for (const outcome of outcomes) {
    if (outcome.status === 'REJECTED' || outcome.status === null) same<typeof outcome.error, PromptgraphError>(true);
    else same<typeof outcome.error, null>(true);
  }
  // @ts-expect-error  the prompt is missing
  await client.recordMany([{ model: 'm' }]);

  await client.score(newCallId(), 'helpful', { value: 1 });
  // @ts-expect-error  a word is a label
  await client.score(newCallId(), 'helpful', { value: 'good' });

  const answer = await client.llmCall(rendered, { agent: 'bot' }, async (call) => {
    call.firstToken();
    call.finish({ output: found.text });
    // @ts-expect-error  no such fact
    call.finish({ outputs: found.text });
    // @ts-expect-error  it is made once
    call.callId = newCallId();
    return found.text;
  });
  same<typeof answer, string>(true);

  // @ts-expect-error  no such option
  new Client({ key: 'x' });
  new Client({ fetch, timeoutMs: 1, patience: { tries: 2 }, apiKey: 'x', log: console });
  same<NonNullable<CallFacts['status']>, 'OK' | 'ERROR'>(true);
  same<PromptgraphError['code'], ErrorCode | 'INTERNAL'>(true);
}
