import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { cloneWithClient, output } from '../support/client-clone';

const root = join(__dirname, '../..');
const work = mkdtempSync(join(tmpdir(), 'client-package-'));
const clone = join(work, 'clone');
const app = join(work, 'app');

type Packed = { filename: string; files: { path: string }[] };
let packed: Packed;

beforeAll(async () => {
  cloneWithClient(clone);
  const told = JSON.parse(await output('npm', ['pack', './client', '--json', '--foreground-scripts=false'], clone));
  packed = (Array.isArray(told) ? told[0] : Object.values(told)[0]) as Packed;

  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  await output('npm', ['install', '--offline', '--no-audit', '--no-fund', join(clone, packed.filename)], app);
  // Named .txt there, so that the project's own compiler leaves them alone.
  for (const file of readdirSync(join(__dirname, 'consumer'))) {
    cpSync(join(__dirname, 'consumer', file), join(app, file.replace('.txt', '')));
  }
  cpSync(join(root, 'client/samples/plain'), join(app, 'samples/plain'), { recursive: true });
  for (const [file, code] of writtenSamples()) {
    mkdirSync(join(app, 'samples', file, '..'), { recursive: true });
    writeFileSync(join(app, 'samples', file), code);
  }
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** The TypeScript of the samples' pages, each under the file name above it. */
function writtenSamples(): [file: string, code: string][] {
  return ['react', 'react-native'].flatMap(page =>
    [
      ...readFileSync(join(root, `client/samples/${page}.md`), 'utf8').matchAll(/^`([\w.-]+)`\n\n```tsx?\n(.*?)```/gms),
    ].map(([, file = '', code = '']): [string, string] => [`${page}/${file}`, code]),
  );
}

test('the package contains what an app needs, and nothing else', () => {
  const files = packed.files.map(({ path }) => path);
  expect(files.filter(path => !/^dist\/[\w-]+\.d\.ts$/.test(path)).toSorted()).toEqual([
    'README.md',
    'dist/LICENSE',
    'dist/index.js',
    'package.json',
  ]);
  const declared = JSON.parse(readFileSync(join(root, 'client/package.json'), 'utf8'));
  expect(declared.version).toBe(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
  expect(Object.keys(declared).filter(key => /dependencies/i.test(key))).toEqual([]);
  expect(declared).toMatchObject({ license: 'MIT', sideEffects: false, type: 'module' });
  for (const file of ['index.js', 'index.d.ts', 'api.d.ts']) {
    expect(readFileSync(join(clone, 'client/dist', file), 'utf8')).not.toContain(work);
  }
});

test('the module is one file for old engines, without imports and side effects', () => {
  const module = readFileSync(join(app, 'node_modules/terra-connect-client/dist/index.js'), 'utf8');
  expect(module).not.toMatch(
    /^\s*import\b|\bimport\(|\brequire\(|\.#\w|^\s*#\w|\?\?=|\.at\(|findLast|hasOwn|replaceAll/m,
  );
  expect(transformSync(module, { target: 'es2020', minify: true }).warnings).toEqual([]);
  expect(existsSync(join(app, 'node_modules/.package-lock.json'))).toBe(true);
});

const say = `console.log([createClient, popup, redirect, takeReturn, handBack, readReturn, ConnectError].map(x => typeof x).join(), takeReturn())`;
const names = 'createClient, popup, redirect, takeReturn, handBack, readReturn, ConnectError';
const said = `${Array(7).fill('function').join()} undefined\n`;

test('Node imports it', async () => {
  writeFileSync(join(app, 'use.mjs'), `import { ${names} } from 'terra-connect-client';\n${say}`);
  expect(await output(process.execPath, ['use.mjs'], app)).toBe(said);
});

test('CommonJS requires it', async () => {
  writeFileSync(join(app, 'use.cjs'), `const { ${names} } = require('terra-connect-client');\n${say}`);
  expect(await output(process.execPath, ['use.cjs'], app)).toBe(said);
});

test('it loads in an engine without web APIs', async () => {
  writeFileSync(
    join(app, 'bare.mjs'),
    `for (const name of ['fetch', 'crypto', 'URL', 'URLSearchParams', 'BroadcastChannel', 'AbortController', 'navigator'])
       Object.defineProperty(globalThis, name, { value: undefined });
     const { ${names} } = await import('terra-connect-client');\n${say}`,
  );
  expect(await output(process.execPath, ['bare.mjs'], app)).toBe(said);
});

const strict = {
  strict: true,
  noUncheckedIndexedAccess: true,
  // Checks the package's own types as well.
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  types: [],
};
const web = { ...strict, lib: ['es2022', 'dom'] };
const bundler = { module: 'esnext', moduleResolution: 'bundler' };

test.each<[string, object, string[]]>([
  ['bundler', { ...web, ...bundler }, ['app.ts', 'bare.ts']],
  ['bundler, with exact optional properties', { ...web, ...bundler, exactOptionalPropertyTypes: true }, ['app.ts']],
  ['node16', { ...web, module: 'node16', moduleResolution: 'node16' }, ['app.ts']],
  ['nodenext from CommonJS', { ...web, module: 'nodenext', moduleResolution: 'nodenext' }, ['app.cts']],
  ['no DOM', { ...strict, ...bundler, lib: ['es2022'] }, ['bare.ts']],
  [
    'the samples',
    { ...web, ...bundler, exactOptionalPropertyTypes: true, jsx: 'react-jsx', allowJs: true, checkJs: true },
    ['packages.d.ts', 'samples'],
  ],
])('TypeScript knows it: %s', async (name, compilerOptions, include) => {
  const config = join(app, `tsconfig.${name.replace(/\W+/g, '-')}.json`);
  if (include[0] === 'app.cts') cpSync(join(app, 'app.ts'), join(app, 'app.cts'));
  writeFileSync(config, JSON.stringify({ compilerOptions, include }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  expect(await output(process.execPath, [tsc, '-p', config], app)).toBe('');
});

test('every sample is checked above, or is marked as not run', () => {
  const pages = readdirSync(join(root, 'client/samples')).filter(name => name.endsWith('.md'));
  expect(pages).toEqual(['android.md', 'ios.md', 'react-native.md', 'react.md']);
  expect(writtenSamples().map(([file]) => file)).toEqual([
    'react/use-connect.ts',
    'react/connect-button.tsx',
    'react/use-return.ts',
    'react-native/connect.ts',
    'react-native/return-link.ts',
    'react-native/phone.ts',
  ]);
  for (const page of ['android.md', 'ios.md']) {
    expect(readFileSync(join(root, 'client/samples', page), 'utf8')).toMatch(/^Not run here\./m);
  }
});
