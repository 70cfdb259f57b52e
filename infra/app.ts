import { App } from 'aws-cdk-lib';
import { settingsOf } from './context';
import { SettingsError } from './settings';
import { terraConnectStack } from './terra-connect-stack';

try {
  const app = new App();
  terraConnectStack(app, settingsOf(app.node));
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
