import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { buildSync } from 'esbuild';

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
};

/**
 * Serves the files of a folder, read at each request: `index.html` at `/`, the others by name at `/` and `/demo/`.
 * `made` adds generated files.
 */
export function demoPage(
  folder: string,
  made: Readonly<Record<string, string>>,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const contentOf = async (file: string) => made[file] ?? readFile(join(folder, file));
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const [path = ''] = (request.url ?? '').split('?');
    const [, name] = /^\/(?:demo\/)?([\w-]*(?:\.[\w-]+)*)$/.exec(path) ?? [];
    const file = name || 'index.html';
    const contentType = contentTypes[extname(file)];
    if (name === undefined || contentType === undefined) return false;
    contentOf(file).then(
      content => {
        response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-store' });
        response.end(request.method === 'HEAD' ? undefined : content);
      },
      () => response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"Not Found"}'),
    );
    return true;
  };
}

/** Builds the typed client from its sources as one ES module. */
export function clientModule(): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, '../../client/index.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
