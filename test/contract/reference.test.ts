import { createServer, type Server } from 'node:http';
import { addressOf, closeServer, listen } from '../../local/loopback';
import { referencePage } from '../../local/reference-page';
import { contract } from './contract';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map(closeServer)));

async function serving(page: ReturnType<typeof referencePage>): Promise<string> {
  const server = createServer((request, response) => {
    if (!page(request, response)) response.writeHead(404).end();
  });
  servers.push(server);
  return `http://${addressOf(await listen(server))}`;
}

test('the reference is one page that lists every operation and loads nothing', async () => {
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

test('the page is built once at the first request, and again after a failure', async () => {
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

test('other paths and methods are not handled', async () => {
  const url = await serving(referencePage(async () => 'page'));

  expect((await fetch(`${url}/reference/x`)).status).toBe(404);
  expect((await fetch(`${url}/reference`, { method: 'POST' })).status).toBe(404);
  const head = await fetch(`${url}/reference`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4', '']);
});
