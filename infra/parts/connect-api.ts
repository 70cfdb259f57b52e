import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  CfnApiMapping,
  CfnStage,
  CorsHttpMethod,
  DomainName,
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  SecurityPolicy,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import * as routes from '../../functions/routes';
import type { ConnectFunction } from './connect-function';
import type { Settings } from '../settings/settings';

/** Requests per second and burst for all callers of a route together. The functions limit single users. */
export type Throttle = { readonly perSecond: number; readonly burst: number };

/** The name of a route's export in `functions/routes.ts`. */
export type RouteName = {
  [Name in keyof typeof routes]: (typeof routes)[Name] extends routes.Route ? Name : never;
}[keyof typeof routes];

/** Throttles by route; `others` is for all routes that are not named. */
export type Throttles = { readonly [name in RouteName | 'others']?: Throttle };

const defaultThrottles = {
  others: { perSecond: 50, burst: 100 },
  mintToken: { perSecond: 5, burst: 10 },
  createSession: { perSecond: 20, burst: 40 },
  receiveWebhook: { perSecond: 200, burst: 400 },
} satisfies Throttles;

type ConnectApiProps = {
  readonly settings: Settings;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
  readonly throttles: Throttles | undefined;
};

/** Fields of the access log. Paths, queries, addresses and claims are left out because they can be secret or personal. */
const accessLog = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  routeKey: '$context.routeKey',
  status: '$context.status',
  responseLength: '$context.responseLength',
  responseLatencyMs: '$context.responseLatency',
  integrationLatencyMs: '$context.integrationLatency',
  integrationStatus: '$context.integrationStatus',
  gatewayError: '$context.error.responseType',
};

/** The HTTP API: all routes of `functions/routes.ts`, the JWT authorizer for users, CORS, throttles and access log. */
export class ConnectApi extends Construct {
  readonly httpApi: HttpApi;
  readonly accessLogGroup: LogGroup;
  readonly domainName: DomainName | undefined;
  /**
   * The URL under which users and Terra reach the API, without a slash at the end. It does not refer to the stage, because the
   * stage depends on the functions and they need this URL.
   */
  readonly publicUrl: string;
  private readonly authorizer: HttpJwtAuthorizer;
  private readonly scopes: string[] | undefined;
  private readonly throttles: Throttles;

  constructor(scope: Construct, id: string, { settings, ...props }: ConnectApiProps) {
    super(scope, id);
    this.throttles = { ...defaultThrottles, ...props.throttles };
    this.httpApi = new HttpApi(this, 'Api', {
      apiName: `terra-connect-${settings.stage}`,
      createDefaultStage: false,
      disableExecuteApiEndpoint: settings.domain !== undefined,
      ...(settings.allowedOrigins.length > 0 ? { corsPreflight: cors(settings.allowedOrigins) } : {}),
    });
    this.authorizer = new HttpJwtAuthorizer('Users', settings.issuer, { jwtAudience: settings.audience });
    this.scopes = settings.scope === undefined ? undefined : [settings.scope];
    this.domainName = settings.domain && this.customDomain(settings.domain);
    this.publicUrl =
      settings.publicUrl ?? (settings.domain ? `https://${settings.domain.name}` : this.httpApi.apiEndpoint);
    this.accessLogGroup = new LogGroup(this, 'AccessLog', {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
      ...(props.encryptionKey ? { encryptionKey: props.encryptionKey } : {}),
    });
  }

  get webhookUrl(): string {
    return `${this.publicUrl}${routes.receiveWebhook.path}`;
  }

  /** The URL that Terra sends browsers back to, without `/{state}/success` and `/{state}/failure`. */
  get callbackBase(): string {
    return `${this.publicUrl}${routes.returnSuccess.path.replace(/\/\{state\}.*$/, '')}`;
  }

  /** Adds every declared route with the function it names. Throws if that function is missing. */
  addRoutes(functions: readonly ConnectFunction[]): void {
    const integrations = new Map(
      functions.map(({ name, lambda }) => [
        name,
        // Above the functions' own timeout, so that Lambda ends a slow function and logs it.
        new HttpLambdaIntegration(`${name}Integration`, lambda, { timeout: Duration.seconds(15) }),
      ]),
    );
    const added = declaredRoutes().map(([id, route]) => {
      const integration = integrations.get(route.function);
      if (!integration)
        throw new Error(`The route ${keyOf(route)} names functions/${route.function}, which infra does not deploy`);
      return new HttpRoute(this, id, {
        httpApi: this.httpApi,
        routeKey: HttpRouteKey.with(route.path, HttpMethod[route.method]),
        integration,
        ...(route.caller === 'user' ? { authorizer: this.authorizer } : {}),
        ...(route.caller === 'user' && this.scopes ? { authorizationScopes: this.scopes } : {}),
      });
    });
    this.addStage(added);
  }

  private addStage(added: readonly HttpRoute[]): void {
    const stage = new CfnStage(this, 'Stage', {
      apiId: this.httpApi.apiId,
      stageName: '$default',
      autoDeploy: true,
      accessLogSettings: { destinationArn: this.accessLogGroup.logGroupArn, format: JSON.stringify(accessLog) },
      defaultRouteSettings: {
        throttlingRateLimit: (this.throttles.others ?? defaultThrottles.others).perSecond,
        throttlingBurstLimit: (this.throttles.others ?? defaultThrottles.others).burst,
      },
      // CloudFormation takes this as JSON, in its own spelling.
      routeSettings: this.routeSettings(),
    });
    // CloudFormation cannot create a stage that names a route which does not exist yet.
    for (const route of added) stage.node.addDependency(route);
    if (this.domainName) {
      const mapping = new CfnApiMapping(this, 'Mapping', {
        apiId: this.httpApi.apiId,
        domainName: this.domainName.name,
        stage: stage.ref,
      });
      mapping.node.addDependency(stage);
    }
  }

  private routeSettings(): Record<string, object> {
    return Object.fromEntries(
      declaredRoutes().flatMap(([id, route]) => {
        const throttle = this.throttles[id];
        return throttle ? [[keyOf(route), setting(throttle)]] : [];
      }),
    );
  }

  private customDomain({ name, certificateArn }: NonNullable<Settings['domain']>): DomainName {
    return new DomainName(this, 'Domain', {
      domainName: name,
      securityPolicy: SecurityPolicy.TLS_1_2,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
    });
  }
}

/** Returns every route with the name of its export. */
export function declaredRoutes(): [id: RouteName, route: routes.Route][] {
  return Object.entries(routes).flatMap(([id, value]): [RouteName, routes.Route][] =>
    isRoute(value) ? [[id as RouteName, value]] : [],
  );
}

const isRoute = (value: object): value is routes.Route => 'caller' in value;

const keyOf = ({ method, path }: routes.Route): string => `${method} ${path}`;

const setting = ({ perSecond, burst }: Throttle) => ({ ThrottlingRateLimit: perSecond, ThrottlingBurstLimit: burst });

function cors(allowOrigins: string[]) {
  return {
    allowOrigins,
    allowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST, CorsHttpMethod.DELETE],
    allowHeaders: ['authorization', 'content-type', 'idempotency-key'],
    exposeHeaders: ['retry-after', 'location'],
    allowCredentials: false,
    maxAge: Duration.minutes(10),
  };
}
