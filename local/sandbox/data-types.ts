/** Data event types. OpenAPI, WebhookEventType. */
export const dataTypes = [
  'activity',
  'athlete',
  'body',
  'daily',
  'menstruation',
  'nutrition',
  'sleep',
  'planned_workout',
  'hormone',
  'health_observation',
  'lab_report.completed',
  'lab_report.failed',
] as const;

export type DataType = (typeof dataTypes)[number];
