import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server as HttpServer, ServerResponse } from 'node:http';
import type { AddressInfo, Server } from 'node:net';

const HOST = '127.0.0.1';

/**
 * A port that is bound before its server exists, so that no other program takes it. Connections are dropped until then.
 */
export type HeldPort = {
  readonly port: number;
  /** Returns the open socket, to be passed to the server's `listen`. */
  take(): Server;
};

/** Makes a server listen on the loopback interface: on the given port, on a held one, or by default on any free one. */
export async function listen(server: Server, port: number | HeldPort = 0): Promise<number> {
  if (typeof port === 'number') server.listen(port, HOST);
  else server.listen(port.take());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export const addressOf = (port: number): string => `${HOST}:${port}`;

/** Wraps an asynchronous listener. If it rejects, usually because the client disconnected, the connection is closed. */
export function cutOnFailure(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): RequestListener {
  return (request, response) => {
    answer(request, response).catch(() => response.destroy());
  };
}

/** Closes a server and its open connections. */
export function closeServer(server: HttpServer): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close(failure => (failure ? reject(failure) : resolve()));
    server.closeAllConnections();
  });
}

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Returns the body, or undefined if it is larger than the limit. The rest is then left unread, and Node's server
 * discards it.
 */
export async function bodyWithin(request: IncomingMessage, limitBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += (chunk as Buffer).length;
    if (bytes > limitBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
