import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type IFilterPattern, type ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Facts } from '../../functions/core/platform/log';
import * as routes from '../../functions/routes';
import type { Signal } from './alarm-list';
import type { ConnectApi } from './connect-api';
import type { ConnectFunction } from './connect-function';
import type { DeadLetters } from './dead-letters';
import type { RepeatedRun } from './scheduled-function';

export type Watched = {
  readonly stage: string;
  readonly api: ConnectApi;
  readonly webhook: ConnectFunction;
  /** The other functions behind the API. */
  readonly others: readonly ConnectFunction[];
  readonly publish: ConnectFunction;
  readonly sweepRuns: RepeatedRun;
  readonly reconcileRuns: RepeatedRun;
  readonly deadLetters: DeadLetters;
};

/** Fewer failures than this say nothing about a share of all requests. */
const FEW = 3;

/**
 * Everything that is measured. What the log lines say is counted by metric filters, so that no request pays for it; a
 * metric of these is paid for only in the hours it counted something.
 */
export class Signals extends Construct {
  /** Where the metrics made from logs are. */
  readonly namespace: string;
  private readonly watched: Watched;

  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    this.watched = watched;
    this.namespace = `TerraConnect/${watched.stage}`;
    const byOutcome = { Route: field('route'), Outcome: field('outcome') };
    for (const { logGroup } of this.functions) {
      this.count(logGroup, 'Alarms', said('alarm'), { Alarm: field('alarm') });
    }
    for (const { logGroup } of [watched.webhook, ...watched.others]) {
      this.count(logGroup, 'Outcomes', said('outcome'), byOutcome);
    }
    const notUnderstood = { Type: field('eventType'), Field: field('unread') };
    this.count(watched.webhook.logGroup, 'UnreadFields', said('unread'), notUnderstood);
    const { accessLogGroup } = watched.api;
    this.count(accessLogGroup, 'Statuses', FilterPattern.exists('$.status'), { Status: '$.status' });
    this.count(accessLogGroup, 'BodyTooLarge', tooLargeEvent);
  }

  /** A signal over so long a time; of a schedule's runs never over less than from one to the next. */
  metric(signal: Signal, period: Duration): IMetric {
    const { api, webhook, others, publish, sweepRuns, reconcileRuns, deadLetters } = this.watched;
    const jobs = [sweepRuns.run, reconcileRuns.run, publish];
    switch (signal) {
      case 'body_too_large':
        return this.counted('BodyTooLarge', period);
      case 'server_errors_percent':
        return serverErrorsPercent(api, period);
      case 'webhook_errors':
        return webhook.lambda.metricErrors({ period });
      case 'publish_errors':
        return publish.lambda.metricErrors({ period });
      case 'sweep_errors':
        return sweepRuns.run.lambda.metricErrors({ period });
      case 'reconcile_errors':
        return reconcileRuns.run.lambda.metricErrors({ period });
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
        return sweepRuns.deadLetters.metricApproximateNumberOfMessagesVisible({ period });
      case 'reconcile_not_started':
        return reconcileRuns.deadLetters.metricApproximateNumberOfMessagesVisible({ period });
      case 'sweep_runs':
        return runsOf(sweepRuns, period);
      case 'reconcile_runs':
        return runsOf(reconcileRuns, period);
      default:
        return this.counted('Alarms', period, { Alarm: signal });
    }
  }

  /** One line for each value the metric's dimensions have taken. */
  each(metricName: 'Outcomes' | 'Statuses', dimensions: string): IMetric {
    const schema = `{"${this.namespace}",${dimensions}} MetricName="${metricName}"`;
    return new MathExpression({ expression: `SEARCH('${schema}', 'Sum', 300)`, usingMetrics: {}, label: '' });
  }

  get functions(): ConnectFunction[] {
    const { webhook, others, publish, sweepRuns, reconcileRuns } = this.watched;
    return [webhook, ...others, publish, sweepRuns.run, reconcileRuns.run];
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

/** A fact of a log line: under JSON logging what a function logs is the line's `message`. */
const field = (fact: keyof Facts): string => `$.message.${fact}`;
const said = (fact: keyof Facts): IFilterPattern => FilterPattern.exists(field(fact));

// The gateway refuses such an event before any function sees it.
const tooLargeEvent = FilterPattern.all(
  FilterPattern.stringValue('$.status', '=', '413'),
  FilterPattern.stringValue('$.routeKey', '=', `${routes.receiveWebhook.method} ${routes.receiveWebhook.path}`),
);

function serverErrorsPercent({ httpApi }: ConnectApi, period: Duration): IMetric {
  return new MathExpression({
    expression: `IF(failed >= ${FEW}, 100 * failed / requests, 0)`,
    usingMetrics: {
      failed: httpApi.metricServerError({ period, statistic: Stats.SUM }),
      requests: httpApi.metricCount({ period, statistic: Stats.SUM }),
    },
    label: 'requests that failed, %',
    period,
  });
}

function runsOf({ run, every }: RepeatedRun, period: Duration): IMetric {
  const longest = Duration.seconds(Math.max(period.toSeconds(), every.toSeconds()));
  return run.lambda.metricInvocations({ period: longest });
}

/** The sum of at most ten metrics, which is all an alarm may look at; one that counted nothing counts as 0. */
function total(metrics: readonly Metric[]): IMetric {
  const named = metrics.map((metric, at) => [`m${at}`, metric] as const);
  return new MathExpression({
    expression: `SUM([${named.map(([name]) => `FILL(${name},0)`).join(',')}])`,
    usingMetrics: Object.fromEntries(named),
    period: metrics[0]?.period ?? Duration.minutes(5),
  });
}
