// The audits of GraphQL over HTTP (npm package graphql-http) against a URL: node runner.mjs URL
// Prints a JSON array of what each one found: id, name, status, and for what is not ok the reason and the answer.
import { serverAudits } from 'graphql-http';

const PATIENCE_MS = 10_000;
const [url] = process.argv.slice(2);

const fetchFn = (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(PATIENCE_MS) });

const found = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason, response } = await audit.fn();
  found.push({ id, name, status, reason, answer: response && `${response.status} ${response.headers.get('content-type')}` });
}
console.log(JSON.stringify(found));
