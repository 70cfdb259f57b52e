import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { BUTTON_CONTRAST, contrast } from './app-look';
import { isOrigin, isReturnTarget, isServerUrl } from '../parts/urls';

// In a CDK app of your own, a value can be a token that is only known at deployment and cannot be checked here.
const text = (isValid: (value: string) => boolean, message: string) =>
  z.string(message).refine(value => Token.isUnresolved(value) || isValid(value), message);

const count = (message: string, most: number) => z.int(message).min(1, message).max(most, message);

const serverUrl = (what: string) => text(isServerUrl, `must be ${what}: an https URL without query or fragment`);

const returnTarget = text(
  isReturnTarget,
  'must be an https URL or an app\'s custom scheme, for example "https://app.example.com/connected"',
);

const RETURN_TARGETS_BYTES = 2_500; // Lambda allows 4 KB for the whole environment.

const COLOUR = 'must be a colour as #rrggbb, for example "#1f6f54"';
// Aborts, because the contrast below cannot be computed without a valid colour.
const colour = z.string(COLOUR).regex(/^#[0-9a-f]{6}$/i, { error: COLOUR, abort: true });

/** All settings: meaning, valid values and default. Error messages continue a sentence that begins with the setting's name. */
export const schema = z
  .strictObject(
    {
      /** The `iss` of your users' tokens, byte for byte. API Gateway reads its `/.well-known/openid-configuration`. */
      issuer: serverUrl("the issuer of your users' tokens"),
      /** The accepted `aud` (or `client_id`) values of tokens. */
      audience: z
        .array(
          text(value => value !== '', 'must be a non-empty string'),
          'must be a list with at least one audience',
        )
        .min(1, 'must be a list with at least one audience'),
      /**
       * A scope that every token must have.
       * @default no scope is required
       */
      scope: text(
        value => /^[!#-[\]-~]+$/.test(value),
        'must be one OAuth scope: visible characters without spaces',
      ).optional(),
      /**
       * The namespace of your users' subjects. It cannot be changed once there are users. If the issuer changes, set it to the
       * old issuer.
       * @default the issuer
       */
      ownerNamespace: text(
        value => value !== '' && Buffer.byteLength(value) <= 255,
        'must be a text of 1 to 255 bytes',
      ).optional(),
      /** The URLs that browsers can be sent back to, by the name that clients use as `returnTo`: https URLs or custom schemes. */
      returnTargets: z
        .record(z.string(), returnTarget, 'must be an object of names and URLs')
        .refine(targets => Object.keys(targets).length > 0, 'must name at least one return target')
        .refine(
          targets => Object.keys(targets).every(name => /^[a-z][a-z0-9-]{0,63}$/.test(name)),
          'must have names of lower-case letters, digits and hyphens that begin with a letter, at most 64 characters',
        )
        .refine(
          targets => Buffer.byteLength(JSON.stringify(targets)) <= RETURN_TARGETS_BYTES,
          `must be at most ${RETURN_TARGETS_BYTES} bytes of JSON, because it is stored in a function's environment`,
        ),
      /**
       * How pages in the browser show the app. Text on a colour is black or white, whichever has more contrast.
       * @default "the app", a green button, and a light or dark page as the device prefers
       */
      app: z
        .strictObject(
          {
            /** The name without the word "app", which pages add: "Fit", not "Fit app". */
            name: text(
              value => /^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]{1,40}$/u.test(value) && value.trim() !== '',
              'must be a name of 1 to 40 characters without control characters',
            ),
            /** Colour of the button. */
            accent: colour.optional(),
            background: colour.optional(),
          },
          'must be an object with name and, optionally, accent and background',
        )
        .superRefine(({ accent, background }, context) => {
          if (accent === undefined || background === undefined) return;
          const ratio = contrast(accent, background);
          if (ratio >= BUTTON_CONTRAST) return;
          context.addIssue({
            code: 'custom',
            path: ['accent'],
            message: `must contrast more with app.background: the contrast is ${roundedDown(ratio)}:1, a button needs ${BUTTON_CONTRAST}:1`,
          });
        })
        .optional(),
      /**
       * Origins whose web pages can call the API.
       * @default none: only apps and servers can call it
       */
      allowedOrigins: z
        .array(
          text(isOrigin, 'must be an exact https origin, for example "https://app.example.com"'),
          'must be a list of origins',
        )
        .default([]),
      /**
       * The reference id of a user at Terra: `opaque`, an unguessable id, or `subject`, the token's subject, if you already have
       * Terra users with it.
       * @default 'opaque'
       */
      referenceId: z.enum(['opaque', 'subject'], 'must be "opaque" or "subject"').default('opaque'),
      /**
       * Whether to issue SDK tokens that Terra does not bind to the reference id, if Terra offers no bound ones.
       * @default true with opaque reference ids, which cannot be guessed; false with subjects
       */
      allowUnboundTokens: z.boolean('must be true or false').optional(),
      /**
       * Whether a connection counts only after its owner redeemed the code from the return URL. With `off`, an account is
       * connected to the user who created the link, even if another person completed it: a user can send a link to another
       * person and receive that person's health data. Set it only if all users are allowed to collect the data of other
       * people, for example if only your staff sign in and send links to patients.
       * @default 'required'
       */
      confirmation: z.enum(['required', 'off'], 'must be "required" or "off"').default('required'),
      /**
       * Minutes after which an unconfirmed connection is disconnected.
       * @default 60
       */
      confirmWithinMinutes: count('must be a whole number of minutes from 1 to 1440', 1440).default(60),
      /**
       * Sessions and SDK tokens that one user can create in ten minutes. Also, at most 100 of each are stored for one user.
       * @default 10 sessions, 20 tokens (`mints`)
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
       * Whether Terra's data events update `lastDataAt` (at most hourly) or are dropped.
       * @default 'coalesce'
       */
      dataEvents: z.enum(['coalesce', 'ignore'], 'must be "coalesce" or "ignore"').default('coalesce'),
      /**
       * Which widget endpoint of Terra opens sessions.
       * @default 'current'
       */
      widget: z.enum(['current', 'legacy'], 'must be "current" or "legacy"').default('current'),
      /**
       * The base URL of Terra's API, before `/auth/…` and `/userInfo`.
       * @default the only server in Terra's published specification
       */
      terraApiUrl: serverUrl("Terra's API").default('https://access.tryterra.co/api/v2'),
      /**
       * The complete URL of the widget-session endpoint.
       * @default the documented one for this `widget`
       */
      terraWidgetUrl: serverUrl("Terra's widget endpoint").optional(),
      /**
       * The URL under which users and Terra reach the API through your proxy.
       * @default the API's own URL
       */
      publicUrl: serverUrl('the URL your proxy serves this API under').optional(),
      /**
       * A custom domain of the API, and its certificate in the same region.
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
       * Which KMS key encrypts the table, secrets, dead letters and logs: AWS's own, or a customer key.
       * @default 'aws'
       */
      encryption: z.enum(['aws', 'customer'], 'must be "aws" or "customer"').default('aws'),
      /**
       * Address that receives the alarms by e-mail.
       * @default none
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
       * What happens to table and logs when the stack is deleted. The reference-id key is always retained.
       * @default 'retain'
       */
      removal: z.enum(['retain', 'destroy'], 'must be "retain" or "destroy"').default('retain'),
    },
    'must be an object of settings',
  )
  .refine(settings => settings.domain === undefined || settings.publicUrl === undefined, {
    path: ['publicUrl'],
    error: 'must be left out if terraConnect.domain is set, because the API has one public URL',
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

/** Rounds down, so that a contrast that is too low does not look sufficient. */
const roundedDown = (ratio: number): string => (Math.floor(ratio * 10) / 10).toFixed(1);

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');
