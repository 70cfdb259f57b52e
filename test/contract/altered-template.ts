import type { Template, TemplateResource } from '../../local/aws/cloudformation/template';

/** The template with each resource of this type changed, or left out where nothing is returned. */
export function changed(
  type: string,
  change: (resource: TemplateResource, id: string) => TemplateResource | undefined,
) {
  return (template: Template): Template => ({
    ...template,
    Resources: Object.fromEntries(
      Object.entries(template.Resources).flatMap(([id, resource]) => {
        const now = resource.Type === type ? change(resource, id) : resource;
        return now === undefined ? [] : [[id, now]];
      }),
    ),
  });
}

/** The template with these properties on each resource of this type. */
export function withProperties(type: string, properties: object) {
  return changed(type, resource => ({ ...resource, Properties: { ...resource.Properties, ...properties } }));
}

/** The template with this one throttle on every route. */
export function throttledTo(DefaultRouteSettings: { ThrottlingBurstLimit: number; ThrottlingRateLimit: number }) {
  return withProperties('AWS::ApiGatewayV2::Stage', { DefaultRouteSettings, RouteSettings: {} });
}
