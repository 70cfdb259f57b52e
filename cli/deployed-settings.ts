import * as z from 'zod';
import { MINUTE } from '../functions/core/platform/clock';
import { type EnvironmentName, environmentNames } from '../functions/core/platform/environment';
import type { Rules } from '../functions/core/state/rules';
import type { Deployment } from './deployment';
import { OperatorError } from './failure';

const isTrue = z.enum(['true', 'false']).transform(value => value === 'true');

// Only the variables that commands need.
const Environment = z.object({
  ISSUER: z.url(),
  OWNER_NAMESPACE: z.string().min(1),
  REFERENCE_ID: z.enum(['opaque', 'subject']),
  CONFIRMATION: z.enum(['required', 'off']),
  CONFIRM_WITHIN_MINUTES: z.coerce.number().positive(),
  ALLOW_UNBOUND_TOKENS: isTrue,
  DATA_EVENTS: z.enum(['coalesce', 'ignore']),
  WIDGET: z.enum(['current', 'legacy']),
  TERRA_API_URL: z.url(),
  TERRA_WIDGET_URL: z.url(),
  CALLBACK_BASE: z.url(),
  RETURN_TARGETS: z
    .string()
    .transform((text, context) => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is not JSON');
        return z.NEVER;
      }
    })
    .pipe(z.record(z.string(), z.string())),
  TABLE_NAME: z.string().min(1),
  BUS_NAME: z.string().min(1),
});

/** The settings of a deployment, read from its functions' environment. */
export type DeployedSettings = z.infer<typeof Environment>;

/** Reads the settings from the functions' environment. @throws OperatorError naming the variables that are missing or malformed. */
export function settingsOf({ functions }: Pick<Deployment, 'functions'>): DeployedSettings {
  const merged = Object.assign({}, ...functions.map(({ environment }) => environment)) as Record<string, string>;
  const read = Environment.safeParse(merged);
  if (read.success) return read.data;
  const names = [...new Set(read.error.issues.map(({ path }) => String(path[0])))];
  throw new OperatorError(
    `These environment variables of the functions are missing or malformed: ${names.join(', ')}`,
    'Deploy again from the settings: `npx cdk deploy`.',
  );
}

/** Returns the variables that have different values in different functions. */
export function disagreements({ functions }: Pick<Deployment, 'functions'>): EnvironmentName[] {
  return environmentNames.filter(name => {
    const values = functions.flatMap(({ environment }) => environment[name] ?? []);
    return new Set(values).size > 1;
  });
}

export const rulesOf = (settings: DeployedSettings): Rules => ({
  confirmation: settings.CONFIRMATION,
  confirmWithin: settings.CONFIRM_WITHIN_MINUTES * MINUTE,
  referenceId: settings.REFERENCE_ID,
});
