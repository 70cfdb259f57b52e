import { logLine } from './log-entry';
import { type LocalStack, startStack } from './stack';
import { StartError } from './start-error';
import { readStartOptions } from './start-options';

const ORPHAN_CHECK_MS = 500;

const startedAt = performance.now() - process.uptime() * 1000;

async function start(): Promise<void> {
  const colours = process.stdout.isTTY && !process.env.NO_COLOR;
  const starting = startStack({
    ...readStartOptions(process.env, process.argv.slice(2)),
    log(entry) {
      const line = logLine(entry, { colours });
      if (line !== undefined) console.log(line);
    },
  });
  stopOnSignal(starting);
  console.log(startMessage(await starting, performance.now() - startedAt));
}

function stopOnSignal(starting: Promise<LocalStack>): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    const stack = await starting;
    await stack.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop());

  // When npm is terminated it ends its shell, but not the process that the shell runs.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event === undefined) return;
  setInterval(() => {
    if (process.ppid !== parent) void stop();
  }, ORPHAN_CHECK_MS).unref();
}

function startMessage({ apiUrl, issuerUrl, sandbox, table, differences }: LocalStack, ms: number): string {
  const terra = sandbox
    ? `${sandbox.url}/  (sandbox, a local imitation of Terra)`
    : 'another endpoint; if its webhooks cannot reach this machine, connections complete by lookup';
  return `
terra-connect is running, ready after ${(ms / 1000).toFixed(1)} s.

  Demo page   ${apiUrl}/
  API         ${apiUrl}/v1
  Reference   ${apiUrl}/reference  (and ${apiUrl}/openapi.json)
  Terra       ${terra}
  Issuer      ${issuerUrl}
  Table       ${table.name} at ${table.endpoint}
  A token     curl -s ${issuerUrl}/token -d grant_type=password -d username=alice

  Differences from AWS:
${differences.map(difference => `  - ${difference}`).join('\n')}

Press Ctrl-C to stop.
`;
}

start().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exit(1);
});
