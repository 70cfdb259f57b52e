import { App, Validations } from 'aws-cdk-lib';
import { guardRails } from './checks/acknowledgements';
import { SettingsError, settingsOf } from './settings/settings';
import { terraConnectStack } from './terra-connect-stack';

try {
  const app = new App();
  Validations.of(app).addPlugins(...guardRails());
  terraConnectStack(app, settingsOf(app.node));
  app.synth();
} catch (error) {
  if (!(error instanceof SettingsError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
