import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closeServer, listen } from '../../local/loopback';
import { cloneWithClient, output } from '../support/client-clone';
import { stage } from './stage';
import { visitor } from './visitor';

const guide = readFileSync(join(__dirname, '../../docs/integrate.md'), 'utf8');
const work = mkdtempSync(join(tmpdir(), 'guide-'));
const app = join(work, 'my-app');

/** The only block of the guide in this language that contains the text. */
function written(language: string, word: string): string {
  const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```/gms)].filter(
    ([, of, text]) => of === language && text?.includes(word),
  );
  const [, , text] = blocks[0] ?? [];
  if (text === undefined || blocks.length > 1) throw new Error(`${blocks.length} blocks have ${word}`);
  return text;
}

let origin = '';
const server = createServer((request, response) => {
  const path = (request.url ?? '').replace(/\?.*$/, '').replace(/\/$/, '/index.html');
  try {
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8';
    const content = readFileSync(join(app, path));
    response.writeHead(200, { 'content-type': type }).end(content);
  } catch {
    response.writeHead(path === '/favicon.ico' ? 204 : 404).end();
  }
});
beforeAll(async () => {
  origin = `http://localhost:${await listen(server, 0)}`;
  cloneWithClient(join(work, 'terra-connect'));
  mkdirSync(app);
  const noNetwork = { npm_config_offline: 'true', npm_config_audit: 'false' };
  await output('bash', ['-euc', written('sh', 'npm pack')], app, noNetwork);
}, 120_000);
afterAll(async () => {
  await closeServer(server);
  rmSync(work, { recursive: true, force: true });
});

const scene = stage(apiUrl => ({
  returnTargets: { web: `${apiUrl}/`, app: `${origin}/` },
  allowedOrigins: [apiUrl, origin],
}));

test(
  'the page in the guide connects a user',
  scene(async on => {
    const page = written('html', 'createClient');
    expect(page).toContain('http://localhost:4000');
    const here = page.replace('http://localhost:4000', on.apiUrl).replace('http://localhost:4002', on.stack.issuerUrl);
    writeFileSync(join(app, 'index.html'), here);
    const alice = await visitor(on, 'alice');
    await alice.page.goto(origin);

    await alice.press('Connect Garmin');
    await alice.approve();

    await alice.sees('Connected: GARMIN');
    expect(alice.page.url()).toBe(`${origin}/`);
    expect(await alice.connections()).toMatchObject([{ provider: 'GARMIN', status: 'connected' }]);
  }),
);
