import type { ApolloClient, ErrorLike } from '@apollo/client';
import type { Subscription } from 'rxjs';
import { CallRecordedDocument, type CallRecordedSubscription, type LlmCallFilter } from './generated/graphql.ts';

export type Call = CallRecordedSubscription['llmCallRecorded'];

/**
 * Calls from now on as they are recorded, by whichever worker of the server, until it is unsubscribed. After
 * `onError` there are no more: with the code EVENTS_MISSED ask for what is there now, and watch again.
 */
export function watchCalls(
  client: ApolloClient,
  filter: LlmCallFilter,
  onCall: (call: Call) => void,
  onError: (error: ErrorLike) => void,
): Subscription {
  return client.subscribe({ query: CallRecordedDocument, variables: { filter } }).subscribe(({ data, error }) => {
    if (error) onError(error);
    else if (data) onCall(data.llmCallRecorded);
  });
}
