import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { clientModule } from '../../local/demo/demo-page';
import { closeServer, listen } from '../../local/loopback';
import type { LocalStack } from '../../local/stack';

const FOLDER = join(__dirname, '../../client/samples/plain');
const CLIENT = '/node_modules/terra-connect-client/dist/index.js';
const contentTypes: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' };

/**
 * Serves the client's plain sample from an origin of its own, as an app would: the files as they are but for where the
 * deployment is and who is signed in.
 */
export function samplePage() {
  let origin = '';
  let projectConnections = (source: string) => source;
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/\?.*$/, '').replace(/\/$/, '/index.html');
    const content = async () => {
      if (path === CLIENT) return clientModule();
      const source = await readFile(join(FOLDER, path), 'utf8');
      return path === '/deployment.js' ? projectConnections(source) : source;
    };
    content().then(
      body => response.writeHead(200, { 'content-type': contentTypes[extname(path)] ?? 'text/plain' }).end(body),
      () => response.writeHead(path === '/favicon.ico' ? 204 : 404).end(),
    );
  });
  beforeAll(async () => {
    origin = `http://localhost:${await listen(server, 0)}`;
  });
  afterAll(() => closeServer(server));

  return {
    get origin() {
      return origin;
    },
    /** From now on the page calls this stack, and this user is signed in to it. */
    signsIn(name: string, stack: LocalStack) {
      projectConnections = source =>
        source
          .replace('http://localhost:4000', stack.apiUrl)
          .replace('http://localhost:4002', stack.issuerUrl)
          .replace("'alice'", `'${name}'`);
    },
  };
}
