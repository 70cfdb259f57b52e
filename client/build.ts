import { execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { buildSync } from 'esbuild';

/** Builds `dist`: one ES module and its types. */

const client = import.meta.dirname;
const dist = join(client, 'dist');
rmSync(dist, { recursive: true, force: true });

buildSync({
  entryPoints: [join(client, 'index.ts')],
  outfile: join(dist, 'index.js'),
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  // React Native's Hermes runs this target without transpiling.
  target: 'es2020',
});

const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
const tsc = [join(typescript, 'bin/tsc'), '-p', client, '--outDir', dist];
execFileSync(process.execPath, [...tsc, '--noEmit', 'false', '--declaration', '--emitDeclarationOnly'], {
  stdio: 'inherit',
});
// Node's module resolution requires file extensions, which the sources omit.
for (const file of readdirSync(dist).filter(name => name.endsWith('.d.ts'))) {
  const types = readFileSync(join(dist, file), 'utf8');
  writeFileSync(join(dist, file), types.replace(/(from '\.\/[\w-]+)(')/g, '$1.js$2'));
}

copyFileSync(join(client, '../LICENSE'), join(dist, 'LICENSE'));
