// A network to the server: while there is something in `script`, that happens to a request instead of its arrival.
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

export const SERVER = process.env.PROMPTGRAPH_SERVER ?? 'http://127.0.0.1:8000';

/** The connection breaks before the server hears of it. */
export const broken = (request) => request.socket.destroy();

/** The server does what it is asked to, and the connection breaks before it can say so. */
export const unheard = async (request, response, body) => {
  await forwarded(request, body);
  request.socket.destroy();
};

/** Nothing comes. */
export const silent = () => {};

/** An answer of somebody else's. */
export const says = (status, body = '', headers = {}) => (request, response) => {
  response.writeHead(status, headers).end(body);
};

/** A refusal in GraphQL's words. */
export const refuses = (code, status = 200, headers = {}) =>
  says(status, JSON.stringify({ errors: [{ message: `Refused: ${code}.`, extensions: { code } }] }), headers);

/** A network that fails by `script`. `asked`: what came, `times`: when; `headers` of the last request. */
export async function network(t, ...script) {
  const found = { script, asked: [], times: [], headers: {}, url: '' };
  const server = createServer(async (request, response) => {
    const body = await text(request);
    found.asked.push(JSON.parse(body));
    found.times.push(performance.now());
    found.headers = request.headers;
    const happens = found.script.shift() ?? passedOn;
    await happens(request, response, body);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  found.url = `http://127.0.0.1:${server.address().port}`;
  return found;
}

/** The ids of the calls in each request. */
export const ids = (asked) => asked.map(({ variables }) => variables.input.map(({ callId }) => callId));

/** What the graph says of a call; null for none. */
export async function stored(callId, fields = 'callId') {
  const query = `query($id: UUID!) { llmCall(callId: $id) { ${fields} } }`;
  const response = await forwarded({ url: '/graphql' }, JSON.stringify({ query, variables: { id: callId } }));
  return (await response.json()).data.llmCall;
}

async function passedOn(request, response, body) {
  const answer = await forwarded(request, body);
  response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') });
  response.end(await answer.text());
}

function forwarded(request, body) {
  return fetch(`${SERVER}${request.url}`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
}
