import type { Stack } from '../cloudformation/template';

/** The parts of a template's HTTP API that the gateway uses. */
export type Api = {
  readonly routes: readonly Route[];
  readonly cors: Cors | undefined;
  throttleOf(routeKey: string): Throttle;
};

export type Route = {
  /** For example `GET /v1/sessions/{id}` or `$default`. */
  readonly key: string;
  readonly functionArn: string;
  /** The integration timeout. */
  readonly timeoutMs: number;
  /** Undefined for public routes. */
  readonly jwt?: JwtRule;
};

export type JwtRule = {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
};

/** Requests per second, and the burst size. */
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

/** The longest integration timeout that API Gateway allows, which is also the default. */
const INTEGRATION_LIMIT_MS = 30_000;
/** The default quota of an AWS account for all its APIs. */
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
        `The integration of ${properties.RouteKey} has a timeout of ${timeoutMs} ms; API Gateway allows at most 30000`,
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
    throw new Error(`The route ${RouteKey} uses the authorization ${AuthorizationType}, which is not emulated`);
  }
  const { Issuer, Audience } = authorizer.properties.JwtConfiguration;
  return { issuer: Issuer, audience: Audience, scopes: AuthorizationScopes };
}
