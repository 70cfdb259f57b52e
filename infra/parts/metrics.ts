import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type IFilterPattern, type ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { LogFields } from '../../functions/core/platform/log';
import * as routes from '../../functions/routes';
import type { MetricName } from './alarm-list';
import type { ConnectApi } from './connect-api';
import type { ConnectFunction } from './connect-function';
import type { DeadLetters } from './dead-letters';
import type { ScheduledFunction } from './scheduled-function';

export type MetricSources = {
  readonly stage: string;
  readonly api: ConnectApi;
  readonly webhook: ConnectFunction;
  /** The other functions behind the API. */
  readonly others: readonly ConnectFunction[];
  readonly publish: ConnectFunction;
  readonly sweepSchedule: ScheduledFunction;
  readonly reconcileSchedule: ScheduledFunction;
  readonly deadLetters: DeadLetters;
};

/** Fewer failures than this count as 0 %. */
const FAILURES_LEAST = 3;

/**
 * The metrics of alarms and dashboard. Metric filters count log lines, which costs no request any time; such a metric is billed
 * only for the hours in which it counted something.
 */
export class Metrics extends Construct {
  /** CloudWatch namespace of the metrics that are counted from logs. */
  readonly namespace: string;
  private readonly sources: MetricSources;

  constructor(scope: Construct, id: string, sources: MetricSources) {
    super(scope, id);
    this.sources = sources;
    this.namespace = `TerraConnect/${sources.stage}`;
    const byOutcome = { Route: field('route'), Outcome: field('outcome') };
    for (const { logGroup } of this.functions) {
      this.count(logGroup, 'Alarms', has('alarm'), { Alarm: field('alarm') });
    }
    for (const { logGroup } of [sources.webhook, ...sources.others]) {
      this.count(logGroup, 'Outcomes', has('outcome'), byOutcome);
    }
    const byUnread = { Type: field('eventType'), Field: field('unread') };
    this.count(sources.webhook.logGroup, 'UnreadFields', has('unread'), byUnread);
    const { accessLogGroup } = sources.api;
    this.count(accessLogGroup, 'Statuses', FilterPattern.exists('$.status'), { Status: '$.status' });
    this.count(accessLogGroup, 'BodyTooLarge', tooLargeEvent);
  }

  /** Returns a metric with this period; the metrics of scheduled runs use at least the schedule's interval. */
  metric(name: MetricName, period: Duration): IMetric {
    const { api, webhook, others, publish, sweepSchedule, reconcileSchedule, deadLetters } = this.sources;
    const jobs = [sweepSchedule.run, reconcileSchedule.run, publish];
    switch (name) {
      case 'body_too_large':
        return this.counted('BodyTooLarge', period);
      case 'server_errors_percent':
        return serverErrorsPercent(api, period);
      case 'webhook_errors':
        return webhook.lambda.metricErrors({ period });
      case 'publish_errors':
        return publish.lambda.metricErrors({ period });
      case 'sweep_errors':
        return sweepSchedule.run.lambda.metricErrors({ period });
      case 'reconcile_errors':
        return reconcileSchedule.run.lambda.metricErrors({ period });
      case 'api_errors':
        return total(others.map(({ lambda }) => lambda.metricErrors({ period })));
      case 'api_throttles':
        return total([webhook, ...others].map(({ lambda }) => lambda.metricThrottles({ period })));
      case 'job_throttles':
        return total(jobs.map(({ lambda }) => lambda.metricThrottles({ period })));
      case 'publish_age_ms':
        return publish.lambda.metric('IteratorAge', { period, statistic: Stats.MAXIMUM });
      case 'dead_letters':
        return deadLetters.queue.metricApproximateNumberOfMessagesVisible({ period });
      case 'sweep_not_started':
        return sweepSchedule.deadLetters.metricApproximateNumberOfMessagesVisible({ period });
      case 'reconcile_not_started':
        return reconcileSchedule.deadLetters.metricApproximateNumberOfMessagesVisible({ period });
      case 'sweep_runs':
        return runsOf(sweepSchedule, period);
      case 'reconcile_runs':
        return runsOf(reconcileSchedule, period);
      default:
        return this.counted('Alarms', period, { Alarm: name });
    }
  }

  /** Returns one graph line for each combination of values of the dimensions. */
  each(metricName: 'Outcomes' | 'Statuses', dimensions: string): IMetric {
    const schema = `{"${this.namespace}",${dimensions}} MetricName="${metricName}"`;
    return new MathExpression({ expression: `SEARCH('${schema}', 'Sum', 300)`, usingMetrics: {}, label: '' });
  }

  get functions(): ConnectFunction[] {
    const { webhook, others, publish, sweepSchedule, reconcileSchedule } = this.sources;
    return [webhook, ...others, publish, sweepSchedule.run, reconcileSchedule.run];
  }

  private counted(metricName: string, period: Duration, dimensionsMap: Record<string, string> = {}): Metric {
    return new Metric({ namespace: this.namespace, metricName, dimensionsMap, period, statistic: Stats.SUM });
  }

  private count(
    logGroup: ILogGroup,
    metricName: string,
    filterPattern: IFilterPattern,
    dimensions?: Record<string, string>,
  ): void {
    logGroup.addMetricFilter(metricName, {
      filterPattern,
      metricNamespace: this.namespace,
      metricName,
      metricValue: '1',
      ...(dimensions ? { dimensions } : {}),
    });
  }
}

/** Path of a field in a log line: with JSON logging, the logged object is the line's `message`. */
const field = (name: keyof LogFields): string => `$.message.${name}`;
const has = (name: keyof LogFields): IFilterPattern => FilterPattern.exists(field(name));

// API Gateway refuses such an event before it calls the function.
const tooLargeEvent = FilterPattern.all(
  FilterPattern.stringValue('$.status', '=', '413'),
  FilterPattern.stringValue('$.routeKey', '=', `${routes.receiveWebhook.method} ${routes.receiveWebhook.path}`),
);

function serverErrorsPercent({ httpApi }: ConnectApi, period: Duration): IMetric {
  return new MathExpression({
    expression: `IF(failed >= ${FAILURES_LEAST}, 100 * failed / requests, 0)`,
    usingMetrics: {
      failed: httpApi.metricServerError({ period, statistic: Stats.SUM }),
      requests: httpApi.metricCount({ period, statistic: Stats.SUM }),
    },
    label: 'requests that failed, %',
    period,
  });
}

function runsOf({ run, every }: ScheduledFunction, period: Duration): IMetric {
  const longest = Duration.seconds(Math.max(period.toSeconds(), every.toSeconds()));
  return run.lambda.metricInvocations({ period: longest });
}

/** Returns the sum of at most ten metrics, the limit of an alarm. A metric without data counts as 0. */
function total(metrics: readonly Metric[]): IMetric {
  const named = metrics.map((metric, at) => [`m${at}`, metric] as const);
  return new MathExpression({
    expression: `SUM([${named.map(([name]) => `FILL(${name},0)`).join(',')}])`,
    usingMetrics: Object.fromEntries(named),
    period: metrics[0]?.period ?? Duration.minutes(5),
  });
}
