import { createClient } from 'graphql-ws';
import { Environment, type GraphQLResponse, Network, Observable, RecordSource, Store } from 'relay-runtime';

/** Relay's end of the graph: queries over HTTP, subscriptions over a WebSocket at the same address. */
export function connectRelay(url: string): Environment {
  const socket = createClient({ url: url.replace(/^http/, 'ws') });
  return new Environment({
    store: new Store(new RecordSource()),
    network: Network.create(
      async ({ text: query }, variables) => {
        const response = await fetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
          body: JSON.stringify({ query, variables }),
        });
        return (await response.json()) as GraphQLResponse;
      },
      ({ text, name }, variables) =>
        Observable.create((sink) =>
          socket.subscribe(
            { query: text ?? '', operationName: name, variables },
            { ...sink, next: (event) => sink.next(event as GraphQLResponse) },
          ),
        ),
    ),
  });
}
