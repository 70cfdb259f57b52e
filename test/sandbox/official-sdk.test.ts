import { TerraClient, verifyTerraWebhookSignature, WebhookVerificationError } from 'terra-api';
import { sign } from '../../functions/core/terra/signature';
import { API_KEY, DEV_ID, type Receiver, SECRET, type Setting, sandboxWithReceiver } from './setting';

let setting: Setting;
let receiver: Receiver;
let terra: TerraClient;

beforeAll(async () => {
  setting = await sandboxWithReceiver();
  receiver = setting.receiver;
  terra = new TerraClient({ devId: DEV_ID, apiKey: API_KEY, baseUrl: setting.sandbox.apiUrl });
});

afterAll(() => setting.close());

test('connects, looks up and disconnects a user', async () => {
  const link = await terra.authentication.authenticateuser({
    resource: 'GARMIN',
    reference_id: 'alice',
    auth_success_redirect_url: 'https://app.example/done',
  });
  const before = await terra.user.getinfoforuserid({ user_id: link.user_id ?? '' });
  await setting.consent(link.auth_url ?? '', 'approve');
  const after = await terra.user.getinfoforuserid({ user_id: link.user_id ?? '' });
  const all = await terra.user.getalluserids();
  const some = await terra.user.getinfoformultipleuserids([link.user_id ?? '']);
  const gone = await terra.authentication.deauthenticateuser({ user_id: link.user_id ?? '' });

  expect(before).toMatchObject({ is_authenticated: false, user: { provider: 'GARMIN', reference_id: 'alice' } });
  expect(after).toMatchObject({ is_authenticated: true, user: { user_id: link.user_id, active: true } });
  expect(all).toMatchObject({ users: [{ user_id: link.user_id }] });
  expect(some).toMatchObject([{ user_id: link.user_id }]);
  expect(gone).toEqual({ status: 'success' });
  await expect(terra.user.getinfoforuserid({ user_id: link.user_id ?? '' }, { maxRetries: 0 })).rejects.toMatchObject({
    statusCode: 404,
  });
});

test('opens a widget session, mints a token and lists integrations', async () => {
  const session = await terra.authentication.generatewidgetsession({ reference_id: 'bob', providers: 'OURA' });
  const token = await terra.authentication.generateauthtoken();
  const list = await terra.integrations.fetch();
  const detailed = await terra.integrations.detailedfetch({ sdk: true });

  expect(session.url).toContain(session.session_id);
  expect(session.expires_in).toBe(900);
  expect(token).toEqual({ status: 'success', token: expect.stringMatching(/^[0-9a-f]{64}$/), expires_in: 180 });
  expect(list.providers).toContain('GARMIN');
  expect(JSON.stringify(detailed)).toContain('APPLE');
});

test('its verifier accepts every valid delivery and no altered one', async () => {
  const link = await terra.authentication.authenticateuser({ resource: 'OURA', reference_id: 'zoë-1' });
  await setting.consent(link.auth_url ?? '', 'approve');
  await setting.sandbox.settled();
  const delivery = receiver.received.find(({ event }) => event.type === 'auth' && event.user?.reference_id === 'zoë-1');
  const header = delivery?.headers['x-terra-signature']?.toString() ?? '';
  const body = delivery?.body ?? '';

  await expect(verifyTerraWebhookSignature(body, header, SECRET)).resolves.toBe(true);
  await expect(verifyTerraWebhookSignature(`${body} `, header, SECRET)).rejects.toThrow(WebhookVerificationError);
  await expect(verifyTerraWebhookSignature(body, header, 'another')).rejects.toThrow(WebhookVerificationError);
  await expect(verifyTerraWebhookSignature(body, header.replace('v1=', 'v1=0'), SECRET)).rejects.toThrow(
    WebhookVerificationError,
  );
});

test.each(['other-secret', 'tampered', 'unsigned', 'replayed'] as const)(
  'its verifier rejects a delivery under %s',
  async name => {
    const { userId } = await setting.connected('POLAR', `ref-${name}`);
    setting.sandbox.switchOn(name);
    receiver.clear();

    await setting.sandbox.send(userId, 'connection_error');

    setting.sandbox.switchOff(name);
    const [delivery] = receiver.received;
    const header = delivery?.headers['x-terra-signature']?.toString() ?? '';
    expect(receiver.received).toHaveLength(1);
    await expect(verifyTerraWebhookSignature(delivery?.body ?? '', header, SECRET)).rejects.toThrow(
      WebhookVerificationError,
    );
  },
);

test.each([
  [
    '{"type":"healthcheck","status":"success"}',
    1_723_808_700,
    '85dcefd01e47386e0a77c085c7644ff69b9b5b45c512c3a0b00855be09d30c23',
  ],
  [
    '{"type":"deauth","status":"success","message":"User has deauthenticated","user":{"user_id":"40f7b0e1-89e2-43ac-a5b8-1e29c8d47cad","provider":"GARMIN","reference_id":"zoë-1"}}',
    1_764_000_000,
    '2a1889f59156029118c995bfcdc10430b3237d7a479f537a43dd9c76ed018c25',
  ],
])('the signature vector of %s is reproduced', async (body, atSeconds, mac) => {
  const header = sign(body, 'terra_test_secret', atSeconds);

  expect(header).toBe(`t=${atSeconds},v1=${mac}`);
  await expect(verifyTerraWebhookSignature(body, header, 'terra_test_secret', { tolerance: 1e9 })).resolves.toBe(true);
});
