import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server as HttpServer, ServerResponse } from 'node:http';
import type { AddressInfo, Server } from 'node:net';

const HOST = '127.0.0.1';

/** A port that is taken before its server is made, so that no other program gets it in the meantime. Until then it cuts connections. */
export type HeldPort = {
  readonly port: number;
  /** Hands over the socket, which stays open: to be passed to the server's own `listen`. */
  take(): Server;
};

/** Makes a server answer on this port of the loopback interface, on one that was held for it, or on any free one. */
export async function listen(server: Server, port: number | HeldPort = 0): Promise<number> {
  if (typeof port === 'number') server.listen(port, HOST);
  else server.listen(port.take());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The address of a port the emulated services use among themselves. */
export const addressOf = (port: number): string => `${HOST}:${port}`;

/** A listener that may fail half-way, mostly because the caller went away: then the connection is cut. */
export function cutOnFailure(
  answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): RequestListener {
  return (request, response) => {
    answer(request, response).catch(() => response.destroy());
  };
}

/** Ends a server together with its open connections. */
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

/** The body, or nothing when it is larger: the rest is then left unread, and the server throws it away. */
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
