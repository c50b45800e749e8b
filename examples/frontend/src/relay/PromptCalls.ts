import { graphql } from 'relay-runtime';

// What `usePaginationFragment` takes. Relay's compiler reads these, and a bundler's Relay plugin puts in their
// place what the compiler wrote to ../generated/relay.

export const promptCallsQuery = graphql`
  query PromptCallsQuery($name: String!) {
    prompt(name: $name) {
      id
      name
      version
      ...PromptCalls_prompt
    }
  }
`;

export const promptCallsFragment = graphql`
  fragment PromptCalls_prompt on Prompt
  @argumentDefinitions(count: { type: "Int", defaultValue: 5 }, cursor: { type: "String" })
  @refetchable(queryName: "PromptCallsPageQuery") {
    llmCalls(first: $count, after: $cursor) @connection(key: "PromptCalls_llmCalls") {
      edges {
        node {
          callId
          model
          latencyMs
          agent {
            name
          }
        }
      }
    }
  }
`;
