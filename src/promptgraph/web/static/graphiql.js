// Starts GraphiQL against the URL of this page. A module, hence run after the three scripts before it.
const { GraphiQL, React, ReactDOM } = globalThis;

// GraphiQL's scroll lock adds a <style> while a dialog is open and looks for its nonce under this name.
globalThis.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;

const TRIAGE = {
  query: `# What production serves under this name, rendered.
# The record comes with the text, so that a call can
# say which prompt it used.
# Ctrl-Enter runs it; the docs are at the left.
query Triage {
  prompt(
    name: "support/triage"
    label: "production"
  ) {
    id
    version
    labelNames
    render(
      variables: { ticket: "My card was declined" }
    ) {
      text
      hash
      prompt {
        id
      }
    }
  }
}
`,
};

const CHANGES = {
  query: `# What the newest version changed, and what that
# means for its callers.
query Changes {
  prompt(name: "support/triage") {
    version
    isLatest
    diff {
      from {
        version
      }
      impact
      changes {
        impact
        sentence
      }
      unified
    }
  }
}
`,
};

const AGENTS = {
  query: `# Which agent uses which prompt, and when; and the
# version that it gets right now.
query Agents {
  agents(first: 20) {
    nodes {
      name
      description
      assignments {
        role
        selector
        when
        prompt {
          name
          version
        }
      }
    }
  }
}
`,
};

const NEW_TAB = "# Ctrl-Space completes, Ctrl-Enter runs.\n\n";

/** What ?query=…&variables=… in this page's address asks to show; null without it. Shown, never run. */
function linkedTab() {
  const link = new URLSearchParams(location.search);
  if (!link.get("query")) return null;
  return { query: link.get("query"), variables: link.get("variables") ?? "" };
}

/**
 * Sends one operation: gives its answer, or the answers to a subscription as they come. What is no JSON becomes
 * an error in GraphQL's form, so that it is shown as one.
 */
async function fetcher(operation, { headers = {} } = {}) {
  const controller = new AbortController();
  const request = new Request(location.pathname, {
    method: "POST",
    headers: {
      Accept: "application/graphql-response+json, application/json;q=0.9, text/event-stream;q=0.8",
      "Content-Type": "application/json",
      ...headers,
    },
    body: JSON.stringify({ ...operation, operationName: nameIn(operation) }),
    signal: controller.signal,
  });
  let response;
  try {
    response = await fetch(request);
  } catch {
    return failure("The server cannot be reached. Is it still running?");
  }
  if (response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    return events(response.body, controller);
  }
  try {
    return await response.json();
  } catch {
    return failure(`The server answered ${response.status} ${response.statusText}, but not with JSON.`);
  }
}

/** The answers in a stream of events. GraphiQL calls `return` when it has had enough. */
function events(body, controller) {
  const answers = answersIn(body, controller.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => answers.next(),
    async return() {
      controller.abort();
      return { done: true, value: undefined };
    },
  };
}

async function* answersIn(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const blocks = (text + value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        if (block.startsWith("event: complete")) return;
        const next = block.match(/^event: next\ndata: (.*)$/);
        if (next) yield JSON.parse(next[1]);
      }
    }
  } catch {
    if (signal.aborted) return;
  }
  yield failure("The server has ended the subscription. Is it still running? Run it again.");
}

/** The operation's name, if its document has it: after a change of tab GraphiQL is a moment behind. */
function nameIn({ query, operationName }) {
  const named = new RegExp(`\\b(query|mutation|subscription)\\s+${operationName}\\b`);
  return named.test(query) ? operationName : undefined;
}

function failure(message) {
  return { errors: [{ message }] };
}

/**
 * The browser's storage under names of our own, so that another GraphiQL on this address has other tabs.
 * Headers hold keys: GraphiQL leaves them out of the tabs if told so, but not out of its history.
 */
const storage = {
  prefix: "promptgraph:",
  get length() {
    return this.names().length;
  },
  names() {
    return Object.keys(localStorage).filter((name) => name.startsWith(this.prefix));
  },
  getItem(name) {
    return localStorage.getItem(this.prefix + name);
  },
  setItem(name, value) {
    localStorage.setItem(this.prefix + name, withoutHeaders(name, value));
  },
  removeItem(name) {
    localStorage.removeItem(this.prefix + name);
  },
  clear() {
    for (const name of this.names()) localStorage.removeItem(name);
  },
};

/** A stored value without any header. Queries and variables are texts inside it, hence left alone. */
function withoutHeaders(name, value) {
  if (name === "graphiql:headers") return "";
  if (!["graphiql:tabState", "graphiql:queries", "graphiql:favorites"].includes(name)) return value;
  return JSON.stringify(JSON.parse(value), (key, inner) => (key === "headers" ? null : inner));
}

const linked = linkedTab();

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(
    GraphiQL,
    {
      fetcher,
      storage,
      shouldPersistHeaders: false,
      showPersistHeadersSettings: false,
      defaultEditorToolsVisibility: "variables",
      defaultQuery: NEW_TAB,
      defaultTabs: linked ? [linked] : [TRIAGE, CHANGES, AGENTS],
      ...linked,
    },
    React.createElement(GraphiQL.Logo, null, "promptgraph"),
  ),
);
