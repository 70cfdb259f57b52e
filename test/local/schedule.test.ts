import {
  type Schedule,
  scheduledEvent,
  schedulesOf,
  startSchedules,
  untilNextRun,
} from '../../local/aws/scheduler/schedule';
import { readStack } from '../../local/aws/cloudformation/template';

const NOON = new Date('2026-11-22T12:00:00.000Z');
const MINUTE = 60_000;

test.each([
  ['rate(1 minute)', MINUTE],
  ['rate(5 minutes)', 5 * MINUTE],
  ['rate(2 hours)', 120 * MINUTE],
  ['rate(1 day)', 24 * 60 * MINUTE],
  ['cron(5 12 * * ? *)', 5 * MINUTE],
  ['cron(0/15 * * * ? *)', 15 * MINUTE],
  ['cron(0 3 * * ? *)', 15 * 60 * MINUTE],
  ['cron(0 0 1 1 ? 2020)', Number.POSITIVE_INFINITY],
])('%s runs next after %d ms', (expression, expected) => {
  expect(untilNextRun(expression, NOON)).toBe(expected);
});

test.each(['rate(soon)', 'rate(5 fortnights)', 'every day'])('%s is refused by name', expression => {
  expect(() => untilNextRun(expression, NOON)).toThrow(expression);
});

const stack = readStack(
  'fixture',
  {
    Resources: {
      Sweep: { Type: 'AWS::Lambda::Function' },
      Often: {
        Type: 'AWS::Scheduler::Schedule',
        Properties: { ScheduleExpression: 'rate(1 minute)', Target: { Arn: { 'Fn::GetAtt': ['Sweep', 'Arn'] } } },
      },
      Off: {
        Type: 'AWS::Scheduler::Schedule',
        Properties: {
          Name: 'switched-off',
          State: 'DISABLED',
          ScheduleExpression: 'rate(1 minute)',
          Target: { Arn: { 'Fn::GetAtt': ['Sweep', 'Arn'] }, Input: '{"dryRun":true}' },
        },
      },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: { ScheduleExpression: 'rate(1 hour)', Targets: [{ Arn: { 'Fn::GetAtt': ['Sweep', 'Arn'] } }] },
      },
      Pattern: { Type: 'AWS::Events::Rule', Properties: { EventPattern: { source: ['x'] }, Targets: [] } },
    },
  },
  { apiUrl: 'http://localhost' },
);

test('schedules and scheduled rules are read from the template', () => {
  const functionArn = 'arn:aws:lambda:us-east-1:000000000000:function:fixture-Sweep';

  expect(schedulesOf(stack)).toMatchObject([
    { name: 'Often', expression: 'rate(1 minute)', enabled: true, functionArn, source: 'aws.scheduler' },
    { name: 'switched-off', enabled: false, input: '{"dryRun":true}' },
    { name: 'Rule', expression: 'rate(1 hour)', enabled: true, functionArn, source: 'aws.events' },
  ]);
});

test('a run gets the schedule’s input, or else AWS’s default event', () => {
  const [often, off] = schedulesOf(stack);

  expect(scheduledEvent(off as Schedule, NOON)).toEqual({ dryRun: true });
  expect(scheduledEvent(often as Schedule, NOON)).toMatchObject({
    'detail-type': 'Scheduled Event',
    source: 'aws.scheduler',
    time: '2026-11-22T12:00:00Z',
    resources: [often?.arn],
  });
});

describe('with a fake clock', () => {
  beforeEach(() => jest.useFakeTimers({ now: NOON }));
  afterEach(() => jest.useRealTimers());

  test('an enabled schedule runs each time it is due, even if the previous run has not ended, until stopped', () => {
    const runs: string[] = [];
    const schedules = startSchedules(schedulesOf(stack), ({ name }) => runs.push(name));

    jest.advanceTimersByTime(3 * MINUTE);
    expect(runs).toEqual(['Often', 'Often', 'Often']);

    jest.advanceTimersByTime(57 * MINUTE);
    expect(runs.filter(name => name === 'Rule')).toHaveLength(1);
    expect(runs).not.toContain('switched-off');

    schedules.stop();
    runs.length = 0;
    jest.advanceTimersByTime(10 * MINUTE);
    expect(runs).toEqual([]);
  });

  test('a wait longer than setTimeout’s maximum is not cut short', () => {
    const [often] = schedulesOf(stack);
    const runs: string[] = [];
    startSchedules([{ ...(often as Schedule), expression: 'rate(30 days)' }], ({ name }) => runs.push(name));

    jest.advanceTimersByTime(29 * 24 * 60 * MINUTE);
    expect(runs).toEqual([]);
    jest.advanceTimersByTime(24 * 60 * MINUTE);
    expect(runs).toEqual(['Often']);
  });
});
