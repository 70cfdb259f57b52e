import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../../functions/core/platform/clock';
import { terraClient } from '../../../functions/core/terra/terra';
import { type Budget, sendOnce, TERRA_BUDGET } from '../../../functions/core/terra/terra-http';

type Failing = (response: ServerResponse) => void;

const answer =
  (status: number, body: unknown, headers: Record<string, string> = {}): Failing =>
  response =>
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));

/** What opens a link, and what asks for anything else, may tell the same answer apart. */
type Fault = { how: Failing | 'refuse'; link: string; other?: string };

const spoiltLinks = {
  session_id: 'widget-1',
  url: 'javascript:alert(1)',
  user_id: '00000000-0000-4000-8000-000000001000',
  auth_url: 'http://provider.example/',
};

/** The ways Terra fails, and the error code of each. */
export const faults: Record<string, Fault> = {
  'refuses the connection': { how: 'refuse', link: 'terra_unavailable' },
  'resets the connection': { how: response => response.socket?.resetAndDestroy(), link: 'terra_unavailable' },
  'drips its answer': {
    how: response => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('{');
      const drip = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(drip));
    },
    link: 'terra_timeout',
  },
  'never answers': { how: () => {}, link: 'terra_timeout' },
  'answers 200 with half a JSON': { how: answer(200, '{"url":"https://'), link: 'terra_rejected' },
  'answers 200 without a message': { how: answer(200, { message: null }), link: 'terra_credentials' },
  'answers 200 with an error': {
    how: answer(200, { status: 'error', message: 'no' }),
    link: 'terra_credentials',
    other: 'terra_rejected',
  },
  'answers 200 with HTML': { how: answer(200, '<html>', { 'content-type': 'text/html' }), link: 'terra_rejected' },
  'answers 200 with 8 MB': { how: answer(200, `{"url":"${'x'.repeat(8_000_000)}"}`), link: 'terra_rejected' },
  'redirects elsewhere': { how: answer(302, '', { location: 'http://127.0.0.1:1/steal' }), link: 'terra_rejected' },
  'answers 400': { how: answer(400, { title: 'bad' }), link: 'terra_rejected' },
  'answers 401': { how: answer(401, { title: 'no' }), link: 'terra_credentials' },
  'answers 403': { how: answer(403, { message: 'no', status: 'error' }), link: 'terra_credentials' },
  'answers 404': { how: answer(404, {}), link: 'terra_rejected' },
  'answers 410': { how: answer(410, {}), link: 'terra_endpoint_gone' },
  'answers 429': { how: answer(429, {}, { 'retry-after': '3600' }), link: 'terra_unavailable' },
  'answers 500': { how: answer(500, 'oops'), link: 'terra_unavailable' },
  'answers 503': { how: answer(503, '<html>'), link: 'terra_unavailable' },
  'answers 503 with 8 MB': { how: answer(503, 'x'.repeat(8_000_000)), link: 'terra_unavailable' },
  'gives links that run code or lack TLS': { how: answer(200, spoiltLinks), link: 'terra_rejected' },
};

/** A Terra on the loopback interface that fails in a chosen way, and its clients. */
export async function failingTerra() {
  let how: Failing = () => {};
  let run = 0;
  const arrived = new Map<string, number>();
  const server = createServer((request, response) => {
    const [, ofRun, path] = /^\/run-(\d+)([^?]*)/.exec(request.url ?? '') ?? [];
    const what = `${request.method} ${path}`;
    // What an earlier client gave up may still come over the wire.
    if (Number(ofRun) === run) arrived.set(what, (arrived.get(what) ?? 0) + 1);
    request.resume();
    request.on('end', () => how(response));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    /** The requests received since the failure was last chosen. */
    arrived,
    fail: (fault: Fault) => {
      arrived.clear();
      if (fault.how !== 'refuse') how = fault.how;
    },
    /** Counts the attempts at each of Terra's paths. */
    client(fault: Fault, part: number) {
      const attempts = new Map<string, number>();
      const base = `http://127.0.0.1:${fault.how === 'refuse' ? 1 : port}/run-${++run}`;
      const client = terraClient({
        apiUrl: `${base}/v2`,
        widgetUrl: `${base}/widget`,
        widget: 'current',
        allowUnboundTokens: true,
        credentials: async () => ({ devId: 'my-dev-id', apiKey: 'my-api-key' }),
        clock: systemClock,
        budget: divided(TERRA_BUDGET, part),
        send: (request, limits) => {
          const path = request.url.pathname;
          attempts.set(path, (attempts.get(path) ?? 0) + 1);
          return sendOnce(request, limits);
        },
      });
      // The patience of who asks is a limit of time like the others.
      const findUser: typeof client.findUser = (id, patience) => client.findUser(id, patience && patience / part);
      return { client: { ...client, findUser }, attempts };
    },
    close: () =>
      new Promise(resolve => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

export const divided = ({ connect, attempt, total }: Budget, by: number): Budget => ({
  connect: connect / by,
  attempt: attempt / by,
  total: total / by,
});
