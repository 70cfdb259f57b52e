import type { Check } from './check';
import {
  backlogCheck,
  dataEventsCheck,
  deadLettersCheck,
  reconcileCheck,
  sweepCheck,
  unreadableRowsCheck,
} from './running-checks';
import { referenceKeyCheck, referenceKeySecretCheck, terraApiSecretCheck, webhookSecretCheck } from './secret-checks';
import { apiCheck, confirmationCheck, issuerCheck, returnTargetsCheck, settingsCheck } from './settings-checks';
import { expiryCheck, protectionCheck, recoveryCheck } from './table-checks';
import { credentialsCheck, providersCheck, widgetCheck } from './terra-checks';
import { signedWebhookCheck, unsignedWebhookCheck } from './webhook-checks';

/** Every check there is, in the order people read them. */
export const checks: readonly Check[] = [
  settingsCheck,
  confirmationCheck,
  issuerCheck,
  apiCheck,
  returnTargetsCheck,
  terraApiSecretCheck,
  webhookSecretCheck,
  referenceKeySecretCheck,
  referenceKeyCheck,
  credentialsCheck,
  widgetCheck,
  providersCheck,
  signedWebhookCheck,
  unsignedWebhookCheck,
  deadLettersCheck,
  sweepCheck,
  reconcileCheck,
  backlogCheck,
  unreadableRowsCheck,
  dataEventsCheck,
  recoveryCheck,
  protectionCheck,
  expiryCheck,
];
