import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { bundleFunctions } from '../../infra/bundle/bundle';
import type { Synthesised } from '../../infra/synthesise';
import { type LocalStack, type LocalStackOptions, startStack } from '../../local/stack';
import { madeOnce } from './run-folder';

/** The ports of this machine that settings name. They differ from stack to stack; nothing else in a template depends on them. */
const LOCAL_PORT = /(?<=\b(?:localhost|127\.0\.0\.1):)\d+/g;
const FIRST_PLACEHOLDER = 41_001;

const TEMPLATE = '.template.json';

/** The bundles of all functions, made once in a test run. */
export const sharedBundles = (): string =>
  madeOnce('bundles', into => void bundleFunctions({ functions: join(__dirname, '../../functions'), into }));

/** The local stack with bundles and templates that the files of a test run share. */
export const startSharedStack = (options: LocalStackOptions = {}): Promise<LocalStack> =>
  startStack({ ...options, synthesise: synthesiseOnce });

/** Does what `synthesise` does, but makes each template once in a test run. */
export function synthesiseOnce(
  { settings, outdir }: { settings: unknown; outdir: string },
  bundles = sharedBundles(),
): Synthesised {
  const { folder, stackName, text } = shared(settings, bundles);
  mkdirSync(outdir, { recursive: true });
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(TEMPLATE)) symlinkSync(join(folder, name), join(outdir, name));
  }
  const templateFile = join(outdir, stackName + TEMPLATE);
  writeFileSync(templateFile, text);
  return { directory: outdir, stackName, templateFile };
}

/** The text of the template that these settings give with these bundles, made once in a test run. */
export const templateOnce = (settings: unknown, bundles: string): string => shared(settings, bundles).text;

function shared(settings: unknown, bundles: string) {
  const written = JSON.stringify(settings);
  const ports = [...new Set(written.match(LOCAL_PORT))];
  const placeholderOf = new Map(ports.map((port, at) => [port, String(FIRST_PLACEHOLDER + at)]));
  const portOf = new Map([...placeholderOf].map(([port, placeholder]) => [placeholder, port]));
  const general = replaced(written, placeholderOf);

  const name = createHash('sha256').update(`${bundles} ${general}`).digest('hex');
  const folder = madeOnce(name, outdir => {
    // The template validator takes two seconds, and runs in app.test.ts and guard-rails.test.ts.
    process.env.CDK_VALIDATION = 'false';
    // Loading the CDK takes a second: only where a template must be made.
    const { synthesise } = require('../../infra/synthesise') as typeof import('../../infra/synthesise');
    synthesise({ settings: JSON.parse(general), outdir, bundles });
  });
  const file = readdirSync(folder).find(each => each.endsWith(TEMPLATE)) ?? '';
  const text = replaced(readFileSync(join(folder, file), 'utf8'), portOf);
  return { folder, stackName: basename(file, TEMPLATE), text };
}

const replaced = (text: string, by: ReadonlyMap<string, string>): string =>
  text.replace(LOCAL_PORT, port => by.get(port) ?? port);
