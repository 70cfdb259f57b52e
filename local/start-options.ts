import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { SettingsInput } from '../infra/settings/settings';
import { isServerUrl } from '../infra/parts/urls';
import { parseObject } from './aws/aws-call';
import type { LocalStackOptions, Upstream } from './stack';
import { StartError } from './start-error';

const DEFAULT_PORT = 4000;
/** The sandbox and the issuer use the two ports after it. */
const LAST_PORT = 65_533;

/** The environment variables that configure another Terra endpoint instead of the sandbox. */
const upstreamVariables = {
  apiUrl: 'TERRA_API_URL',
  widgetUrl: 'TERRA_WIDGET_URL',
  devId: 'TERRA_DEV_ID',
  apiKey: 'TERRA_API_KEY',
  signingSecret: 'TERRA_SIGNING_SECRET',
} as const satisfies Record<keyof Upstream, string>;

type Environment = Readonly<Record<string, string | undefined>>;

const LIKE_LAMBDA = '--like-lambda';

/**
 * Reads the environment variables and arguments of `npm start`. An empty variable counts as not set.
 * @throws StartError listing every wrong or missing variable and every unknown argument.
 */
export function readStartOptions(environment: Environment, args: readonly string[] = []): LocalStackOptions {
  const given = (name: string) => environment[name] || undefined;
  const problems = args
    .filter(arg => arg !== LIKE_LAMBDA)
    .map(arg => `${arg} is not a known option; the only one is ${LIKE_LAMBDA}`);

  const port = Number(given('PORT') ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > LAST_PORT) {
    problems.push(
      `PORT must be a whole number from 1 to ${LAST_PORT}, the two ports after it are used too, or 0 for any three in a row`,
    );
  }
  const dataDir = given('DATA_DIR');
  const upstream = readUpstream(given, problems);
  const settings = readSettingsFile(given('SETTINGS'), problems);

  if (problems.length > 0) throw new StartError(problems.join('\n'));
  return {
    port: port === 0 ? undefined : port,
    dataDir: dataDir && resolve(dataDir),
    upstream,
    ...(settings && { settings }),
    ...(args.includes(LIKE_LAMBDA) && { likeLambda: true }),
  };
}

/** Reads the JSON object in the file. Its fields are validated with all other settings at synthesis. */
function readSettingsFile(file: string | undefined, problems: string[]): Partial<SettingsInput> | undefined {
  if (file === undefined) return undefined;
  const text = textOf(resolve(file));
  const settings = text === undefined ? undefined : parseObject(text);
  const isObject = settings !== undefined && !Array.isArray(settings);
  if (text === undefined) problems.push(`SETTINGS names ${resolve(file)}, which cannot be read`);
  else if (!isObject)
    problems.push(`SETTINGS names ${resolve(file)}, which does not contain a JSON object of settings`);
  return settings;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function readUpstream(given: (name: string) => string | undefined, problems: string[]): Upstream | undefined {
  const variables = Object.values(upstreamVariables);
  const missing = variables.filter(name => given(name) === undefined);
  if (missing.length === variables.length) return undefined;
  if (missing.length > 0) {
    const present = variables.filter(name => !missing.includes(name));
    problems.push(`${present.join(', ')} set but not ${missing.join(', ')}: another Terra needs all five`);
  }
  for (const name of [upstreamVariables.apiUrl, upstreamVariables.widgetUrl]) {
    const url = given(name);
    if (url !== undefined && !isServerUrl(url)) {
      problems.push(`${name} must be an https URL without query or fragment (http on this machine only)`);
    }
  }
  const value = (part: keyof Upstream) => given(upstreamVariables[part]) ?? '';
  return {
    apiUrl: value('apiUrl'),
    widgetUrl: value('widgetUrl'),
    devId: value('devId'),
    apiKey: value('apiKey'),
    signingSecret: value('signingSecret'),
  };
}
