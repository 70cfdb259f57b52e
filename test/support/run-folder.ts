import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes the folder in which all files of a test run share what is slow to make. Jest calls it before the first file. */
export default function makeRunFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'terra-connect-run-'));
  process.env.TEST_RUN_FOLDER = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes a folder of this name once in a test run, with what `make` writes into it; returns its path. */
export function madeOnce(name: string, make: (into: string) => void): string {
  const folder = join(process.env.TEST_RUN_FOLDER ?? makeRunFolder(), name);
  if (existsSync(folder)) return folder;
  const own = mkdtempSync(`${folder}-`);
  make(own);
  try {
    renameSync(own, folder);
  } catch (error) {
    // Another worker made it in the meantime.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
