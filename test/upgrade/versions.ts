import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleFunctions, functionNames } from '../../infra/bundle/bundle';

const root = join(__dirname, '..', '..');

/** The version before this one, whose functions still run while a deployment replaces them. `docs/upgrading.md` says how it is kept. */
const previousSource = (): string => {
  const [archive, ...others] = readdirSync(__dirname).filter(file => /^functions-.*\.tar\.gz$/.test(file));
  if (archive === undefined || others.length > 0)
    throw new Error('test/upgrade keeps the functions of exactly one version');
  return join(__dirname, archive);
};

export type Version = 'previous' | 'current';

/** The bundles of both versions as one folder of functions, of which each invocation runs the version that is chosen then. */
export type TwoVersions = {
  /** A folder as `startStack` takes it. */
  readonly bundles: string;
  choose(version: Version): void;
  remove(): void;
};

/** Bundles the functions of this version and of the previous one. */
export function bundleTwoVersions(): TwoVersions {
  const directory = mkdtempSync(join(tmpdir(), 'terra-connect-versions-'));
  const source = join(directory, 'source');
  mkdirSync(source);
  execFileSync('tar', ['-xzf', previousSource(), '-C', source]);
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'), 'dir');
  const builds: Record<Version, string> = { previous: join(source, 'functions'), current: join(root, 'functions') };

  const bundles = join(directory, 'bundles');
  const chosen = join(directory, 'chosen');
  const choose = (version: Version) => writeFileSync(chosen, version);
  choose('current');
  for (const [version, functions] of Object.entries(builds)) {
    const into = join(directory, version);
    bundleFunctions({ functions, into });
    for (const name of functionNames(functions))
      cpSync(join(into, name), join(bundles, name, version), { recursive: true });
  }
  for (const name of functionNames(builds.current)) writeFileSync(join(bundles, name, 'index.js'), chooser(chosen));
  return { bundles, choose, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** A function that runs the version named in a file. A function that is new in this version has only that one. */
const chooser = (chosen: string): string => `
const { existsSync, readFileSync } = require('node:fs');
exports.handler = (event, context) => {
  const version = readFileSync(${JSON.stringify(chosen)}, 'utf8');
  const has = existsSync(require('node:path').join(__dirname, version));
  return require('./' + (has ? version : 'current') + '/index.js').handler(event, context);
};
`;
