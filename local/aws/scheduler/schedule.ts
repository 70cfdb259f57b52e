import { randomUUID } from 'node:crypto';
import awsCronParser from 'aws-cron-parser';
import { account } from '../iam/account';
import type { Stack } from '../cloudformation/template';

/** A schedule or scheduled rule that invokes a function. */
export type Schedule = {
  readonly name: string;
  readonly arn: string;
  readonly expression: string;
  readonly enabled: boolean;
  readonly functionArn: string;
  /** The scheduler's execution role; a rule has none. */
  readonly roleArn: string | undefined;
  /** ARN of the queue that receives events of runs that could not be started. */
  readonly deadLetters: string | undefined;
  /** The function's input, if the template sets one. */
  readonly input: string | undefined;
  readonly source: 'aws.scheduler' | 'aws.events';
};

type Target = {
  readonly Arn: string;
  readonly RoleArn?: string;
  readonly Input?: string;
  readonly DeadLetterConfig?: { readonly Arn?: string };
};
type ScheduleProperties = {
  readonly Name?: string;
  readonly ScheduleExpression?: string;
  readonly State?: string;
  readonly Target: Target;
};
type RuleProperties = Omit<ScheduleProperties, 'Target'> & { readonly Targets?: readonly Target[] };

export function schedulesOf(stack: Stack): Schedule[] {
  const toSchedule = (
    { logicalId, arn }: { logicalId: string; arn: string },
    { Name = logicalId, ScheduleExpression = '', State = 'ENABLED' }: Omit<ScheduleProperties, 'Target'>,
    { Arn, RoleArn, Input, DeadLetterConfig }: Target,
    source: Schedule['source'],
  ): Schedule => ({
    name: Name,
    arn,
    expression: ScheduleExpression,
    enabled: State === 'ENABLED',
    functionArn: Arn,
    roleArn: RoleArn,
    deadLetters: DeadLetterConfig?.Arn,
    input: Input,
    source,
  });
  return [
    ...stack
      .resources<ScheduleProperties>('AWS::Scheduler::Schedule')
      .map(resource => toSchedule(resource, resource.properties, resource.properties.Target, 'aws.scheduler')),
    ...stack
      .resources<RuleProperties>('AWS::Events::Rule')
      .filter(({ properties }) => properties.ScheduleExpression !== undefined)
      .flatMap(resource =>
        (resource.properties.Targets ?? []).map(target =>
          toSchedule(resource, resource.properties, target, 'aws.events'),
        ),
      ),
  ];
}

/** Returns the event of one run. */
export function scheduledEvent({ input, source, arn }: Schedule, at: Date): unknown {
  if (input !== undefined) return JSON.parse(input);
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source,
    account: account.accountId,
    time: at.toISOString().replace(/\.\d+/, ''),
    region: account.region,
    resources: [arn],
    detail: source === 'aws.scheduler' ? '{}' : {},
  };
}

/** Returns the milliseconds until the next run. A rate counts from `now`; a cron expression is in UTC. */
export function untilNextRun(expression: string, now: Date): number {
  const [, kind, argument = ''] = /^(rate|cron|at)\((.*)\)$/.exec(expression) ?? [];
  if (kind === 'rate') {
    const [, value, unit = ''] = /^(\d+) (minute|hour|day)s?$/.exec(argument) ?? [];
    if (value !== undefined) return Number(value) * (unitMs[unit] ?? 0);
  }
  if (kind === 'cron') {
    const next = awsCronParser.next(awsCronParser.parse(argument), now);
    return next === null ? Number.POSITIVE_INFINITY : next.getTime() - now.getTime();
  }
  throw new Error(`The schedule ${expression} is not emulated`);
}

const unitMs: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** The longest delay of a Node timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Runs every enabled schedule when it is due, without waiting for its previous run, until stopped. */
export function startSchedules(schedules: readonly Schedule[], run: (schedule: Schedule) => void): { stop(): void } {
  const timers = new Map<Schedule, NodeJS.Timeout>();

  function wait(schedule: Schedule, leftMs: number): void {
    const waitMs = Math.min(leftMs, LONGEST_TIMER_MS);
    const due = () => {
      if (leftMs > waitMs) return wait(schedule, leftMs - waitMs);
      wait(schedule, untilNextRun(schedule.expression, new Date()));
      run(schedule);
    };
    timers.set(schedule, setTimeout(due, waitMs).unref());
  }

  for (const schedule of schedules) {
    if (schedule.enabled) wait(schedule, untilNextRun(schedule.expression, new Date()));
  }
  return {
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
