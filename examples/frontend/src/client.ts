import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { type DocumentNode, OperationTypeNode } from 'graphql';
import { createClient } from 'graphql-ws';
import possibleTypes from './generated/possibleTypes.json' with { type: 'json' };
import { typePolicies } from './generated/typePolicies.ts';

/** Queries and mutations over HTTP, subscriptions over a WebSocket at the same address, one cache. */
export function connect(url: string, http: ApolloLink = new HttpLink({ uri: url })): ApolloClient {
  const socket = new GraphQLWsLink(createClient({ url: url.replace(/^http/, 'ws') }));
  return new ApolloClient({
    cache: new InMemoryCache({ possibleTypes, typePolicies }),
    link: ApolloLink.split(({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION, socket, http),
  });
}

/** The same, but queries and mutations by their ids: for a server that knows `generated/persisted-documents.json`. */
export function connectTrusted(url: string): ApolloClient {
  const ids = new PersistedQueryLink({ generateHash: ({ __meta__ }: Known) => __meta__?.hash ?? '' });
  return connect(url, ids.concat(new HttpLink({ uri: url })));
}

type Known = DocumentNode & { readonly __meta__?: { readonly hash: string } };
