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
import { defaultThrottles, type RouteName, type Throttle, type Throttles } from './throttles';

type ConnectApiProps = {
  readonly settings: Settings;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  readonly encryptionKey: IKey | undefined;
  readonly throttles: Throttles | undefined;
};

/** What the access log tells of a request: never a path, a query, an address or a claim. */
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

/** The HTTP API: every route of `functions/routes.ts`, the JWT authorizer before those for users, CORS, throttles, access log. */
export class ConnectApi extends Construct {
  readonly httpApi: HttpApi;
  readonly accessLogGroup: LogGroup;
  readonly domainName: DomainName | undefined;
  /** What people and Terra reach the API by, without a slash at the end. Of the API, never its stage: the stage waits for the functions, and they need this. */
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
    this.domainName = settings.domain && this.ownDomain(settings.domain);
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

  /** Where Terra sends browsers back to, before `/{state}/success` and `/{state}/failure`. */
  get callbackBase(): string {
    return `${this.publicUrl}${routes.returnSuccess.path.replace(/\/\{state\}.*$/, '')}`;
  }

  /** Opens every declared route, each to the function it names; throws if one of them is not among these. */
  open(functions: readonly ConnectFunction[]): void {
    const integrations = new Map(
      functions.map(({ name, lambda }) => [
        name,
        // A little above the functions' own timeout, so that a slow one is ended by Lambda and logged there.
        new HttpLambdaIntegration(`${name}Integration`, lambda, { timeout: Duration.seconds(15) }),
      ]),
    );
    const opened = declaredRoutes().map(([id, route]) => {
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
    this.openStage(opened);
  }

  private openStage(opened: readonly HttpRoute[]): void {
    const stage = new CfnStage(this, 'Stage', {
      apiId: this.httpApi.apiId,
      stageName: '$default',
      autoDeploy: true,
      accessLogSettings: { destinationArn: this.accessLogGroup.logGroupArn, format: JSON.stringify(accessLog) },
      defaultRouteSettings: {
        throttlingRateLimit: (this.throttles.others ?? defaultThrottles.others).perSecond,
        throttlingBurstLimit: (this.throttles.others ?? defaultThrottles.others).burst,
      },
      // Free-form JSON to CloudFormation, hence its own spelling.
      routeSettings: this.routeSettings(),
    });
    // A stage that names a route which does not exist yet cannot be made.
    for (const route of opened) stage.node.addDependency(route);
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

  private ownDomain({ name, certificateArn }: NonNullable<Settings['domain']>): DomainName {
    return new DomainName(this, 'Domain', {
      domainName: name,
      securityPolicy: SecurityPolicy.TLS_1_2,
      certificate: Certificate.fromCertificateArn(this, 'Certificate', certificateArn),
    });
  }
}

/** Every route with the name it is declared under. */
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
