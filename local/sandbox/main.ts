import { startSandbox } from './sandbox';

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const port = Number(env['PORT'] ?? 4001);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    console.error(`PORT must be a port number, not ${env['PORT']}`);
    process.exit(1);
  }

  const sandbox = await startSandbox({
    port,
    devId: env['TERRA_DEV_ID'] ?? 'sandbox-dev-id',
    apiKey: env['TERRA_API_KEY'] ?? 'sandbox-api-key',
    signingSecret: env['TERRA_SIGNING_SECRET'] ?? 'sandbox-signing-secret',
    ...(env['WEBHOOK_URL'] ? { webhookUrl: env['WEBHOOK_URL'] } : {}),
    ...(env['DATA_DIR'] ? { dataDir: env['DATA_DIR'] } : {}),
    log: line => console.log(line),
  });

  console.log(`Terra sandbox: open ${sandbox.url}
  API       ${sandbox.apiUrl}
  widget    ${sandbox.widgetUrl}
  webhooks  ${env['WEBHOOK_URL'] ?? 'not sent until WEBHOOK_URL or the home page names a destination'}
Press Ctrl-C to stop.`);

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void sandbox.close().then(() => process.exit(0)));
  }
}

main(process.env).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
