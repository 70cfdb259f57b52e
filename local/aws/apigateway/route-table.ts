export type Match<R> = { readonly route: R; readonly pathParameters: Readonly<Record<string, string>> };

/**
 * Creates a function that finds a request's route as an HTTP API does: literal segments before `{p}` before `{p+}`, an
 * exact method before `ANY`, `$default` last. HEAD does not match a GET route.
 */
export function routeTable<R extends { readonly key: string }>(
  routes: readonly R[],
): (method: string, path: string) => Match<R> | undefined {
  const patterns = routes
    .filter(({ key }) => key !== '$default')
    .map(route => {
      const [method = '', path = ''] = route.key.split(' ');
      const segments = path.split('/');
      return { route, method, segments, rank: rankOf(method, segments) };
    })
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1));
  const fallback = routes.find(({ key }) => key === '$default');

  return (method, path) => {
    const segments = path.split('/');
    for (const pattern of patterns) {
      if (pattern.method !== method && pattern.method !== 'ANY') continue;
      const pathParameters = matchSegments(pattern.segments, segments);
      if (pathParameters) return { route: pattern.route, pathParameters };
    }
    return fallback && { route: fallback, pathParameters: {} };
  };
}

/** Returns a sort key that puts the most specific route first, segment by segment. */
function rankOf(method: string, segments: readonly string[]): string {
  const kinds = segments.map(segment => (segment.endsWith('+}') ? '2' : segment.startsWith('{') ? '1' : '0'));
  return `${kinds.join('')}${method === 'ANY' ? '1' : '0'}`;
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [at, expected] of pattern.entries()) {
    const actual = segments[at];
    if (expected.endsWith('+}')) {
      const rest = segments.slice(at).join('/');
      return rest === '' ? undefined : { ...parameters, [expected.slice(1, -2)]: rest };
    }
    if (actual === undefined) return undefined;
    if (!expected.startsWith('{')) {
      if (actual !== expected) return undefined;
    } else if (actual === '') return undefined;
    else parameters[expected.slice(1, -1)] = actual;
  }
  return pattern.length === segments.length ? parameters : undefined;
}
