import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { bundleFunctions, functionNames } from '../../infra/bundle/bundle';
import { cache } from './cache';
import { npm } from './node-versions';

const functions = join(__dirname, '../../functions');
const variants = join(__dirname, 'variants');

/** One file that Lambda could load. */
export type Build = { readonly name: string; readonly file: string; readonly kib: number; readonly gzipKib: number };

/** The functions as they are deployed, and which of them hold the AWS SDK's DynamoDB client. */
export type OurBuilds = { readonly all: Build[]; readonly withDynamoDb: Build[]; readonly folder: string };

export function ourBuilds(): OurBuilds {
  const folder = join(cache, 'functions');
  const { outputs } = bundleFunctions({ functions, into: folder });
  const all = functionNames(functions).map(name => buildAt(name, join(folder, name, 'index.js')));
  const holdsDynamoDb = ({ name }: Build) =>
    Object.values(outputs).some(
      ({ entryPoint, inputs }) =>
        entryPoint?.includes(`/${name}/`) && Object.keys(inputs).some(input => input.includes('/client-dynamodb/')),
    );
  return { all, withDynamoDb: all.filter(holdsDynamoDb), folder };
}

/** The small programs of `variants/`, built as the functions are. */
export function variantBuilds(): Build[] {
  const folder = join(cache, 'variants');
  bundleFunctions({ functions: variants, into: folder });
  return functionNames(variants).map(name => buildAt(name, join(folder, name, 'index.js')));
}

/** The same sources as esbuild bundles them for Node when nothing else is said. */
export function defaultBuilds(names: readonly string[]): Build[] {
  const folder = join(cache, 'defaults');
  return names.map(name => withDefaults(name, join(functions, name, 'index.ts'), join(folder, `${name}.js`)));
}

function withDefaults(name: string, from: string, file: string): Build {
  buildSync({ entryPoints: [from], outfile: file, bundle: true, platform: 'node', logLevel: 'silent' });
  return buildAt(name, file);
}

/** The usual way: as its authors write it, on its own dependencies, and in one file by esbuild's defaults. */
export function usualBuilds(): { name: string; unbundled: string; bundled: Build }[] {
  const from = join(__dirname, 'usual');
  const folder = join(cache, 'usual');
  const manifests = ['package.json', 'package-lock.json'];
  const isInstalled =
    existsSync(join(folder, 'node_modules/.package-lock.json')) &&
    manifests.every(file => readFileSync(join(folder, file), 'utf8') === readFileSync(join(from, file), 'utf8'));
  if (!isInstalled) {
    mkdirSync(folder, { recursive: true });
    for (const file of manifests) copyFileSync(join(from, file), join(folder, file));
    npm(folder, ['ci'], 'What the usual way depends on could not be installed from npm');
  }
  return ['session', 'webhook'].map(name => {
    const unbundled = join(folder, `${name}.mjs`);
    cpSync(join(from, `${name}.mjs`), unbundled);
    return { name, unbundled, bundled: withDefaults(name, unbundled, join(folder, `bundled/${name}.js`)) };
  });
}

function buildAt(name: string, file: string): Build {
  const bytes = readFileSync(file);
  return { name, file, kib: bytes.length / 1024, gzipKib: gzipSync(bytes).length / 1024 };
}
