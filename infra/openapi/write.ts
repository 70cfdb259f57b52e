import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from './document';

/** Returns the content of `docs/openapi.json`, with the version of package.json. */
export function openApiText(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
  return `${JSON.stringify(openApiDocument(version), null, 2)}\n`;
}

if (require.main === module) writeFileSync(join(__dirname, '../../docs/openapi.json'), openApiText());
