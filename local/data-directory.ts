import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from './start-error';

/**
 * Takes a directory for one run: everything in it fits together, so two runs must not write it at once.
 * @throws StartError where it cannot be used, or another run has it.
 */
export function takeDataDirectory(directory: string): { release(): void } {
  const lock = join(directory, 'in-use-by');
  try {
    mkdirSync(directory, { recursive: true });
    const owner = ownerOf(lock);
    if (owner !== undefined) {
      throw new StartError(`DATA_DIR ${directory} is in use by process ${owner}: end it, or name another directory`);
    }
    writeFileSync(lock, `${process.pid}`);
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`DATA_DIR ${directory} cannot be used: ${(error as Error).message}`);
  }
  return { release: () => rmSync(lock, { force: true }) };
}

/** The process that holds the lock; a process that was killed leaves the lock but not itself. */
function ownerOf(lock: string): number | undefined {
  try {
    const owner = Number(readFileSync(lock, 'utf8'));
    process.kill(owner, 0);
    return owner;
  } catch {
    return undefined;
  }
}
