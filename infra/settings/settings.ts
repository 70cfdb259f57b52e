import type * as z from 'zod';
import { schema, type Settings } from './settings-schema';

export type { Settings, SettingsInput } from './settings-schema';

/** What is wrong with the settings, one sentence a problem; the message is all of them. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** Settings only the deployer knows: `cdk.json` ships without them. */
const required = ['issuer', 'audience', 'returnTargets'] as const;

/**
 * Checks settings and fills in the defaults.
 * @throws SettingsError with one sentence for each problem, all of them together.
 */
export function readSettings(given: unknown): Settings {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const missing = required.filter(name => isObject(given) && given[name] === undefined);
  const wrong = result.error.issues
    .filter(issue => !missing.some(name => issue.path.length === 1 && issue.path[0] === name))
    .flatMap(problems);
  throw new SettingsError([...wrong, ...(missing.length > 0 ? [askFor(missing)] : [])].join('\n'));
}

function problems(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.map(step => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(key => `terraConnect${place}.${key} is not a setting: remove it or mend its name`);
  }
  return [`terraConnect${place} ${issue.message}`];
}

function askFor(missing: readonly string[]): string {
  return `Not set, and only you can know: ${missing.map(name => `terraConnect.${name}`).join(', ')}. The context of cdk.json needs, for example:

  "terraConnect": {
    "issuer": "https://login.example.com/",
    "audience": ["my-app"],
    "returnTargets": { "web": "https://app.example.com/connected" }
  }
`;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
