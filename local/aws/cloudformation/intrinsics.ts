/** What intrinsic functions need to know about the template. */
export type TemplateContext = {
  reference(id: string): unknown;
  attribute(logicalId: string, name: string): unknown;
  holds(condition: string): boolean;
  mapping(map: string, first: string, second: string): unknown;
};

/**
 * Creates a function that resolves every `Ref` and `Fn::…` in a value. Values that refer to `AWS::NoValue` are left
 * out.
 */
export function resolver(context: TemplateContext): (value: unknown) => unknown {
  const intrinsics: Record<string, (argument: unknown) => unknown> = {
    Ref: id => context.reference(String(id)),
    'Fn::GetAtt': argument => attribute(Array.isArray(argument) ? argument.map(String) : String(argument).split('.')),
    'Fn::Join': argument => {
      const [separator, parts] = argument as [string, unknown];
      return list(parts).map(asText).join(separator);
    },
    'Fn::Sub': substitute,
    'Fn::Select': argument => {
      const [index, from] = argument as [number | string, unknown];
      return list(from)[Number(index)];
    },
    'Fn::Split': argument => {
      const [separator, whole] = argument as [string, unknown];
      return asText(resolve(whole)).split(separator);
    },
    'Fn::FindInMap': argument => {
      const [map = '', first = '', second = ''] = list(argument).map(asText);
      return context.mapping(map, first, second);
    },
    'Fn::If': argument => {
      const [condition, then, otherwise] = argument as [string, unknown, unknown];
      return resolve(context.holds(condition) ? then : otherwise);
    },
    'Fn::Equals': argument => {
      const [left, right] = list(argument);
      return asText(left) === asText(right);
    },
    'Fn::Not': argument => list(argument)[0] !== true,
    'Fn::And': argument => list(argument).every(holds => holds === true),
    'Fn::Or': argument => list(argument).some(holds => holds === true),
    // `Condition` is also a property of IAM statements; its value is then an object.
    Condition: argument => (typeof argument === 'string' ? context.holds(argument) : { Condition: resolve(argument) }),
  };

  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve).filter(item => item !== undefined);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name = '', argument] = entries.length === 1 ? (entries[0] ?? []) : [];
    const intrinsic = Object.hasOwn(intrinsics, name) ? intrinsics[name] : undefined;
    if (intrinsic) return intrinsic(argument);
    if (name.startsWith('Fn::')) throw new Error(`The template uses ${name}, which is not emulated`);
    return Object.fromEntries(
      entries.map(([key, inner]) => [key, resolve(inner)] as const).filter(([, inner]) => inner !== undefined),
    );
  }

  function substitute(argument: unknown): string {
    const [pattern, variables] = (Array.isArray(argument) ? argument : [argument, {}]) as [string, object];
    const own = new Map<string, unknown>(Object.entries(variables));
    return pattern.replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, key: string) => {
      if (literal) return `\${${key}}`;
      if (own.has(key)) return asText(resolve(own.get(key)));
      return asText(key.includes('.') ? attribute(key.split('.')) : context.reference(key));
    });
  }

  const attribute = ([logicalId = '', ...path]: readonly string[]) => context.attribute(logicalId, path.join('.'));

  const list = (value: unknown): unknown[] => {
    const resolved = resolve(value);
    if (!Array.isArray(resolved)) throw new Error(`The template must have a list instead of ${JSON.stringify(value)}`);
    return resolved;
  };

  return resolve;
}

export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`The template must have a text instead of ${JSON.stringify(value)}`);
}
