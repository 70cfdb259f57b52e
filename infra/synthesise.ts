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
 * Synthesises the stack in this process, without CLI, account or network. The template is the one that `cdk synth` writes.
 * @throws SettingsError naming every setting that is missing or wrong.
 */
export function synthesise({
  settings,
  outdir,
  bundles,
}: {
  /** Unchecked settings, as a deployer writes them. */
  settings: unknown;
  outdir: string;
  /** Folder of existing bundles. @default built from `functions/` */
  bundles?: string;
}): Synthesised {
  const app = new App({ outdir, analyticsReporting: false, context: { ...cdkJson().context, ...cliContext } });
  const stack = terraConnectStack(app, readSettings(settings), bundles);
  const { directory } = app.synth();
  return { directory, stackName: stack.stackName, templateFile: join(directory, stack.templateFile) };
}

/** Context that the CDK CLI adds to every app: the template then contains the path of each resource and the folder of each asset. */
const cliContext = { 'aws:cdk:enable-asset-metadata': true, 'aws:cdk:enable-path-metadata': true };

function cdkJson(): { context: Record<string, unknown> } {
  return JSON.parse(readFileSync(join(__dirname, '../cdk.json'), 'utf8'));
}
