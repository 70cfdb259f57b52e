import type { Server } from 'node:net';

/** A port that is taken before its server is made, so that no other program gets it in the meantime. Until then it cuts connections. */
export type HeldPort = {
  readonly port: number;
  /** Hands over the socket, which stays open: to be passed to the server's own `listen`. */
  take(): Server;
};
