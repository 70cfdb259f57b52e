import { createServer, type Server } from 'node:net';
import { type HeldPort, listen } from './loopback';
import { StartError } from './start-error';

/** The ports of one stack. */
export type HeldPorts = {
  readonly api: HeldPort;
  readonly sandbox: HeldPort;
  readonly issuer: HeldPort;
  /** Frees the ports that no server took. */
  release(): Promise<void>;
};

const TRIES = 50;

/** Holds `first` and the two ports after it, or any three in a row. */
export async function holdPorts(first: number | undefined): Promise<HeldPorts> {
  if (first !== undefined) return holdFrom(first);
  for (let tries = 1; ; tries++) {
    try {
      return await holdFrom(0);
    } catch (error) {
      if (!(error instanceof StartError) || tries === TRIES) throw error;
    }
  }
}

async function holdFrom(first: number): Promise<HeldPorts> {
  const held = new Set<Server>();
  const release = async () => {
    const left = [...held];
    held.clear();
    await Promise.all(left.map(socket => new Promise(resolve => socket.close(resolve))));
  };
  const hold = async (port: number): Promise<HeldPort> => {
    const socket = createServer(connection => connection.destroy());
    const got = await listen(socket, port).catch(error => {
      throw explained(port, error);
    });
    held.add(socket);
    const take = () => {
      held.delete(socket);
      return socket;
    };
    return { port: got, take };
  };
  try {
    const api = await hold(first);
    return { api, sandbox: await hold(api.port + 1), issuer: await hold(api.port + 2), release };
  } catch (error) {
    await release();
    throw error;
  }
}

function explained(port: number, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return new StartError(`Port ${port} is in use: end what uses it, or set PORT to another`);
  if (code === 'EACCES') return new StartError(`Port ${port} may not be used by this user: set PORT to another`);
  return error;
}
