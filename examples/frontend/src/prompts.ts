import type { ApolloClient, ObservableQuery } from '@apollo/client';
import {
  PromptsDocument,
  type PromptsQuery,
  type PromptsQueryVariables,
} from './generated/graphql.ts';

export type PromptList = ObservableQuery<PromptsQuery, PromptsQueryVariables>;

/** The prompts by name: the first page, and every page that `more` adds to it. */
export function promptList(client: ApolloClient, first: number): PromptList {
  return client.watchQuery({ query: PromptsDocument, variables: { first } });
}

/** Adds the next page to the list; false when there is none. */
export async function more(list: PromptList): Promise<boolean> {
  const result = list.getCurrentResult();
  if (result.dataState !== 'complete' || !result.data.prompts.pageInfo.hasNextPage) return false;
  await list.fetchMore({ variables: { after: result.data.prompts.pageInfo.endCursor } });
  return true;
}
