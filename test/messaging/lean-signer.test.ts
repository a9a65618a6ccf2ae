import { SQSClient } from '@aws-sdk/client-sqs';
import { LeanSigner, type SigningScope } from '../../messaging/lean-signer';
import fc from '../support/properties';

const DAY_MS = 86_400_000;
const text = fc.string({ minLength: 1, maxLength: 20 }).map((s) => s.replace(/[^ -~]/g, 'x').trim() || 'x');
const segment = fc.constantFrom('queue', 'a%20b', "it's(1)*!", '~tilde', 'a:b@c', '%C3%BC', '.', '');
const scope = fc.record({
  credentials: fc.record(
    {
      accessKeyId: fc.constantFrom('AKIA1', 'AKIA2'),
      secretAccessKey: text,
      sessionToken: fc.oneof(fc.base64String({ minLength: 4 }), fc.constant('')),
    },
    { requiredKeys: ['accessKeyId', 'secretAccessKey'] },
  ),
  region: fc.constantFrom('eu-central-1', 'us-gov-west-1'),
  date: fc.integer({ min: 0, max: 20_000 * DAY_MS }).map((ms) => new Date(ms)),
});

/** What the SDK would send. */
async function bySdk({ credentials, region, date }: SigningScope, path: string, body: string, target: string) {
  const signer = await new SQSClient({ region, credentials }).config.signer(undefined);
  const request = { method: 'POST', protocol: 'https:', hostname: 'sqs.test', path, query: {} };
  const signed = await signer.sign({ ...request, headers: headersOf(target), body }, { signingDate: date });
  return signed.headers;
}

const headersOf = (target: string) => ({
  host: 'sqs.test:4566',
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': target,
});

describe('LeanSigner', () => {
  test('signs as the SDK does, whatever it signed before', async () => {
    const signer = new LeanSigner();
    await fc.assert(
      fc.asyncProperty(
        scope,
        fc.array(segment, { maxLength: 3 }),
        fc.string({ unit: 'binary' }),
        async (s, path, body) => {
          const request = { path: `/${path.join('/')}`, body, headers: headersOf('AmazonSQS.ReceiveMessage') };
          expect(signer.sign(request, s)).toEqual(await bySdk(s, request.path, body, 'AmazonSQS.ReceiveMessage'));
        },
      ),
    );
  });

  test('takes a new key with each day, region and secret', async () => {
    const signer = new LeanSigner();
    const base: SigningScope = {
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
      region: 'eu-central-1',
      date: new Date(100 * DAY_MS - 1),
    };
    const scopes: SigningScope[] = [
      base,
      { ...base, date: new Date(100 * DAY_MS) },
      { ...base, region: 'eu-west-1' },
      { ...base, credentials: { ...base.credentials, secretAccessKey: 'another' } },
      base,
    ];
    for (const s of scopes) {
      const request = { path: '/', body: '{}', headers: headersOf('AmazonSQS.DeleteMessageBatch') };
      expect(signer.sign(request, s)).toEqual(await bySdk(s, '/', '{}', 'AmazonSQS.DeleteMessageBatch'));
    }
  });
});
