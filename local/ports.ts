import { createServer, type Server } from 'node:net';
import { listen } from './loopback';
import { StartError } from './start-error';

/** Ports held until they are taken over, so that nobody else gets them while the stack is being made. */
export type HeldPorts = {
  readonly api: number;
  readonly sandbox: number;
  readonly issuer: number;
  release(): Promise<void>;
};

/** Holds `first` and the two after it, or any three that are free. */
export async function holdPorts(first: number | undefined): Promise<HeldPorts> {
  const held: Server[] = [];
  const release = async () => {
    await Promise.all(held.map(server => new Promise(resolve => server.close(resolve))));
  };
  const hold = async (offset: number): Promise<number> => {
    const server = createServer(socket => socket.destroy());
    const port = first === undefined ? 0 : first + offset;
    const got = await listen(server, port).catch(error => {
      throw explained(port, error);
    });
    held.push(server);
    return got;
  };
  try {
    return { api: await hold(0), sandbox: await hold(1), issuer: await hold(2), release };
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
