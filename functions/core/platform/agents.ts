import * as http from 'node:http';
import * as https from 'node:https';
import { type Instant, SECOND, systemClock } from './clock';

/**
 * A connection that was idle for longer is closed instead of reused. While Lambda freezes a function, the network can drop its
 * connections, and the process sees neither an end nor an error: a request on such a connection never gets an answer. No
 * timer runs in a frozen process, so the age is checked when the connection would be used.
 */
const IDLE_LIMIT = 30 * SECOND;

const options = { keepAlive: true, maxSockets: 50 };

/** The keep-alive agents of all HTTP clients: Terra's and the AWS SDK's. */
export const agents = {
  'http:': withoutStaleSockets(new http.Agent(options)),
  'https:': withoutStaleSockets(new https.Agent(options)),
} as const;

function withoutStaleSockets<A extends http.Agent>(agent: A): A {
  const idleSince = new WeakMap<object, Instant>();
  agent.on('free', (socket: object) => idleSince.set(socket, systemClock()));

  // Missing in Node's types, but `http.request` calls it on every agent.
  const pool = agent as A & { addRequest(...request: unknown[]): void };
  const { addRequest } = pool;
  pool.addRequest = (...request) => {
    for (const sockets of Object.values(agent.freeSockets)) {
      // The agent reuses the newest socket first: if that one is stale, so are the others. It skips destroyed sockets.
      const newest = sockets?.at(-1);
      const isStale = newest && systemClock() - (idleSince.get(newest) ?? 0) > IDLE_LIMIT;
      if (isStale) for (const socket of sockets ?? []) socket.destroy();
    }
    addRequest.apply(agent, request);
  };
  return agent;
}
