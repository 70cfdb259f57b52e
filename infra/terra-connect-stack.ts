import { type App, CfnOutput, Stack } from 'aws-cdk-lib';
import { acknowledge } from './checks/acknowledgements';
import type { Settings } from './settings/settings';
import { TerraConnect } from './terra-connect';

/**
 * The stack that deploys one `TerraConnect` alone; its outputs tell the operator what it made and what to do next.
 * `bundles` is a folder of ready bundles; without it they are made from `functions/`.
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
  const tell = (name: string, value: string) => new CfnOutput(stack, name, { value });

  tell('ApiUrl', api.publicUrl);
  tell('WebhookUrl', api.webhookUrl);
  tell('CallbackBase', api.callbackBase);
  tell('TableName', records.table.tableName);
  tell('BusName', bus.bus.eventBusName);
  tell('TerraApiSecretName', terraApi.name);
  tell('TerraWebhookSecretName', terraWebhook.name);
  tell('ReferenceKeySecretName', referenceKey.name);
  tell('AlarmTopicArn', alarms.topic.topicArn);
  if (api.domainName) tell('DomainTarget', api.domainName.regionalDomainName);
  const point = api.domainName ? `point ${api.domainName.name} at ${api.domainName.regionalDomainName}, ` : '';
  tell(
    'NextStep',
    `Fill the secrets ${terraApi.name} with {"devId":"...","apiKey":"..."} and ${terraWebhook.name} with {"current":"..."}, ` +
      `${point}then add ${api.webhookUrl} as a webhook destination in Terra's dashboard.`,
  );
  return stack;
}
