import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { readSettings } from './settings/settings';
import { terraConnectStack } from './terra-connect-stack';

export type Synthesised = {
  /** The cloud assembly: template, assets and manifest. */
  readonly directory: string;
  readonly stackName: string;
  /** Absolute path of the template. */
  readonly templateFile: string;
};

/**
 * Synthesises the stack in this process: the template `cdk synth` writes, with no CLI, account or network.
 * @throws SettingsError naming every setting that is missing or wrong.
 */
export function synthesise({
  settings,
  outdir,
  bundles,
}: {
  /** As a deployer writes them, perhaps from a file: they are checked here. */
  settings: unknown;
  outdir: string;
  /** Folder of ready bundles; without it they are made from `functions/`. */
  bundles?: string;
}): Synthesised {
  const app = new App({ outdir, analyticsReporting: false, context: { ...cdkJson().context, ...fromTheCli } });
  const stack = terraConnectStack(app, readSettings(settings), bundles);
  const { directory } = app.synth();
  return { directory, stackName: stack.stackName, templateFile: join(directory, stack.templateFile) };
}

/** What the CLI adds to the context of every app it runs: the template then tells each resource's path and each asset's folder. */
const fromTheCli = { 'aws:cdk:enable-asset-metadata': true, 'aws:cdk:enable-path-metadata': true };

function cdkJson(): { context: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(__dirname, '../cdk.json'), 'utf8'));
}
