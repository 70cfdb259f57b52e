import type { Trend } from './figures';

/** A level read at some time. */
export type Reading = { readonly at: number; readonly level: number };

/** The line of least squares through the readings, by its ends. */
export function trendOf(readings: readonly Reading[]): Trend {
  const mean = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  const [at, level] = [mean(readings.map(one => one.at)), mean(readings.map(one => one.level))];
  const spread = readings.reduce((sum, one) => sum + (one.at - at) ** 2, 0);
  const slope = spread === 0 ? 0 : readings.reduce((sum, one) => sum + (one.at - at) * (one.level - level), 0) / spread;
  const line = (time: number) => level + slope * (time - at);
  const scatter = Math.sqrt(mean(readings.map(one => (one.level - line(one.at)) ** 2)));
  const ends = [readings[0], readings.at(-1)].map(one => line(one?.at ?? at));
  const [from = level, to = level] = ends;
  return { from, to, growth: level === 0 ? 0 : (to - from) / level, scatter };
}
