import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { environmentNames } from '../../functions/core/environment';
import { bundleFunctions, functionNames } from '../../infra/bundle';
import { at, lambdas, object, templateWith } from './template';

const project = join(__dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'terra-connect-bundle-'));
const into = join(folder, 'bundles');
const metafile = bundleFunctions({ functions: join(project, 'functions'), into });

afterAll(() => rmSync(folder, { recursive: true }));

const toldTo = new Map(
  lambdas(templateWith()).map(([name, { Environment }]) => [name, Object.keys(object(at(Environment, 'Variables')))]),
);

/** Variables that some functions name and can do without: only others serve users, open widgets or mint. */
const dispensable = ['ISSUER', 'WIDGET', 'REFERENCE_ID', 'ALLOW_UNBOUND_TOKENS'];

describe.each(functionNames(join(project, 'functions')))('%s', name => {
  const file = join(into, name, 'index.js');
  const code = readFileSync(file);
  const output = Object.values(metafile.outputs).find(({ entryPoint }) => entryPoint?.includes(`/${name}/`));

  test('is small', () => {
    expect(code.length).toBeLessThanOrEqual(300 * 1024);
    expect(gzipSync(code).length).toBeLessThanOrEqual(98 * 1024);
  });

  test('is one CommonJS file with an async handler of at most two parameters', () => {
    expect(readdirSync(join(into, name))).toEqual(['index.js']);
    expect(output?.exports).toEqual([]);
    expect(
      run(`const { handler } = require(${JSON.stringify(file)}); [handler.constructor.name, handler.length < 3]`),
    ).toBe('AsyncFunction,true');
  });

  test('has credentials from the environment only, and no full zod', () => {
    const inputs = Object.keys(output?.inputs ?? {});

    expect(inputs.length).toBeGreaterThan(0);
    expect(inputs.filter(input => /credential-provider-(?!env)|zod\/v4\/classic/.test(input))).toEqual([]);
  });

  test('is told every variable it cannot do without, and none it never names', () => {
    const named = environmentNames.filter(variable => code.includes(`"${variable}"`));
    const told = toldTo.get(name) ?? [];

    expect(named.filter(variable => !told.includes(variable) && !dispensable.includes(variable))).toEqual([]);
    expect(told.filter(variable => !named.some(known => known === variable))).toEqual([]);
  });
});

test('the same sources give the same bytes', () => {
  const again = join(folder, 'again');
  bundleFunctions({ functions: join(project, 'functions'), into: again });

  for (const name of functionNames(join(project, 'functions'))) {
    expect(readFileSync(join(again, name, 'index.js')).equals(readFileSync(join(into, name, 'index.js')))).toBe(true);
  }
});

test('a function without the SDK carries none of it, and core is no function', () => {
  const own = functionsOf({ 'say-hello': 'export const handler = async () => "hello";', core: '' });

  bundleFunctions({ functions: own, into: join(own, '../out') });

  expect(readdirSync(join(own, '../out'))).toEqual(['say-hello']);
  expect(readFileSync(join(own, '../out/say-hello/index.js')).length).toBeLessThan(12 * 1024);
});

test('a client takes its keys from the environment, and looks nowhere else', () => {
  const own = functionsOf({
    'ask-keys': `import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
      export const handler = () => new DynamoDBClient({ region: 'local' }).config.credentials();`,
  });
  bundleFunctions({ functions: own, into: join(own, '../out') });
  const ask = `require(${JSON.stringify(join(own, '../out/ask-keys/index.js'))}).handler()
    .then(keys => console.log(keys.accessKeyId), error => console.log(error.message)); ''`;

  expect(run(ask, { AWS_PROFILE: 'somebody', HOME: own })).toBe('Unable to find environment variable credentials.');
  expect(run(ask, { AWS_ACCESS_KEY_ID: 'made-up', AWS_SECRET_ACCESS_KEY: 'made-up-too' })).toBe('made-up');
});

test('a name the credential module lacks stops the build', () => {
  const own = functionsOf({
    'ask-more': `import { somethingNew } from '@aws-sdk/credential-provider-node'; export const handler = somethingNew;`,
  });

  expect(() => bundleFunctions({ functions: own, into: join(own, '../out') })).toThrow('No matching export');
});

test('a folder without an entry stops the build by name', () => {
  const own = functionsOf({});
  mkdirSync(join(own, 'half-done'));

  expect(() => bundleFunctions({ functions: own, into: join(own, '../out') })).toThrow('half-done/index.ts');
});

function functionsOf(entries: Record<string, string>): string {
  const home = mkdtempSync(join(folder, 'own-'));
  symlinkSync(join(project, 'node_modules'), join(home, 'node_modules'));
  mkdirSync(join(home, 'functions'));
  for (const [name, code] of Object.entries(entries)) {
    mkdirSync(join(home, 'functions', name));
    writeFileSync(join(home, 'functions', name, 'index.ts'), code);
  }
  return join(home, 'functions');
}

/** What a bare Node prints for an expression, with nothing in its environment but this. */
function run(expression: string, env: Record<string, string> = {}): string {
  return execFileSync(process.execPath, ['-e', `console.log(String(eval(${JSON.stringify(expression)})))`], {
    env,
    encoding: 'utf8',
  }).trim();
}
