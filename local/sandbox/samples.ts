import { createHash } from 'node:crypto';
import { terraTime } from './terra-user';
import type { SandboxUser } from './users';

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

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * Returns one fictitious item of a data event for the day that ends at `atMs`, in the shapes of OpenAPI's data schemas.
 */
export function dataItem(type: DataType, user: SandboxUser, atMs: number, samples: number): Record<string, unknown> {
  const metadata = {
    start_time: terraTime(atMs - DAY_MS),
    end_time: terraTime(atMs),
    summary_id: digest(`${user.userId}:${type}:${Math.floor(atMs / DAY_MS)}`).slice(0, 32),
    upload_type: 1,
  };
  const heartRate = {
    summary: { avg_hr_bpm: 61, max_hr_bpm: 143, min_hr_bpm: 47 },
    detailed: { hr_samples: bpm(atMs, samples) },
  };
  switch (type) {
    case 'athlete':
      return { provider_user_id: digest(user.account).slice(0, 12), first_name: null, country: null };
    case 'activity':
      return {
        metadata: { ...metadata, name: 'Morning Run', type: 8 },
        distance_data: { summary: { distance_meters: 8250.4, steps: 7902 } },
        calories_data: { total_burned_calories: 512.5 },
        heart_rate_data: heartRate,
        position_data: { position_samples: positions(atMs, samples) },
      };
    case 'daily':
      return {
        metadata,
        distance_data: { steps: 9120, distance_meters: 6890, detailed: { step_samples: steps(atMs, samples) } },
        calories_data: { total_burned_calories: 2210 },
        heart_rate_data: heartRate,
      };
    case 'sleep':
      return {
        metadata: { ...metadata, is_nap: false },
        sleep_durations_data: { asleep: { duration_asleep_state_seconds: 26_400 }, sleep_efficiency: 0.91 },
        heart_rate_data: heartRate,
      };
    case 'body':
      return {
        metadata,
        measurements_data: { measurements: [{ measurement_time: terraTime(atMs), weight_kg: 71.4 }] },
      };
    case 'nutrition':
      return {
        metadata,
        summary: { macros: { calories: 2050, protein_g: 92, carbohydrates_g: 240, fat_g: 71 } },
        meals: [],
      };
    case 'menstruation':
      return { metadata, menstruation_data: { day_in_cycle: 9, cycle_length_days: 28, is_predicted_cycle: true } };
    case 'hormone':
      return { timestamp: terraTime(atMs), lh_mIU_per_ml: 5.2, e3g_ng_per_ml: 108.5 };
    case 'health_observation':
      return { metadata, observation_data: { observation_type: 'intermenstrual_bleeding', value: null } };
    case 'planned_workout':
      return {
        planned_workout_id: metadata.summary_id,
        planned_date: metadata.end_time.slice(0, 10),
        is_external: false,
      };
    case 'lab_report.completed':
    case 'lab_report.failed':
      return {};
    default:
      return type satisfies never;
  }
}

function bpm(atMs: number, samples: number): unknown[] {
  return series(atMs, samples, (timestamp, index) => ({ timestamp, bpm: 55 + ((index * 7) % 31) }));
}

function steps(atMs: number, samples: number): unknown[] {
  return series(atMs, Math.floor(samples / 15), (timestamp, index) => ({ timestamp, steps: (index * 13) % 240 }));
}

function positions(atMs: number, samples: number): unknown[] {
  return series(atMs, Math.floor(samples / 4), (timestamp, index) => ({
    timestamp,
    coords_lat_lng_deg: [51.5 + index / 1e5, -0.12 - index / 1e5],
  }));
}

function series(atMs: number, samples: number, sample: (timestamp: string, index: number) => unknown): unknown[] {
  return Array.from({ length: samples }, (_, index) => sample(terraTime(atMs - (samples - index) * MINUTE_MS), index));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
