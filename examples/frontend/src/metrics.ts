import type { ApolloClient } from '@apollo/client';
import {
  LatencyDocument,
  TrafficDocument,
  type LatencyQueryVariables,
  type TrafficQueryVariables,
} from './generated/graphql.ts';

/** A widget: how many calls there are, and how many of them fail. */
export function traffic(client: ApolloClient, variables: TrafficQueryVariables) {
  return client.watchQuery({ query: TrafficDocument, variables });
}

/** Another widget of the same page: how long the same calls take, and what they cost. */
export function latency(client: ApolloClient, variables: LatencyQueryVariables) {
  return client.watchQuery({ query: LatencyDocument, variables });
}
