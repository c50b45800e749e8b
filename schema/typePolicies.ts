// Written by `promptgraph schema export`: do not edit it.
//
//   new InMemoryCache({ possibleTypes, typePolicies }), with possibleTypes.json beside this file
//
// What has an id is kept by it, as Apollo does by itself. What has none is kept where it was found, and what
// several parts of a page ask of it is merged. Lists in pages grow by `fetchMore`, forwards with
// `after: pageInfo.endCursor`, backwards with `before: pageInfo.startCursor`: select both.

import type { FieldPolicy, TypePolicies } from "@apollo/client/cache";

type Values = Readonly<Record<string, unknown>>;
type End = "startCursor" | "endCursor";
type PageInfo = Values & { readonly [end in End]?: string | null };
type Page = Values & {
  readonly edges?: readonly Values[] | undefined;
  readonly nodes?: readonly unknown[] | undefined;
  readonly pageInfo?: PageInfo;
};

/** A list in pages; `keyArgs` are the arguments that make it another list. */
function pages(keyArgs: string[] | false): FieldPolicy<Page> {
  return {
    keyArgs,
    merge(existing, incoming, { args }) {
      if (!existing) return incoming;
      if (args?.["after"]) return continued(existing, incoming, "endCursor", args["after"]);
      if (args?.["before"]) return continued(existing, incoming, "startCursor", args["before"]);
      const [known, found] = [existing.pageInfo ?? {}, incoming.pageInfo ?? {}];
      const same = agree(known, found, "startCursor") && agree(known, found, "endCursor");
      return same ? overlaid(existing, incoming) : incoming;
    },
  };
}

/** The existing page with the incoming one behind its `end`; the incoming one alone, if it belongs elsewhere. */
function continued(existing: Page, incoming: Page, end: End, cursor: unknown): Page {
  const [known, found] = [existing.pageInfo ?? {}, incoming.pageInfo ?? {}];
  if (known[end] !== cursor) return end in found && known[end] === found[end] ? existing : incoming;
  const forwards = end === "endCursor";
  const joined = <T>(old?: readonly T[], more?: readonly T[]) =>
    old && more && (forwards ? [...old, ...more] : [...more, ...old]);
  const others = forwards ? ["startCursor", "hasPreviousPage"] : ["endCursor", "hasNextPage"];
  const kept = Object.fromEntries(others.filter((name) => name in known).map((name) => [name, known[name]]));
  return {
    ...existing,
    ...incoming,
    edges: joined(existing.edges, incoming.edges),
    nodes: joined(nodes(existing), nodes(incoming)),
    pageInfo: { ...known, ...found, ...kept },
  };
}

/** What is known of one and the same page from two answers. */
function overlaid(existing: Page, incoming: Page): Page {
  const edges = incoming.edges?.map((edge, place) => {
    const before = existing.edges?.[place];
    return before && isSame(before["node"], edge["node"]) ? { ...before, ...edge } : edge;
  });
  const pageInfo = { ...existing.pageInfo, ...incoming.pageInfo };
  return { ...existing, ...incoming, ...(edges && { edges }), pageInfo };
}

function nodes(page: Page): readonly unknown[] | undefined {
  return page.nodes ?? page.edges?.map((edge) => edge["node"]);
}

function agree(known: PageInfo, found: PageInfo, end: End): boolean {
  return !(end in known && end in found) || known[end] === found[end];
}

function isSame(one: unknown, other: unknown): boolean {
  const ref = (node: unknown) => (node as { __ref?: string } | undefined)?.__ref;
  return one === undefined || other === undefined || ref(one) === ref(other);
}

/** A list of things without ids: the incoming one says which there are, and what is known of each stays. */
const items: FieldPolicy<unknown> = { merge: combined };

function combined(existing: unknown, incoming: unknown): unknown {
  if (Array.isArray(existing) && Array.isArray(incoming)) return paired(existing, incoming);
  if (!isEmbedded(existing) || !isEmbedded(incoming)) return incoming;
  const entries = Object.entries(incoming).map(([name, value]) => [name, combined(existing[name], value)]);
  return { ...existing, ...Object.fromEntries(entries) };
}

/** Things that have a key are told apart by it, if both lists say it, others by their place. */
function paired(existing: readonly unknown[], incoming: readonly unknown[]): unknown[] {
  const keys = (list: readonly unknown[]) => list.map((item) => (isEmbedded(item) ? keyOf(item) : undefined));
  const [known, found] = [keys(existing), keys(incoming)];
  if (![...known, ...found].includes(undefined)) {
    if (isCutElsewhere(incoming, known, found)) known[0] = found[0];
    return incoming.map((item, place) => combined(existing[known.indexOf(found[place])], item));
  }
  const alike = existing.length === incoming.length;
  return incoming.map((item, place) => (alike ? combined(existing[place], item) : item));
}

/** Whether two series differ only in where the first step begins: a window that moves with the clock cuts it anew
    in every answer, and it is one step all the same. */
function isCutElsewhere(incoming: readonly unknown[], known: readonly unknown[], found: readonly unknown[]): boolean {
  const isSeries = isEmbedded(incoming[0]) && incoming[0]["__typename"] === "CallMetricsBin";
  return isSeries && known.length === found.length && known.slice(1).every((key, place) => key === found[place + 1]);
}

function keyOf(item: Values): unknown {
  const key = keys[String(item["__typename"])];
  return key === undefined ? undefined : item[key];
}

/** Whether it is an object of the graph that is kept where it is found; JSON values are none. */
function isEmbedded(value: unknown): value is Values {
  return typeof value === "object" && value !== null && "__typename" in value && !("__ref" in value);
}

const keys: Readonly<Record<string, string>> = {
  CallMetricsBin: "since",
  CallMetricsGroup: "key",
  ScoreStats: "name",
  PromptVariable: "name",
  PromptChange: "path",
};

export const typePolicies: TypePolicies = {
  Agent: {
    fields: {
      prompts: pages(false),
      llmCalls: pages(["filter"]),
      metrics: { keyArgs: ["window", "filter"], merge: true },
    },
  },
  CallMetrics: {
    merge: true,
    fields: {
      scores: items,
      series: items,
      by: items,
    },
  },
  CallMetricsBin: {
    merge: true,
    fields: {
      scores: items,
    },
  },
  CallMetricsGroup: {
    merge: true,
    fields: {
      scores: items,
    },
  },
  ContentHashes: {
    merge: true,
  },
  ContentParts: {
    merge: true,
  },
  LatencyStats: {
    merge: true,
  },
  PageInfo: {
    merge: true,
  },
  Prompt: {
    fields: {
      messages: items,
      variables: items,
      diff: { keyArgs: ["against"], merge: true },
      render: { keyArgs: ["variables"], merge: true },
      agents: pages(false),
      callers: pages(false),
      llmCalls: pages(["filter"]),
      metrics: { keyArgs: ["window", "filter"], merge: true },
    },
  },
  PromptChange: {
    merge: true,
  },
  PromptDiff: {
    merge: true,
    fields: {
      changes: items,
    },
  },
  PromptFamily: {
    fields: {
      versions: pages(false),
      labelMoves: pages(false),
      agents: pages(false),
      llmCalls: pages(["filter"]),
      metrics: { keyArgs: ["window", "filter"], merge: true },
    },
  },
  PromptMessage: {
    merge: true,
  },
  PromptSource: {
    merge: true,
  },
  PromptVariable: {
    merge: true,
  },
  Query: {
    fields: {
      prompts: pages(["filter", "orderBy"]),
      promptFamilies: pages(["filter"]),
      agents: pages(false),
      llmCalls: pages(["filter"]),
      metrics: { keyArgs: ["window", "filter"], merge: true },
      syncRuns: pages(false),
    },
  },
  RenderedMessage: {
    merge: true,
  },
  RenderedPrompt: {
    merge: true,
    fields: {
      messages: items,
    },
  },
  ScoreStats: {
    merge: true,
  },
  ServerInfo: {
    merge: true,
  },
  SyncRun: {
    fields: {
      steps: items,
    },
  },
  SyncStep: {
    merge: true,
  },
};
