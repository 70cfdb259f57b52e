import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { addressOf, closeServer, cutOnFailure, listen, readBody } from '../../../local/loopback';
import type { Upstream } from '../../../local/stack';

/** A Terra that opens widget sessions and remembers none, so that nothing it keeps is taken for a leak. */
export async function startPlainTerra(): Promise<{ upstream: Upstream; close(): Promise<void> }> {
  const server = createServer(
    cutOnFailure(async (request, response) => {
      await readBody(request);
      const session_id = randomUUID();
      response.writeHead(201, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({ status: 'success', session_id, url: `${url}/session/${session_id}`, expires_in: 900 }),
      );
    }),
  );
  const url = `http://${addressOf(await listen(server))}`;
  return {
    upstream: {
      apiUrl: `${url}/v2`,
      widgetUrl: `${url}/api/widget/session`,
      devId: 'load',
      apiKey: 'load',
      signingSecret: 'signing-secret-of-a-load',
    },
    close: () => closeServer(server),
  };
}
