import type { ObservableQuery, OperationVariables } from '@apollo/client';
import { filter, firstValueFrom } from 'rxjs';

/** The server that the tests talk to: `make demo` at its usual place, or another. */
export const url = process.env['PROMPTGRAPH_SERVER'] ?? 'http://127.0.0.1:8000/graphql';

/** What a widget shows of a query, once all of it is there and enough of it. */
export async function shown<Data, Variables extends OperationVariables>(
  query: ObservableQuery<Data, Variables>,
  enough: (data: Data) => boolean = () => true,
): Promise<Data> {
  const result = await firstValueFrom(
    query.pipe(filter(({ dataState, data }) => dataState === 'complete' && enough(data as Data))),
  );
  return result.data as Data;
}
