import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SettingsInput } from '../../infra/settings/settings';
import { withDeployment } from '../../local/deployment';
import { startIssuer } from '../../local/issuer/issuer';
import type { LogEntry } from '../../local/log-entry';
import { closeServer, listen } from '../../local/loopback';
import { holdPorts } from '../../local/ports';
import { runTemplate } from '../../local/aws/running-template';
import { startSandbox } from '../../local/sandbox/sandbox';
import type { LocalStack } from '../../local/stack';
import { person } from '../support/person';
import { synthesiseOnce } from '../support/synthesis';

export const DEV_ID = 'dev-id-canary';
export const API_KEY = 'api-key-canary-0123456789';
export const SIGNING_SECRET = 'signing-secret-canary-01';
const AUDIENCE = 'app';

/** A user Terra has before this deployment ever ran. */
export type Standing = { referenceId: string | null; provider?: string; createdAtMs?: number; active?: boolean };

/** The synthesised template with a sandbox and an issuer, as `npm start` runs it, and the local description next to the API. */
export async function runningDeployment(given: Partial<SettingsInput> = {}, standing: readonly Standing[] = []) {
  const directory = mkdtempSync(join(tmpdir(), 'terra-connect-test-'));
  const users = standing.map(standingUser);
  writeFileSync(join(directory, 'terra-users.json'), JSON.stringify(users));
  const ports = await holdPorts(undefined);
  const apiUrl = `http://localhost:${ports.api.port}`;
  const issuer = await startIssuer({ port: ports.issuer, audience: AUDIENCE });
  const sandbox = await startSandbox({
    port: ports.sandbox,
    devId: DEV_ID,
    apiKey: API_KEY,
    signingSecret: SIGNING_SECRET,
    webhookUrl: `${apiUrl}/v1/webhooks/terra`,
    dataDir: directory,
  });
  const settings: SettingsInput = {
    issuer: issuer.url,
    audience: [AUDIENCE],
    returnTargets: { web: `${apiUrl}/` },
    terraApiUrl: sandbox.apiUrl,
    terraWidgetUrl: sandbox.widgetUrl,
    stage: 'local',
    removal: 'destroy',
    ...given,
  };
  const assembly = synthesiseOnce({ settings, outdir: join(directory, 'cdk.out') });
  const logs: LogEntry[] = [];
  const log = (entry: LogEntry) => void logs.push(entry);
  const running = await runTemplate(assembly, { apiUrl, log });
  const server = createServer(withDeployment(running, logs));
  await listen(server, ports.api);

  const fillSecrets = () => {
    running.secrets.put('local/terra-api', JSON.stringify({ devId: DEV_ID, apiKey: API_KEY }));
    running.secrets.put('local/terra-webhook', JSON.stringify({ current: SIGNING_SECRET }));
  };
  fillSecrets();
  const asStack = { apiUrl, sandbox, token: issuer.token } as unknown as LocalStack;
  return {
    port: ports.api.port,
    /** A signed-in user. */
    person: (name: string) => person(asStack, name),
    apiUrl,
    sandbox,
    users,
    running,
    logs,
    fillSecrets,
    token: issuer.token,
    async close() {
      await closeServer(server);
      await running.close();
      await sandbox.close();
      await issuer.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export type RunningDeployment = Awaited<ReturnType<typeof runningDeployment>>;

const YEAR_AGO = Date.now() - 365 * 86_400_000;

function standingUser({ referenceId, provider = 'GARMIN', createdAtMs = YEAR_AGO, active = true }: Standing) {
  return {
    userId: randomUUID(),
    provider,
    referenceId,
    account: randomUUID(),
    deviceId: null,
    scopes: ['DAILY'],
    createdAtMs,
    lastDataAtMs: null,
    active,
  };
}
