import { alarms } from '../../infra/parts/alarm-list';
import { costChart } from './chart';
import { costOfFlow, costOfMonth } from './cost';
import type { Flows } from './measure';
import {
  cleanupSection,
  costSection,
  flowsSection,
  monthSection,
  ownerSection,
  type SectionName,
  secretsSection,
} from './page';
import type { OwnerCount, ScaleCount, SecretCount } from './flow-counts';

type Sections = Partial<Record<SectionName, string>>;

/** As the stack is deployed by default. */
const deployed = { secrets: 3, alarms: alarms.length, sweepsPerHour: 60, reconcilesPerHour: 6 };

export const sectionsOfFlows = ({ flows, sweepAfterwards }: Flows): Sections => ({
  flows: flowsSection(flows),
  cost: costSection(costOfFlow(flows, sweepAfterwards)),
  month: monthSection(costOfMonth(flows, deployed)),
});

export const chartOfFlows = ({ flows, sweepAfterwards }: Flows): string =>
  costChart(costOfFlow(flows, sweepAfterwards));

export const sectionsOfScale = (scales: readonly ScaleCount[]): Sections => ({ cleanup: cleanupSection(scales) });

export const sectionsOfOwners = (counts: readonly OwnerCount[]): Sections => ({ owner: ownerSection(counts) });

export const sectionsOfSecrets = (secrets: readonly SecretCount[]): Sections => ({ secrets: secretsSection(secrets) });
