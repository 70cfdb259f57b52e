import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { table } from '../../functions/core/store/table';
import { type Check, fault, ok, type CheckContext, type CheckResult, warning } from './check';

/** The table's protection against loss, as DynamoDB reports it. */
export type TableGuards = { recovery: boolean; deletionProtection: boolean; expiry: string | undefined };

const DEPLOY = 'Turn it on in the DynamoDB console, or deploy again: `npx cdk deploy`.';

export const recoveryCheck = guardCheck('table-recovery', ({ recovery }) =>
  recovery
    ? ok('Point-in-time recovery is on')
    : fault('Point-in-time recovery is off: a lost table cannot be restored', DEPLOY),
);

export const protectionCheck = guardCheck('table-protection', ({ deletionProtection }) =>
  deletionProtection
    ? ok('The table is protected from deletion')
    : warning('Deletion protection of the table is off', 'Set "removal" to "retain" in the settings and deploy.'),
);

export const expiryCheck = guardCheck('table-expiry', ({ expiry }) =>
  expiry === table.expiry
    ? ok('TTL deletes old records')
    : fault(`TTL is off for ${table.expiry}: old records are never deleted`, DEPLOY),
);

/** The local table has none of this protection. */
function guardCheck(name: string, judge: (guards: TableGuards) => CheckResult): Check {
  return { name, platform: 'aws', run: async context => judge(await guardsOf(context)) };
}

async function guardsOf({ deployment, settings }: CheckContext): Promise<TableGuards> {
  const client = new DynamoDBClient(deployment.clientOptions('dynamodb'));
  const input = { TableName: settings().TABLE_NAME };
  const [{ Table }, { ContinuousBackupsDescription }, { TimeToLiveDescription }] = await Promise.all([
    client.send(new DescribeTableCommand(input)),
    client.send(new DescribeContinuousBackupsCommand(input)),
    client.send(new DescribeTimeToLiveCommand(input)),
  ]);
  const recovery = ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus;
  const isExpiring = /^ENABL/.test(TimeToLiveDescription?.TimeToLiveStatus ?? '');
  return {
    recovery: recovery === 'ENABLED',
    deletionProtection: Table?.DeletionProtectionEnabled === true,
    expiry: isExpiring ? TimeToLiveDescription?.AttributeName : undefined,
  };
}
