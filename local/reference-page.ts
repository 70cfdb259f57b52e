import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const contract = join(__dirname, '../docs/openapi.json');
const config = join(__dirname, '../infra/openapi/redocly.yaml');

/** The page is self-contained: its policy forbids loading anything else. */
const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'unsafe-inline'; worker-src blob:; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

const LOGO = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" width="34" height="12"><text y="10" font-family="sans-serif" font-size="10" fill="#555">Redoc</text></svg>',
).replace(/'/g, '%27')}`;

/**
 * Serves the API reference at `/reference` and the OpenAPI document at `/openapi.json`. The page is built at the first
 * request and cached.
 */
export function referencePage(
  build: () => Promise<string> = buildPage,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  let page: Promise<string> | undefined;
  const answers: Record<string, () => Promise<readonly [Record<string, string>, string]>> = {
    '/reference': async () => {
      page ??= build();
      // A failed build is not cached: the next request tries again.
      page.catch(() => (page = undefined));
      return [pageHeaders, await page];
    },
    '/openapi.json': async () => [
      { 'content-type': 'application/json', 'cache-control': 'no-store', 'access-control-allow-origin': '*' },
      await readFile(contract, 'utf8'),
    ],
  };

  return ({ method, url = '' }, response) => {
    const answer = answers[url.split('?')[0] ?? ''];
    if (answer === undefined || (method !== 'GET' && method !== 'HEAD')) return false;
    answer().then(
      ([headers, body]) => {
        response.writeHead(200, { ...headers, 'content-length': Buffer.byteLength(body) });
        response.end(method === 'HEAD' ? undefined : body);
      },
      (error: unknown) => {
        console.error('The API reference could not be built:', error);
        response.writeHead(500, { 'content-type': 'application/json' }).end('{"message":"Internal Server Error"}');
      },
    );
    return true;
  };
}

/** Builds Redoc's page of the OpenAPI document, with Redoc's script inlined. */
async function buildPage(): Promise<string> {
  const cli = join(dirname(createRequire(__filename).resolve('@redocly/cli/package.json')), 'bin/cli.js');
  const folder = await mkdtemp(join(tmpdir(), 'terra-connect-reference-'));
  const file = join(folder, 'reference.html');
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  try {
    const command = [cli, 'build-docs', contract, '--output', file, '--inlineBundle', '--config', config];
    await promisify(execFile)(process.execPath, command, { env, timeout: 30_000 });
    // The logo is the only resource that Redoc would load from its CDN.
    return (await readFile(file, 'utf8')).replace(/https:\/\/cdn\.redoc\.ly\/redoc\/logo-[\w-]+\.svg/g, LOGO);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
