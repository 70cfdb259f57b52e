import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';
import type * as z from 'zod';
import { schema, type Settings } from './settings-schema';

export type { Settings, SettingsInput } from './settings-schema';

/** Invalid settings. The message has one line per problem. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Settings without a default; `cdk.json` does not contain them. */
const required = ['issuer', 'audience', 'returnTargets'] as const;

/**
 * Checks settings and fills in the defaults.
 * @throws SettingsError with one line for each problem.
 */
export function readSettings(given: unknown): Settings {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const missing = required.filter(name => isObject(given) && given[name] === undefined);
  const wrong = result.error.issues
    .filter(issue => !missing.some(name => issue.path.length === 1 && issue.path[0] === name))
    .flatMap(problems);
  throw new SettingsError([...wrong, ...(missing.length > 0 ? [missingText(missing)] : [])].join('\n'));
}

function problems(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => `terraConnect${place}.${key} is not a setting: remove it or correct its name`);
  }
  return [`terraConnect${place} ${issue.message}`];
}

function missingText(missing: readonly string[]): string {
  return `These settings are required: ${missing.map(name => `terraConnect.${name}`).join(', ')}. For example, in the context of cdk.json:

  "terraConnect": {
    "issuer": "https://login.example.com/",
    "audience": ["my-app"],
    "returnTargets": { "web": "https://app.example.com/connected" }
  }
`;
}

/**
 * Reads the settings from the CDK context: `terraConnect`, overridden by the JSON file that the context `settings` names.
 * @throws SettingsError naming every setting that is missing or wrong, or the file that cannot be read.
 */
export function settingsOf(node: Node): Settings {
  const file: unknown = node.tryGetContext('settings');
  const given: unknown = node.tryGetContext('terraConnect') ?? {};
  const overrides = file === undefined ? {} : readFile(file);
  return readSettings(
    isObject(given) && isObject(overrides) ? { ...given, ...overrides } : isObject(given) ? overrides : given,
  );
}

function readFile(file: unknown): unknown {
  if (typeof file !== 'string') throw new SettingsError('The context "settings" must name a JSON file');
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SettingsError(
      error instanceof SyntaxError
        ? `The settings file ${file} is not JSON: ${error.message}`
        : `The settings file ${file} cannot be read`,
    );
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
