import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { BUTTON_CONTRAST, contrast } from './app-look';
import { isOrigin, isReturnTarget, isServerUrl } from '../parts/urls';

// Inside somebody's own CDK app a value may only be known at deployment (a token): nothing to check yet.
const text = (accepts: (value: string) => boolean, sentence: string) =>
  z.string(sentence).refine(value => Token.isUnresolved(value) || accepts(value), sentence);

const count = (sentence: string, most: number) => z.int(sentence).min(1, sentence).max(most, sentence);

const serverUrl = (what: string) => text(isServerUrl, `must be ${what}: an https URL without query or fragment`);

const returnTarget = text(
  isReturnTarget,
  'must be an https URL or an app\'s custom scheme, for example "https://app.example.com/connected"',
);

const RETURN_TARGETS_BYTES = 2_500; // Lambda allows 4 KB of environment in all.

const COLOUR = 'must be a colour as #rrggbb, for example "#1f6f54"';
// Ends the check there: what is no colour has no contrast.
const colour = z.string(COLOUR).regex(/^#[0-9a-f]{6}$/i, { error: COLOUR, abort: true });

/** Every setting: what it means, what it may be and its default. A message is the rest of a sentence that begins with the setting's name. */
export const schema = z
  .strictObject(
    {
      /** The `iss` of your users' tokens, byte for byte; its `/.well-known/openid-configuration` must answer. */
      issuer: serverUrl("the issuer of your users' tokens"),
      /** The `aud` (or `client_id`) values a token may carry. */
      audience: z
        .array(
          text(value => value !== '', 'must be a non-empty string'),
          'must be a list with at least one audience',
        )
        .min(1, 'must be a list with at least one audience'),
      /**
       * A scope every token must carry.
       * @default no scope is demanded
       */
      scope: text(
        value => /^[!#-[\]-~]+$/.test(value),
        'must be one OAuth scope: visible characters without spaces',
      ).optional(),
      /**
       * The name your users' subjects are known under. It cannot be changed once there are users: if the issuer changes, set it
       * to the old issuer.
       * @default the issuer
       */
      ownerNamespace: text(
        value => value !== '' && Buffer.byteLength(value) <= 255,
        'must be a text of 1 to 255 bytes',
      ).optional(),
      /** Where browsers may be sent back to, by the name a client asks for: exact https URLs or custom schemes. */
      returnTargets: z
        .record(z.string(), returnTarget, 'must be an object of names and URLs')
        .refine(targets => Object.keys(targets).length > 0, 'must name at least one return target')
        .refine(
          targets => Object.keys(targets).every(name => /^[a-z][a-z0-9-]{0,63}$/.test(name)),
          'must have names of lower-case letters, digits and hyphens that begin with a letter, at most 64 characters',
        )
        .refine(
          targets => Buffer.byteLength(JSON.stringify(targets)) <= RETURN_TARGETS_BYTES,
          `must be at most ${RETURN_TARGETS_BYTES} bytes of JSON in all, since it travels in a function's environment`,
        ),
      /**
       * The app as the pages show it that people meet in the browser; what is written on a colour is black or white, whichever
       * reads better.
       * @default "the app", a green button, and a page that is light or dark as the person's device is
       */
      app: z
        .strictObject(
          {
            /** As it follows or precedes the word "app": "Fit", not "Fit app". */
            name: text(
              value => /^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]{1,40}$/u.test(value) && value.trim() !== '',
              'must be a name of 1 to 40 characters without control characters',
            ),
            /** Of the button. */
            accent: colour.optional(),
            background: colour.optional(),
          },
          'must be an object with name, and accent and background if you like',
        )
        .superRefine(({ accent, background }, context) => {
          if (accent === undefined || background === undefined) return;
          const ratio = contrast(accent, background);
          if (ratio >= BUTTON_CONTRAST) return;
          context.addIssue({
            code: 'custom',
            path: ['accent'],
            message: `must stand out from app.background: their contrast is ${shortened(ratio)}:1, a button needs ${BUTTON_CONTRAST}:1`,
          });
        })
        .optional(),
      /**
       * Origins whose pages may call the API.
       * @default none: only apps and servers call it
       */
      allowedOrigins: z
        .array(
          text(isOrigin, 'must be an exact https origin, for example "https://app.example.com"'),
          'must be a list of origins',
        )
        .default([]),
      /**
       * What Terra knows a user by: an unguessable id, or the token's subject for teams that already have Terra users.
       * @default 'opaque'
       */
      referenceId: z.enum(['opaque', 'subject'], 'must be "opaque" or "subject"').default('opaque'),
      /**
       * Whether SDK tokens that Terra does not bind to the reference id may be minted where bound ones are not offered.
       * @default true with opaque reference ids, which nobody can guess; false with subjects
       */
      allowUnboundTokens: z.boolean('must be true or false').optional(),
      /**
       * Whether a connection counts only once its owner has redeemed the code from the return URL. With `off`, an account
       * is connected to the user who opened the link, even if another person completed it: a user can send a link to
       * somebody and receive that person's health data. Set it only if all users may collect the data of other people,
       * for example if only your staff sign in and send links to patients.
       * @default 'required'
       */
      confirmation: z.enum(['required', 'off'], 'must be "required" or "off"').default('required'),
      /**
       * Minutes after which a connection nobody confirmed is disconnected.
       * @default 60
       */
      confirmWithinMinutes: count('must be a whole number of minutes from 1 to 1440', 1440).default(60),
      /**
       * What one owner may do in ten minutes. Beyond that, at most 100 sessions and 100 tokens are kept of one owner.
       * @default 10 sessions, 20 mints
       */
      limits: z
        .strictObject(
          {
            sessions: count('must be a whole number from 1 to 1000', 1000).default(10),
            mints: count('must be a whole number from 1 to 1000', 1000).default(20),
          },
          'must be an object with sessions and mints',
        )
        .prefault({}),
      /**
       * Whether Terra's data events refresh `lastDataAt` (at most hourly) or are dropped.
       * @default 'coalesce'
       */
      dataEvents: z.enum(['coalesce', 'ignore'], 'must be "coalesce" or "ignore"').default('coalesce'),
      /**
       * Which of Terra's widget endpoints opens sessions.
       * @default 'current'
       */
      widget: z.enum(['current', 'legacy'], 'must be "current" or "legacy"').default('current'),
      /**
       * The base that `/auth/…` and `/userInfo` are appended to.
       * @default the only server Terra's published specification names
       */
      terraApiUrl: serverUrl("Terra's API").default('https://access.tryterra.co/api/v2'),
      /**
       * The whole URL of the widget-session endpoint.
       * @default Terra's documented one for the chosen `widget`
       */
      terraWidgetUrl: serverUrl("Terra's widget endpoint").optional(),
      /**
       * The URL people and Terra reach the API by, where a proxy stands before it.
       * @default the API's own
       */
      publicUrl: serverUrl('the URL your proxy serves this API under').optional(),
      /**
       * A domain of your own for the API, and the certificate for it in the same region.
       * @default the API's own URL
       */
      domain: z
        .strictObject(
          {
            name: text(
              value => /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(value),
              'must be a domain name in lower case, for example "connect.example.com"',
            ),
            certificateArn: text(
              value => /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/.test(value),
              'must be the ARN of an ACM certificate',
            ),
          },
          'must be an object with name and certificateArn',
        )
        .optional(),
      /**
       * Whose key encrypts the table, the secrets and the logs.
       * @default 'aws'
       */
      encryption: z.enum(['aws', 'customer'], 'must be "aws" or "customer"').default('aws'),
      /**
       * Who is written to when something needs a person.
       * @default nobody
       */
      alarmEmail: text(value => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value), 'must be an e-mail address').optional(),
      /**
       * Names this deployment: its stack and its secrets.
       * @default 'prod'
       */
      stage: text(
        value => /^[a-z][a-z0-9-]{0,19}$/.test(value),
        'must be a name of lower-case letters, digits and hyphens, at most 20 characters',
      ).default('prod'),
      /**
       * What becomes of table and logs when the stack goes; the reference-id key is retained always.
       * @default 'retain'
       */
      removal: z.enum(['retain', 'destroy'], 'must be "retain" or "destroy"').default('retain'),
    },
    'must be an object of settings',
  )
  .refine(settings => settings.domain === undefined || settings.publicUrl === undefined, {
    path: ['publicUrl'],
    error: 'must be left out where terraConnect.domain is set: the API has one public URL',
    when: ({ value }) => typeof value === 'object' && value !== null,
  })
  .transform(settings => ({
    ...settings,
    ownerNamespace: settings.ownerNamespace ?? settings.issuer,
    allowUnboundTokens: settings.allowUnboundTokens ?? settings.referenceId === 'opaque',
    terraApiUrl: withoutSlash(settings.terraApiUrl),
    terraWidgetUrl: settings.terraWidgetUrl ?? widgetUrl(settings.widget, withoutSlash(settings.terraApiUrl)),
    ...(settings.publicUrl === undefined ? {} : { publicUrl: withoutSlash(settings.publicUrl) }),
  }));

/** The settings as a deployer writes them. */
export type SettingsInput = z.input<typeof schema>;

/** The settings with every default filled in; reading them again changes nothing. */
export type Settings = z.output<typeof schema>;

function widgetUrl(widget: 'current' | 'legacy', terraApiUrl: string): string {
  return widget === 'current'
    ? 'https://access.tryterra.co/api/widget/session'
    : `${terraApiUrl}/auth/generateWidgetSession`;
}

/** Rounded down, so that what is too little does not look enough. */
const shortened = (ratio: number): string => (Math.floor(ratio * 10) / 10).toFixed(1);

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
