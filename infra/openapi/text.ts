import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from './document';

/** What `docs/openapi.json` must be: the contract at the version of package.json. */
export function openApiText(): string {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
  return `${JSON.stringify(openApiDocument(version), null, 2)}\n`;
}
