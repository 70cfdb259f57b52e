import { createServer } from 'node:http';
import { closeServer, listen } from '../../local/loopback';
import { holdPorts } from '../../local/ports';
import { StartError } from '../../local/start-error';

test('three consecutive ports stay reserved until their servers listen', async () => {
  const ports = await holdPorts(undefined);
  const { api, sandbox, issuer, release } = ports;
  expect([sandbox.port, issuer.port]).toEqual([api.port + 1, api.port + 2]);
  await expect(holdPorts(api.port)).rejects.toEqual(
    new StartError(`Port ${api.port} is in use: stop the program that uses it, or set PORT to another port`),
  );

  const server = createServer((_, response) => response.end('served'));
  expect(await listen(server, api)).toBe(api.port);
  await release();

  expect(await (await fetch(`http://127.0.0.1:${api.port}`)).text()).toBe('served');
  await closeServer(server);
});
