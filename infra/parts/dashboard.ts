import { Duration, Stack } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { Signal } from './alarm-list';
import type { Alarms } from './alarms';
import type { Signals, Watched } from './metrics';

type OverviewProps = Pick<Watched, 'stage' | 'api'> & { readonly signals: Signals; readonly alarms: Alarms };

const period = Duration.minutes(5);

/** One page that shows how it goes: alarms first, then requests, events and functions. */
export class Overview extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, { stage, api, signals, alarms }: OverviewProps) {
    super(scope, id);
    const { httpApi } = api;
    const of = (...wanted: Signal[]) => wanted.map(signal => signals.metric(signal, period));
    this.dashboard = new Dashboard(this, 'Dashboard', {
      // Dashboards are known by their name in all regions at once.
      dashboardName: `terra-connect-${stage}-${Stack.of(this).region}`,
      defaultInterval: Duration.hours(24),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms.alarms], width: 24, height: 5 })],
        [
          graph('Requests by status', [signals.each('Statuses', 'Status')]),
          graph('Failed requests, %', of('server_errors_percent')),
          graph('Time to answer, ms', [
            httpApi.metricLatency({ period, statistic: Stats.p(50), label: 'half' }),
            httpApi.metricLatency({ period, statistic: Stats.p(99), label: '99 of 100' }),
          ]),
        ],
        [
          graph('Outcomes by route', [signals.each('Outcomes', 'Route,Outcome')]),
          graph('Events waiting to be published, ms', of('publish_age_ms')),
          graph('Dead letters', of('dead_letters', 'sweep_not_started', 'reconcile_not_started')),
        ],
        [
          graph('Function errors', functionMetrics(signals, 'metricErrors')),
          graph('Function durations, 99 of 100, ms', functionMetrics(signals, 'metricDuration', Stats.p(99))),
          graph('Runs', of('sweep_runs', 'reconcile_runs')),
        ],
      ],
    });
  }
}

const graph = (title: string, left: IMetric[]): IWidget => new GraphWidget({ title, left, width: 8, height: 6 });

function functionMetrics(
  { functions }: Signals,
  metric: 'metricErrors' | 'metricDuration',
  statistic: string = Stats.SUM,
): IMetric[] {
  return functions.map(({ name, lambda }) => lambda[metric]({ period, statistic, label: name }));
}
