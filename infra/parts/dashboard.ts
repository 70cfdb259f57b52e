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
import type { MetricName } from './alarm-list';
import type { Alarms } from './alarms';
import type { Metrics, MetricSources } from './metrics';

type MetricsDashboardProps = Pick<MetricSources, 'stage' | 'api'> & {
  readonly metrics: Metrics;
  readonly alarms: Alarms;
};

const period = Duration.minutes(5);

/** The CloudWatch dashboard: alarms first, then requests, events and functions. */
export class MetricsDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, { stage, api, metrics, alarms }: MetricsDashboardProps) {
    super(scope, id);
    const { httpApi } = api;
    const of = (...wanted: MetricName[]) => wanted.map(name => metrics.metric(name, period));
    this.dashboard = new Dashboard(this, 'Dashboard', {
      // A dashboard's name is unique in the account across all regions.
      dashboardName: `terra-connect-${stage}-${Stack.of(this).region}`,
      defaultInterval: Duration.hours(24),
      widgets: [
        [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms.alarms], width: 24, height: 5 })],
        [
          graph('Requests by status', [metrics.each('Statuses', 'Status')]),
          graph('Failed requests, %', of('server_errors_percent')),
          graph('Time to answer, ms', [
            httpApi.metricLatency({ period, statistic: Stats.p(50), label: 'half' }),
            httpApi.metricLatency({ period, statistic: Stats.p(99), label: '99 of 100' }),
          ]),
        ],
        [
          graph('Outcomes by route', [metrics.each('Outcomes', 'Route,Outcome')]),
          graph('Events waiting to be published, ms', of('publish_age_ms')),
          graph('Dead letters', of('dead_letters', 'sweep_not_started', 'reconcile_not_started')),
        ],
        [
          graph('Function errors', functionMetrics(metrics, 'metricErrors')),
          graph('Function durations, 99 of 100, ms', functionMetrics(metrics, 'metricDuration', Stats.p(99))),
          graph('Runs', of('sweep_runs', 'reconcile_runs')),
        ],
      ],
    });
  }
}

const graph = (title: string, left: IMetric[]): IWidget => new GraphWidget({ title, left, width: 8, height: 6 });

function functionMetrics(
  { functions }: Metrics,
  metric: 'metricErrors' | 'metricDuration',
  statistic: string = Stats.SUM,
): IMetric[] {
  return functions.map(({ name, lambda }) => lambda[metric]({ period, statistic, label: name }));
}
