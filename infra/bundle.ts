import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync, type Metafile } from 'esbuild';

/** The folders under `functions/` that are Lambda functions: all but `core`, which they share. */
export function functionNames(functions: string): string[] {
  return readdirSync(functions, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'core')
    .map(entry => entry.name)
    .sort();
}

/**
 * Bundles every function in one esbuild call: `<into>/<name>/index.js`, a CommonJS module each. What `into` held is lost.
 * Throws what esbuild found wrong, among it any name the SDK asks of the credential module and does not get.
 */
export function bundleFunctions({ functions, into }: { functions: string; into: string }): Metafile {
  rmSync(into, { recursive: true, force: true });
  const entries = functionNames(functions).map(name => [`${name}/index`, join(functions, name, 'index.ts')] as const);
  const empty = entries.filter(([, file]) => !existsSync(file)).map(([name]) => name);
  if (empty.length > 0) throw new Error(`No such function entry under ${functions}: ${empty.join('.ts, ')}.ts`);
  return buildSync({
    entryPoints: Object.fromEntries(entries),
    outdir: into,
    bundle: true,
    platform: 'node',
    target: 'node20',
    // `import "node:http"` costs an ES module some 20 ms of cold start (aws-sdk-js-v3 issue 6914).
    format: 'cjs',
    // The SDK's `main` cannot be tree-shaken, its `module` can.
    mainFields: ['module', 'main'],
    minify: true,
    legalComments: 'none',
    // The default chain drags in SSO, INI files and metadata servers, none of which a Lambda function has.
    alias: { '@aws-sdk/credential-provider-node': join(__dirname, 'environment-credentials.ts') },
    logLevel: 'silent',
    metafile: true,
  }).metafile;
}
