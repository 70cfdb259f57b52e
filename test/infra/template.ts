import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { madeOnce } from '../support/run-folder';
import { templateOnce } from '../support/synthesis';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Properties = { [key: string]: Json };

export type Resource = {
  readonly Type: string;
  readonly Properties: Properties;
  readonly DependsOn?: readonly string[];
  readonly DeletionPolicy?: string;
};

export type Template = {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: Json }>>;
};

/** Every function there is, by its folder: a new one is written here too. */
export const functions = [
  'complete-callback',
  'confirm-session',
  'create-session',
  'disconnect',
  'list-providers',
  'mint-token',
  'publish-changes',
  'read-state',
  'receive-webhook',
  'reconcile',
  'sweep-stale',
];

/** The least a deployer sets, and one origin. */
export const production = {
  issuer: 'https://login.example.com/',
  audience: ['my-app'],
  returnTargets: { web: 'https://app.example.com/connected' },
  allowedOrigins: ['https://app.example.com'],
};

/** The template a deployer would get with these settings, around empty functions: what they do is tested elsewhere. */
export function templateWith(settings: object = {}): Template {
  const key = JSON.stringify(settings);
  const made = templates.get(key) ?? synthesised(settings);
  templates.set(key, made);
  return made;
}

const templates = new Map<string, Template>();

function synthesised(settings: object): Template {
  const bundles = madeOnce('empty-bundles', folder => void emptyBundles(folder));
  return JSON.parse(templateOnce({ ...production, ...settings }, join(bundles, 'bundles')));
}

/** A bundle without content for every function, in a folder inside this one. */
export function emptyBundles(folder: string): string {
  for (const name of functions) {
    mkdirSync(join(folder, 'bundles', name), { recursive: true });
    writeFileSync(join(folder, 'bundles', name, 'index.js'), `// ${name}`);
  }
  return join(folder, 'bundles');
}

/** The resources of one type, with their logical ids. */
export function resources(template: Template, type: string): [id: string, resource: Resource][] {
  return Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
}

/** The properties of the only resource of its type. */
export function only(template: Template, type: string): Properties {
  const [found, ...more] = resources(template, type);
  if (!found || more.length > 0) throw new Error(`${type}: expected one, found ${more.length + (found ? 1 : 0)}`);
  return found[1].Properties;
}

/** Each function by its folder name, which is its description. */
export function lambdas(template: Template): [name: string, properties: Properties, id: string][] {
  return resources(template, 'AWS::Lambda::Function')
    .map(([id, { Properties }]): [string, Properties, string] => [text(Properties['Description']), Properties, id])
    .toSorted(([one], [other]) => one.localeCompare(other));
}

/** What lies at a path inside a value; undefined where the path ends early. */
export function at(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? Object(inner)[step] : undefined),
    value,
  );
}

/** A value that must be an object. */
export function object(value: Json | undefined): Properties {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`no object: ${text(value)}`);
  return value;
}

export const text = (value: Json | undefined): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** A reference to another resource as its logical id without CDK's hash. */
export function word(template: Template, value: Json | undefined): string {
  const id = at(value, 'Ref') ?? at(value, 'Fn::GetAtt', 0);
  if (typeof id === 'string') {
    const named = template.Resources[id];
    return named?.Type === 'AWS::SecretsManager::Secret'
      ? text(named.Properties['Name'])
      : `${id.replace(/[0-9A-F]{8}$/, '')}${at(value, 'Fn::GetAtt', 1) === 'StreamArn' ? '/stream' : ''}`;
  }
  const parts = at(value, 'Fn::Join', 1);
  return Array.isArray(parts) ? parts.map(part => word(template, part)).join('') : text(value);
}
