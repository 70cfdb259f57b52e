import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JWTPayload } from 'jose';
import type { SettingsInput } from '../infra/settings/settings';
import type { Assembly } from './aws/cloudformation/assembly';
import { clientModule, demoPage } from './demo/demo-page';
import { takeDataDirectory } from './data-directory';
import { withDeployment } from './deployment';
import { factJournal, recordsPage } from './demo/records';
import { startIssuer } from './issuer/issuer';
import type { LogEntry } from './log-entry';
import { closeServer, listen } from './loopback';
import { type HeldPorts, holdPorts } from './ports';
import { referencePage } from './reference-page';
import { type RunningTemplate, type RunningTemplateOptions, runTemplate } from './aws/running-template';
import type { Invocation } from './aws/lambda/runtime';
import { type Sandbox, startSandbox } from './sandbox/sandbox';
import { StartError } from './start-error';

type Synthesise = (wish: { settings: SettingsInput; outdir: string }) => Assembly;

/** The Terra endpoint to use instead of the sandbox: the real one, or a test's own. */
export type Upstream = {
  /** Base URL that paths such as `/auth/…` and `/userInfo` are appended to. */
  readonly apiUrl: string;
  /** Full URL of the widget-session endpoint. */
  readonly widgetUrl: string;
  readonly devId: string;
  readonly apiKey: string;
  readonly signingSecret: string;
};

export type LocalStackOptions = {
  /** The API's port; the sandbox and the issuer use the two after it. Defaults to any three consecutive free ports. */
  readonly port?: number | undefined;
  /**
   * Directory that keeps the tables, secrets, keys and sandbox users between runs. By default each run starts empty.
   */
  readonly dataDir?: string | undefined;
  /** Terra endpoint to use. By default a sandbox is started. */
  readonly upstream?: Upstream | undefined;
  /** Overrides `local/settings.json`; return targets and allowed origins are added to those there. */
  readonly settings?: Partial<SettingsInput>;
  readonly log?: (entry: LogEntry) => void;
  /** Replaces the CDK, for tests that start many stacks. */
  readonly synthesise?: Synthesise;
} & Pick<RunningTemplateOptions, 'likeLambda' | 'onCall' | 'onChange' | 'onUse' | 'alter'>;

export type LocalStack = {
  readonly apiUrl: string;
  readonly issuerUrl: string;
  /** Undefined if `upstream` is used. */
  readonly sandbox: Sandbox | undefined;
  readonly table: { readonly endpoint: string; readonly name: string; purgeExpired(): Promise<number> };
  /** The secrets, by their names in the template, such as `local/terra-api`. */
  readonly secrets: {
    readonly endpoint: string;
    readonly names: readonly string[];
    put(name: string, value: string): void;
  };
  readonly outputs: Readonly<Record<string, string>>;
  /** Returns the last 1,000 events published to the event bus, oldest first. Also served at `GET /_local/events`. */
  events: RunningTemplate['bus']['events'];
  readonly bus: { readonly endpoint: string; readonly name: string };
  /** The dead-letter queues, readable in this process or with an SQS client at the endpoint. */
  readonly queues: Pick<RunningTemplate['queues'], 'endpoint' | 'urls' | 'bodies'>;
  /** The differences from the deployed stack, one short sentence each. */
  readonly differences: readonly string[];
  /**
   * Returns an access token for this user. `claims` override the default claims; a claim set to undefined is left out.
   */
  token(username: string, claims?: JWTPayload): Promise<string>;
  invoke: RunningTemplate['invoke'];
  invokeSchedule(name: string): Promise<Invocation>;
  /** Returns the last 1,000 log entries. */
  logs(): readonly LogEntry[];
  /** Stops all servers and processes and removes temporary files. */
  close(): Promise<void>;
};

const LOGS_KEPT = 1000;

/** Shared by the sandbox and the development secrets; valid nowhere else. */
const developmentTerra = {
  devId: 'terra-connect-dev',
  apiKey: 'local-api-key-of-the-sandbox',
  signingSecret: 'local-signing-secret-of-the-sandbox',
};

/**
 * Synthesizes the stack and runs the resulting template, together with a Terra sandbox, an issuer and the demo page.
 */
export async function startStack(options: LocalStackOptions = {}): Promise<LocalStack> {
  const { dataDir, upstream } = options;
  const closing: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const end of closing.splice(0).toReversed()) await end();
  };
  const logs: LogEntry[] = [];
  const log = (entry: LogEntry) => {
    logs.push(entry);
    if (logs.length > LOGS_KEPT) logs.shift();
    options.log?.(entry);
  };

  try {
    const ports = await holdPorts(options.port);
    closing.push(ports.release);
    if (dataDir !== undefined) closing.push(takeDataDirectory(dataDir).release);
    const apiUrl = `http://localhost:${ports.api.port}`;
    const defaults = { ...defaultSettings(ports), ...terraSettings(upstream, ports.sandbox.port) };
    const settings = mergeSettings(defaults, options.settings ?? {});

    const directory = mkdtempSync(join(tmpdir(), 'terra-connect-'));
    closing.push(() => rmSync(directory, { recursive: true, force: true }));
    const assembly = await synthesize(settings, directory, options.synthesise);

    const issuer = await startIssuer({
      port: ports.issuer,
      audience: settings.audience[0] ?? '',
      scope: settings.scope,
      dataDir,
    });
    closing.push(issuer.close);

    const terra = upstream ?? developmentTerra;
    const sandbox = upstream
      ? undefined
      : await startSandbox({
          ...developmentTerra,
          port: ports.sandbox,
          webhookUrl: `${apiUrl}/v1/webhooks/terra`,
          ...(dataDir !== undefined && { dataDir }),
          log: message => log({ kind: 'sandbox', at: Date.now(), message }),
        });
    if (sandbox) closing.push(() => sandbox.close());

    const journal = factJournal();
    const pages = [referencePage(), demoPage(join(__dirname, 'demo'), { 'client.js': clientModule() })];
    const running = await runTemplate(assembly, {
      ...options,
      apiUrl,
      log,
      beside: (request, response) => pages.some(serve => serve(request, response)),
      onChange(change) {
        journal.changed(change);
        options.onChange?.(change);
      },
    });
    closing.push(running.close);
    putSecrets(running, settings.stage ?? 'prod', terra);

    const records = recordsPage(running.dynamodb, journal);
    const api = withDeployment(running, logs);
    const server = createServer((request, response) => {
      if (!records(request, response)) api(request, response);
    });
    await listen(server, ports.api);
    await ports.release();
    closing.push(() => closeServer(server));

    return {
      apiUrl,
      issuerUrl: issuer.url,
      sandbox,
      table: {
        endpoint: running.dynamodb.endpoint,
        name: running.dynamodb.tableName,
        purgeExpired: () => running.dynamodb.purgeExpired(),
      },
      secrets: running.secrets,
      events: running.bus.events,
      bus: running.bus,
      queues: running.queues,
      outputs: running.stack.outputs(),
      differences: running.differences,
      token: issuer.token,
      invoke: running.invoke,
      invokeSchedule: running.invokeSchedule,
      logs: () => logs,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function synthesize(settings: SettingsInput, outdir: string, given: Synthesise | undefined): Promise<Assembly> {
  if (given) return given({ settings, outdir });
  // Loading the CDK takes a second, so it waits until the ports are known to be free.
  const [{ synthesise }, { SettingsError }] = await Promise.all([
    import('../infra/synthesise'),
    import('../infra/settings/settings'),
  ]);
  // The template validator takes two seconds, and `npm run synth` runs it.
  const { CDK_VALIDATION } = process.env;
  process.env.CDK_VALIDATION = 'false';
  try {
    return synthesise({ settings, outdir });
  } catch (error) {
    throw error instanceof SettingsError ? new StartError(error.message) : error;
  } finally {
    if (CDK_VALIDATION === undefined) delete process.env.CDK_VALIDATION;
    else process.env.CDK_VALIDATION = CDK_VALIDATION;
  }
}

/** Returns the development settings with the ports of this run. The file has the default ports. */
function defaultSettings({ api, sandbox, issuer }: HeldPorts): SettingsInput {
  const ports: Record<string, number> = { 4000: api.port, 4001: sandbox.port, 4002: issuer.port };
  const text = readFileSync(join(__dirname, 'settings.json'), 'utf8');
  return JSON.parse(
    text.replace(/localhost:(400[012])/g, (_, port: string) => `localhost:${ports[port]}`),
  ) as SettingsInput;
}

/**
 * Merges the caller's settings over the defaults, keeping the demo page's return target and origin. Values of a wrong
 * type are passed on, so that validation reports them.
 */
function mergeSettings(defaults: SettingsInput, own: Partial<SettingsInput>): SettingsInput {
  const { returnTargets, allowedOrigins } = own;
  return {
    ...defaults,
    ...own,
    ...(isPlain(returnTargets) && { returnTargets: { ...defaults.returnTargets, ...returnTargets } }),
    ...(Array.isArray(allowedOrigins) && {
      allowedOrigins: [...new Set([...(defaults.allowedOrigins ?? []), ...allowedOrigins])],
    }),
  };
}

const isPlain = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function terraSettings(upstream: Upstream | undefined, sandboxPort: number): Partial<SettingsInput> {
  const { apiUrl, widgetUrl } = upstream ?? {
    apiUrl: `http://localhost:${sandboxPort}/v2`,
    widgetUrl: `http://localhost:${sandboxPort}/api/widget/session`,
  };
  return { terraApiUrl: apiUrl, terraWidgetUrl: widgetUrl };
}

function putSecrets(
  { secrets }: RunningTemplate,
  stage: string,
  { devId, apiKey, signingSecret }: typeof developmentTerra,
): void {
  secrets.put(`${stage}/terra-api`, JSON.stringify({ devId, apiKey }));
  secrets.put(`${stage}/terra-webhook`, JSON.stringify({ current: signingSecret }));
}
