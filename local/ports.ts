import { createServer, type Server } from 'node:net';
import { type HeldPort, listen } from './loopback';
import { StartError } from './start-error';

export type HeldPorts = {
  readonly api: HeldPort;
  readonly sandbox: HeldPort;
  readonly issuer: HeldPort;
  /** Releases the ports that no server took over. */
  release(): Promise<void>;
};

const TRIES = 50;

/** Binds `first` and the two ports after it, or any three consecutive free ports. */
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
  if (code === 'EADDRINUSE')
    return new StartError(`Port ${port} is in use: stop the program that uses it, or set PORT to another port`);
  if (code === 'EACCES') return new StartError(`Port ${port} is not permitted for this user: set PORT to another port`);
  return error;
}
