import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './start-error';

/**
 * Locks a data directory for one run. Two runs must not write to it at the same time.
 * @throws StartError if the directory cannot be used or another run has locked it.
 */
export function takeDataDirectory(directory: string): { release(): void } {
  const lock = join(directory, 'in-use-by');
  try {
    mkdirSync(directory, { recursive: true });
    const owner = ownerOf(lock);
    if (owner !== undefined) {
      throw new StartError(
        `DATA_DIR ${directory} is in use by process ${owner}: stop that process, or set DATA_DIR to another directory`,
      );
    }
    writeFileSync(lock, `${process.pid}`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR ${directory} cannot be used: ${(error as Error).message}`);
  }
  return { release: () => rmSync(lock, { force: true }) };
}

/**
 * Returns the id of the running process that holds the lock. A killed process leaves its lock file behind, so the id is
 * probed.
 */
function ownerOf(lock: string): number | undefined {
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    process.kill(owner, 0);
    return owner;
  } catch {
    return undefined;
  }
}
