import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** The typed client as one ES module, made of its sources as they are now. */
export function clientModule(): string {
  const { outputFiles } = buildSync({
    entryPoints: [join(__dirname, '../../client/index.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
