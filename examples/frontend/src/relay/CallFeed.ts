import { graphql } from 'relay-runtime';

export const callFeedSubscription = graphql`
  subscription CallFeedSubscription($filter: LlmCallFilter) {
    llmCallRecorded(filter: $filter) {
      callId
      model
      latencyMs
      prompt {
        name
        version
      }
    }
  }
`;
