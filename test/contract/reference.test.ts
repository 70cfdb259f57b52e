import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { addressOf, closeServer, listen } from '../../local/loopback';
import { holdPorts } from '../../local/ports';
import { referencePage } from '../../local/reference-page';
import { eventually } from '../support/person';
import { contract } from './contract';

const root = join(__dirname, '../..');
const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map(closeServer)));

async function serving(page: ReturnType<typeof referencePage>): Promise<string> {
  const server = createServer((request, response) => {
    if (!page(request, response)) response.writeHead(404).end();
  });
  servers.push(server);
  return `http://${addressOf(await listen(server))}`;
}

test('the reference is one page that names every operation and loads nothing from anywhere', async () => {
  const url = await serving(referencePage());

  const answer = await fetch(`${url}/reference`);
  const page = await answer.text();

  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  for (const { operationId, summary } of Object.values(contract.paths).flatMap(methods => Object.values(methods))) {
    expect([page.includes(operationId), page.includes(summary)]).toEqual([true, true]);
  }
  expect(page).not.toMatch(/<(script|link|img|iframe)[^>]+(src|href)=["']?(https?:)?\/\//);
  expect(page).not.toContain('cdn.redoc.ly');
  const policy = answer.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/https?:|\*|connect-src/);
});

test('the page is made at the first request, once for all who ask, and again after a failure', async () => {
  const made: string[] = [];
  const build = async () => {
    made.push('page');
    if (made.length === 1) throw new Error('the disk is full');
    return `page ${made.length}`;
  };
  const log = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const url = await serving(referencePage(build));
  expect(made).toEqual([]);

  const failed = await fetch(`${url}/reference`);
  expect([failed.status, await failed.text()]).toEqual([500, '{"message":"Internal Server Error"}']);
  expect(log).toHaveBeenCalledTimes(1);
  log.mockRestore();

  const pages = await Promise.all([1, 2, 3].map(async () => (await fetch(`${url}/reference`)).text()));
  expect(pages).toEqual(['page 2', 'page 2', 'page 2']);
});

test('other paths and methods are left to others', async () => {
  const url = await serving(referencePage(async () => 'page'));

  expect((await fetch(`${url}/reference/x`)).status).toBe(404);
  expect((await fetch(`${url}/reference`, { method: 'POST' })).status).toBe(404);
  const head = await fetch(`${url}/reference`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4', '']);
});

test('npm start names the reference, and serves it and the document', async () => {
  const ports = await holdPorts(undefined);
  await ports.release();
  const env = { PATH: process.env.PATH, PORT: `${ports.api}` };
  const started: ChildProcess = spawn(process.execPath, ['--import', 'tsx', 'local/start.ts'], { cwd: root, env });
  let output = '';
  for (const stream of [started.stdout, started.stderr]) stream?.on('data', chunk => (output += String(chunk)));
  try {
    await eventually(
      async () => output,
      text => text.includes('Ctrl-C stops') || started.exitCode !== null,
      50_000,
    );
    const url = `http://localhost:${ports.api}`;

    expect(output).toContain(`Reference   ${url}/reference`);
    expect((await fetch(`${url}/reference`)).status).toBe(200);
    const document = await (await fetch(`${url}/openapi.json`)).text();
    expect(document).toBe(readFileSync(join(root, 'docs/openapi.json'), 'utf8'));
  } finally {
    const ended = once(started, 'exit');
    started.kill('SIGTERM');
    await ended;
  }
}, 60_000);
