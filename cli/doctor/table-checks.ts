import {
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { table } from '../../functions/core/store/table';
import { type Check, fault, ok, type Patient, type Verdict, warning } from './check';

/** What guards the table against loss, as DynamoDB tells it. */
export type TableGuards = { recovery: boolean; deletionProtection: boolean; expiry: string | undefined };

const DEPLOY = 'Switch it on again in the DynamoDB console, or deploy again: `npx cdk deploy`.';

export const recoveryCheck = guardCheck('table-recovery', ({ recovery }) =>
  recovery
    ? ok('Point-in-time recovery is on')
    : fault('Point-in-time recovery is off: a lost table cannot be restored', DEPLOY),
);

export const protectionCheck = guardCheck('table-protection', ({ deletionProtection }) =>
  deletionProtection
    ? ok('The table is protected from deletion')
    : warning('The table can be deleted by one call', 'Set "removal" to "retain" in the settings and deploy.'),
);

export const expiryCheck = guardCheck('table-expiry', ({ expiry }) =>
  expiry === table.expiry
    ? ok('Old records are purged by TTL')
    : fault(`TTL is not on for ${table.expiry}: old records are never purged`, DEPLOY),
);

/** Only on AWS: the local table has nothing to lose. */
function guardCheck(name: string, judge: (guards: TableGuards) => Verdict): Check {
  return { name, place: 'aws', look: async patient => judge(await guardsOf(patient)) };
}

async function guardsOf({ deployment, settings }: Patient): Promise<TableGuards> {
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
