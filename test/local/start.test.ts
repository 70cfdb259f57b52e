import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { holdPorts } from '../../local/ports';
import { temporaryDirectory } from './fixture';

type Started = { process: ChildProcess; output: () => string; port: number; scratch: string };

/** Starts are whole processes that bundle and synthesise: seconds each, many on a machine that is busy with other tests. */
const STARTS_MS = 120_000;
jest.setTimeout(STARTS_MS);

const root = join(__dirname, '../..');
const running: ChildProcess[] = [];

afterEach(() => {
  for (const process of running.splice(0)) process.kill('SIGKILL');
});

/** What `npm start` runs, with these variables. */
function start(environment: Record<string, string>, command = 'exec node --import tsx local/start.ts'): Started {
  const scratch = temporaryDirectory();
  const child = spawn('sh', ['-c', command], {
    cwd: root,
    env: { PATH: process.env.PATH, TMPDIR: scratch, ...environment },
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)));
  return { process: child, output: () => output, port: Number(environment.PORT), scratch };
}

const exitOf = async ({ process }: Started): Promise<unknown> => (await once(process, 'exit'))[0];

async function ready({ output, process }: Started): Promise<void> {
  await until(() => output().includes('Ctrl-C stops') || process.exitCode !== null);
  if (process.exitCode !== null) throw new Error(`it ended: ${output()}`);
}

/** Waits as long as the test may take. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(done => setTimeout(done, 20));
}

async function tokenOf({ port }: Started): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'password', username: 'alice' });
  const granted = await fetch(`http://localhost:${port + 2}/token`, { method: 'POST', body });
  return ((await granted.json()) as { access_token: string }).access_token;
}

const another = (terra: string) => ({
  TERRA_API_URL: `${terra}/v2`,
  TERRA_WIDGET_URL: `${terra}/widget`,
  TERRA_DEV_ID: 'dev',
  TERRA_API_KEY: 'key',
  TERRA_SIGNING_SECRET: 'signing',
});

function childrenOf(parent: number | undefined): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return lines
    .map(line => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, ppid]) => (ppid === parent && pid ? [pid] : []));
}

const functionsOf = (parent: number | undefined): number[] =>
  childrenOf(parent).filter(pid => {
    try {
      return execFileSync('ps', ['-o', 'args=', '-p', `${pid}`], { encoding: 'utf8' }).includes('bootstrap.cjs');
    } catch {
      return false;
    }
  });

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The first of three ports that are free together. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = Math.min(portOf(server), 65_000);
    await new Promise(closed => server.close(closed));
    const held = await holdPorts(port).catch(() => undefined);
    await held?.release();
    if (held) return port;
  }
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

test('it says where to look, logs each request without colours, and Ctrl-C leaves nothing behind', async () => {
  const started = start({ PORT: `${await freePort()}` });
  await ready(started);

  const headers = { authorization: `Bearer ${await tokenOf(started)}` };
  expect((await fetch(`http://localhost:${started.port}/v1/connections`, { headers })).status).toBe(200);
  const functions = functionsOf(started.process.pid);
  started.process.kill('SIGINT');

  expect(await exitOf(started)).toBe(0);
  expect(functions).toHaveLength(1);
  expect(functions.filter(alive)).toEqual([]);
  expect(readdirSync(started.scratch).filter(name => name.startsWith('terra-connect-'))).toEqual([]);
  const { port } = started;
  for (const place of [`http://localhost:${port}/`, `http://127.0.0.1:${port + 1}/`, `http://localhost:${port + 2}`]) {
    expect(started.output()).toContain(place);
  }
  expect(started.output()).toMatch(/\d\d:\d\d:\d\d {2}read-state +200 {2}GET \/v1\/connections {2}\d+ ms \(cold\)\n/);
  expect(started.output()).not.toContain('\u001B');
});

test('another Terra takes the sandbox’s place; functions end with a parent that is killed, even in the middle of an invocation', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const terra = `http://127.0.0.1:${portOf(silent)}`;
  const started = start({ PORT: `${await freePort()}`, ...another(terra) });
  await ready(started);
  const asking = fetch(`http://localhost:${started.port}/v1/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await tokenOf(started)}`, 'content-type': 'application/json' },
    body: '{"returnTo":"web"}',
  }).catch(() => 'broken off');
  await once(silent, 'connection');
  await expect(fetch(`http://127.0.0.1:${started.port + 1}/`)).rejects.toThrow('fetch failed');
  expect(started.output()).toContain('webhooks may not reach this machine');
  const functions = functionsOf(started.process.pid);

  started.process.kill('SIGKILL');

  expect(await asking).toBe('broken off');
  expect(functions).toHaveLength(1);
  await until(() => !functions.some(alive));
  silent.close();
});

test('with DATA_DIR what belongs together outlives a restart', async () => {
  const environment = { PORT: `${await freePort()}`, DATA_DIR: join(temporaryDirectory(), 'new', 'data') };
  const url = `http://localhost:${environment.PORT}/v1/sessions`;
  const first = start(environment);
  await ready(first);
  const headers = { authorization: `Bearer ${await tokenOf(first)}`, 'content-type': 'application/json' };
  const opened = await fetch(url, { method: 'POST', headers, body: '{"returnTo":"web"}' });
  const session = (await opened.json()) as { id: string };
  first.process.kill('SIGTERM');
  await exitOf(first);

  const second = start(environment);
  await ready(second);
  const found = await fetch(`${url}/${session.id}`, { headers });

  expect(found.status).toBe(200);
  expect(await found.json()).toMatchObject({ id: session.id, status: 'pending' });
  const third = start({ ...environment, PORT: `${await freePort()}` });
  expect(await exitOf(third)).toBe(1);
  expect(third.output()).toMatch(/^DATA_DIR \S+ is in use by process \d+: end it, or name another directory\n$/);
  second.process.kill('SIGTERM');
  expect(await exitOf(second)).toBe(0);
});

test('it ends when npm is told to end, which takes only the shell along', async () => {
  const npm = { PORT: `${await freePort()}`, npm_lifecycle_event: 'start' };
  const started = start(npm, 'node --import tsx local/start.ts; true');
  await ready(started);
  const [stack] = childrenOf(started.process.pid);

  started.process.kill('SIGTERM');

  await until(() => !alive(stack ?? 0));
  expect(readdirSync(started.scratch).filter(name => name.startsWith('terra-connect-'))).toEqual([]);
});

test('what cannot be started is said in a sentence, without a stack trace', async () => {
  const started = start({ PORT: 'none', TERRA_DEV_ID: 'dev' });

  expect(await exitOf(started)).toBe(1);
  expect(started.output()).toMatch(
    /^PORT must be a whole number[^\n]*\nTERRA_DEV_ID set but not TERRA_API_URL[^\n]*\n$/,
  );
});

test('a setting of a file that is none stops the start with a sentence', async () => {
  const file = join(temporaryDirectory(), 'settings.json');
  writeFileSync(file, '{ "colour": "blue" }');
  const started = start({ PORT: `${await freePort()}`, SETTINGS: file });

  expect(await exitOf(started)).toBe(1);
  expect(started.output()).toBe('terraConnect.colour is not a setting: remove it or mend its name\n');
});
