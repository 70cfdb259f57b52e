import type { Stack } from '../cloudformation/template';

/** The HTTP API of a template: what its gateway must know. */
export type Api = {
  readonly routes: readonly Route[];
  readonly cors: Cors | undefined;
  throttleOf(routeKey: string): Throttle;
};

export type Route = {
  /** `GET /v1/sessions/{id}` or `$default`. */
  readonly key: string;
  readonly functionArn: string;
  /** The gateway stops waiting for the function after this. */
  readonly timeoutMs: number;
  /** Absent on public routes. */
  readonly jwt?: JwtRule;
};

export type JwtRule = {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
};

/** Requests a second, and at once. */
export type Throttle = { readonly rate: number; readonly burst: number };

/** CloudFormation's CorsConfiguration. */
export type Cors = {
  readonly AllowOrigins?: readonly string[];
  readonly AllowMethods?: readonly string[];
  readonly AllowHeaders?: readonly string[];
  readonly ExposeHeaders?: readonly string[];
  readonly AllowCredentials?: boolean;
  readonly MaxAge?: number;
};

type RouteProperties = {
  readonly RouteKey: string;
  readonly Target: string;
  readonly AuthorizationType?: string;
  readonly AuthorizerId?: string;
  readonly AuthorizationScopes?: readonly string[];
};
type IntegrationProperties = { readonly IntegrationUri: string; readonly TimeoutInMillis?: number };
type AuthorizerProperties = {
  readonly JwtConfiguration: { readonly Issuer: string; readonly Audience: readonly string[] };
};
type ThrottleProperties = { readonly ThrottlingRateLimit?: number; readonly ThrottlingBurstLimit?: number };
type StageProperties = {
  readonly DefaultRouteSettings?: ThrottleProperties;
  readonly RouteSettings?: Readonly<Record<string, ThrottleProperties>>;
};

/** API Gateway refuses a longer timeout of an integration, and waits this long where the template names none. */
const INTEGRATION_LIMIT_MS = 30_000;
/** What an AWS account allows all its APIs together. */
const ACCOUNT_THROTTLE: Throttle = { rate: 10_000, burst: 5_000 };

export function apiOf(stack: Stack): Api {
  const [api] = stack.resources<{ readonly CorsConfiguration?: Cors }>('AWS::ApiGatewayV2::Api');
  const [stage] = stack.resources<StageProperties>('AWS::ApiGatewayV2::Stage');
  const authorizers = stack.resources<AuthorizerProperties>('AWS::ApiGatewayV2::Authorizer');
  const integrations = stack.resources<IntegrationProperties>('AWS::ApiGatewayV2::Integration');

  const routes = stack.resources<RouteProperties>('AWS::ApiGatewayV2::Route').map(({ properties }): Route => {
    const integration = integrations.find(({ ref }) => properties.Target === `integrations/${ref}`);
    if (integration === undefined) throw new Error(`The route ${properties.RouteKey} has no integration`);
    const timeoutMs = integration.properties.TimeoutInMillis ?? INTEGRATION_LIMIT_MS;
    if (timeoutMs > INTEGRATION_LIMIT_MS) {
      throw new Error(
        `The integration of ${properties.RouteKey} waits ${timeoutMs} ms; API Gateway allows 30000 at most`,
      );
    }
    const jwt = jwtRule(properties, authorizers);
    return {
      key: properties.RouteKey,
      functionArn: integration.properties.IntegrationUri,
      timeoutMs,
      ...(jwt && { jwt }),
    };
  });

  return {
    routes,
    cors: api?.properties.CorsConfiguration,
    throttleOf(routeKey) {
      const own = stage?.properties.RouteSettings?.[routeKey];
      const usual = stage?.properties.DefaultRouteSettings;
      return {
        rate: own?.ThrottlingRateLimit ?? usual?.ThrottlingRateLimit ?? ACCOUNT_THROTTLE.rate,
        burst: own?.ThrottlingBurstLimit ?? usual?.ThrottlingBurstLimit ?? ACCOUNT_THROTTLE.burst,
      };
    },
  };
}

function jwtRule(
  { RouteKey, AuthorizationType = 'NONE', AuthorizerId, AuthorizationScopes = [] }: RouteProperties,
  authorizers: readonly { readonly ref: string; readonly properties: AuthorizerProperties }[],
): JwtRule | undefined {
  if (AuthorizationType === 'NONE') return undefined;
  const authorizer = authorizers.find(({ ref }) => ref === AuthorizerId);
  if (AuthorizationType !== 'JWT' || authorizer === undefined) {
    throw new Error(`The route ${RouteKey} is guarded by ${AuthorizationType}, which is not emulated`);
  }
  const { Issuer, Audience } = authorizer.properties.JwtConfiguration;
  return { issuer: Issuer, audience: Audience, scopes: AuthorizationScopes };
}
