import { execFile } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

const root = join(__dirname, '../..');

/** Makes a clone after `npm ci`, as far as the client goes: what is built there does not appear in this tree. */
export function cloneWithClient(clone: string): void {
  cpSync(join(root, 'client'), join(clone, 'client'), {
    recursive: true,
    filter: source => basename(source) !== 'dist',
  });
  for (const file of ['LICENSE', 'tsconfig.json', 'package.json']) cpSync(join(root, file), join(clone, file));
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
}

/** Without what `npm test` hands down to its children. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

/** What a command wrote; where it fails, the error has all of that. `more` is added to the environment. */
export async function output(
  command: string,
  args: string[],
  cwd: string,
  more: Record<string, string> = {},
): Promise<string> {
  const env = { ...environment, ...more };
  const result = await promisify(execFile)(command, args, { cwd, env }).catch(
    (error: { stdout?: string; stderr?: string; message: string }) => {
      throw new Error(`${error.message}\n${error.stdout}\n${error.stderr}`);
    },
  );
  return result.stdout;
}
