import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';
import { readSettings, type Settings, SettingsError } from './settings';

/**
 * The settings a CDK run was given: context `terraConnect`, overlaid by the JSON file that context `settings` names.
 * @throws SettingsError naming every setting that is missing or wrong, or the file that cannot be read.
 */
export function settingsOf(node: Node): Settings {
  const file: unknown = node.tryGetContext('settings');
  const given: unknown = node.tryGetContext('terraConnect') ?? {};
  const over = file === undefined ? {} : read(file);
  return readSettings(isObject(given) && isObject(over) ? { ...given, ...over } : isObject(given) ? over : given);
}

function read(file: unknown): unknown {
  if (typeof file !== 'string') throw new SettingsError('The context "settings" must name a JSON file');
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SettingsError(
      error instanceof SyntaxError
        ? `The settings file ${file} is not JSON: ${error.message}`
        : `The settings file ${file} cannot be read`,
    );
  }
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
