import { once } from 'node:events';
import type { Server as HttpServer, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import type { HeldPort } from './held-port';

const HOST = '127.0.0.1';

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
