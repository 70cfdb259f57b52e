import { type App, CfnOutput, Stack } from 'aws-cdk-lib';
import { acknowledge } from './checks/acknowledgements';
import type { Settings } from './settings/settings';
import { TerraConnect } from './terra-connect';

/**
 * Creates the stack that contains one `TerraConnect` and outputs for the operator. `bundles` is a folder of existing bundles;
 * without it, they are built from `functions/`.
 */
export function terraConnectStack(app: App, settings: Settings, bundles?: string): Stack {
  const stack = new Stack(app, `terra-connect-${settings.stage}`, {
    description: "terra-connect: connects an app's users with Terra",
    terminationProtection: settings.removal === 'retain',
  });
  const connect = new TerraConnect(stack, 'Connect', { ...settings, bundles });
  acknowledge(connect);
  const { api, records, bus, secrets, alarms } = connect;
  const { terraApi, terraWebhook, referenceKey } = secrets;
  const output = (name: string, value: string) => new CfnOutput(stack, name, { value });

  output('ApiUrl', api.publicUrl);
  output('WebhookUrl', api.webhookUrl);
  output('CallbackBase', api.callbackBase);
  output('TableName', records.table.tableName);
  output('BusName', bus.bus.eventBusName);
  output('TerraApiSecretName', terraApi.name);
  output('TerraWebhookSecretName', terraWebhook.name);
  output('ReferenceKeySecretName', referenceKey.name);
  output('AlarmTopicArn', alarms.topic.topicArn);
  if (api.domainName) output('DomainTarget', api.domainName.regionalDomainName);
  const point = api.domainName ? `point ${api.domainName.name} at ${api.domainName.regionalDomainName}, ` : '';
  output(
    'NextStep',
    `Fill the secrets ${terraApi.name} with {"devId":"...","apiKey":"..."} and ${terraWebhook.name} with {"current":"..."}, ` +
      `${point}then add ${api.webhookUrl} as a webhook destination in Terra's dashboard.`,
  );
  return stack;
}
