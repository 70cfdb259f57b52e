import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { temporaryDirectory } from './fixture';

type Started = { process: ChildProcess; exit: Promise<unknown>; output: () => string; scratch: string };

const root = join(__dirname, '../..');
const running: ChildProcess[] = [];

afterEach(() => {
  for (const process of running.splice(0)) process.kill('SIGKILL');
});

/** What `npm start` runs, with these variables, on any free ports. */
function start(environment: Record<string, string> = {}, command = 'exec node --import tsx local/start.ts'): Started {
  const scratch = temporaryDirectory();
  const child = spawn('sh', ['-c', command], {
    cwd: root,
    env: { PATH: process.env.PATH, TMPDIR: scratch, PORT: '0', ...environment },
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)));
  // `close` comes after `exit`, once all of the output was read.
  const exit = new Promise(resolve => child.once('close', code => resolve(code)));
  return { process: child, exit, output: () => output, scratch };
}

/** The port of the API, once all of the stack answers. */
async function ready({ output, process }: Started): Promise<number> {
  await until(() => output().includes('Press Ctrl-C') || process.exitCode !== null);
  if (process.exitCode !== null) throw new Error(`it ended: ${output()}`);
  return Number(/^ {2}API +http:\/\/localhost:(\d+)\/v1$/m.exec(output())?.[1]);
}

/** Waits as long as the test may take. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(done => setTimeout(done, 20));
}

async function signedInAt(port: number): Promise<Record<string, string>> {
  const body = new URLSearchParams({ grant_type: 'password', username: 'alice' });
  const granted = await fetch(`http://localhost:${port + 2}/token`, { method: 'POST', body });
  const { access_token: token } = (await granted.json()) as { access_token: string };
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
}

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

/** An ended process whose status was not read is a zombie; in a container it may stay one. */
function alive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
}

const leftIn = ({ scratch }: Started) => readdirSync(scratch).filter(name => name.startsWith('terra-connect-'));

function fileOf(settings: object): string {
  const file = join(temporaryDirectory(), 'settings.json');
  writeFileSync(file, JSON.stringify(settings));
  return file;
}

describe('with DATA_DIR', () => {
  // Users are kept apart by their namespace, which is the issuer's address unless it is set.
  const environment = {
    DATA_DIR: join(temporaryDirectory(), 'new', 'data'),
    SETTINGS: fileOf({ ownerNamespace: 'https://users.example' }),
  };
  let session: { id: string };

  test('the start prints its addresses, logs each request without colors, and Ctrl-C ends all processes', async () => {
    const started = start(environment);
    const port = await ready(started);
    const url = `http://localhost:${port}`;
    const headers = await signedInAt(port);
    expect((await fetch(`${url}/v1/connections`, { headers })).status).toBe(200);
    const functions = functionsOf(started.process.pid);
    const opened = await fetch(`${url}/v1/sessions`, { method: 'POST', headers, body: '{"returnTo":"web"}' });
    session = (await opened.json()) as { id: string };
    const document = await (await fetch(`${url}/openapi.json`)).text();

    started.process.kill('SIGINT');

    expect(await started.exit).toBe(0);
    expect(document).toBe(readFileSync(join(root, 'docs/openapi.json'), 'utf8'));
    expect(functions).toHaveLength(1);
    expect(functions.filter(alive)).toEqual([]);
    expect(leftIn(started)).toEqual([]);
    for (const place of [
      `${url}/`,
      `Reference   ${url}/reference`,
      `http://127.0.0.1:${port + 1}/`,
      `http://localhost:${port + 2}`,
    ]) {
      expect(started.output()).toContain(place);
    }
    expect(started.output()).toMatch(/\d\d:\d\d:\d\d {2}read-state +200 {2}GET \/v1\/connections {2}\d+ ms \(cold\)\n/);
    expect(started.output()).not.toContain('\u001B');
  });

  test('data survives a restart, and the stack ends when npm is ended, even if only the shell ends with it', async () => {
    const started = start({ ...environment, npm_lifecycle_event: 'start' }, 'node --import tsx local/start.ts; true');
    const port = await ready(started);
    const [stack] = childrenOf(started.process.pid);

    const found = await fetch(`http://localhost:${port}/v1/sessions/${session.id}`, {
      headers: await signedInAt(port),
    });
    expect(found.status).toBe(200);
    expect(await found.json()).toMatchObject({ id: session.id, status: 'pending' });
    const another = start(environment);
    expect(await another.exit).toBe(1);
    expect(another.output()).toMatch(
      /^DATA_DIR \S+ is in use by process \d+: stop that process, or set DATA_DIR to another directory\n$/,
    );

    started.process.kill('SIGTERM');

    await until(() => !alive(stack ?? 0));
    expect(leftIn(started)).toEqual([]);
  });
});

test('another Terra can replace the sandbox; functions end when their parent is killed, even during an invocation', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const asked = once(silent, 'connection');
  const terra = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const started = start({
    TERRA_API_URL: `${terra}/v2`,
    TERRA_WIDGET_URL: `${terra}/widget`,
    TERRA_DEV_ID: 'dev',
    TERRA_API_KEY: 'key',
    TERRA_SIGNING_SECRET: 'signing',
  });
  const port = await ready(started);
  const asking = fetch(`http://localhost:${port}/v1/sessions`, {
    method: 'POST',
    headers: await signedInAt(port),
    body: '{"returnTo":"web"}',
  }).catch(() => 'broken off');
  await asked;
  expect(started.output()).toContain('webhooks cannot reach this machine');
  expect(started.output()).not.toContain('local imitation of Terra');
  const functions = functionsOf(started.process.pid);

  started.process.kill('SIGKILL');

  expect(await asking).toBe('broken off');
  expect(functions).toHaveLength(1);
  await until(() => !functions.some(alive));
  silent.close();
});

test('a failed start prints a message without a stack trace', async () => {
  const started = start({ PORT: 'none', TERRA_DEV_ID: 'dev' });

  expect(await started.exit).toBe(1);
  expect(started.output()).toMatch(
    /^PORT must be a whole number[^\n]*\nTERRA_DEV_ID set but not TERRA_API_URL[^\n]*\n$/,
  );
});

test('an unknown setting in a file stops the start with a message', async () => {
  const started = start({ SETTINGS: fileOf({ colour: 'blue' }) });

  expect(await started.exit).toBe(1);
  expect(started.output()).toBe('terraConnect.colour is not a setting: remove it or correct its name\n');
});
