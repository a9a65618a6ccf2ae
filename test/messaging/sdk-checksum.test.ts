import { createHash, createHmac } from 'node:crypto';
import { SQSClient } from '@aws-sdk/client-sqs';
import { createSqsClient } from '../../messaging';
import { Sha256 } from '../../messaging/sdk-checksum';
import fc from '../support/properties';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = fc.uint8Array({ maxLength: 300 });

describe('Sha256', () => {
  test('is SHA-256 of all that it was given, also when asked twice, and begins anew after a reset', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bytes, { maxLength: 4 }), bytes, async (parts, other) => {
        const sha = new Sha256();
        for (const part of parts) sha.update(part);
        const expected = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
        expect([hex(await sha.digest()), hex(await sha.digest())]).toEqual([expected, expected]);
        sha.reset();
        sha.update(other);
        expect(hex(await sha.digest())).toBe(createHash('sha256').update(other).digest('hex'));
      }),
    );
  });

  test('is an HMAC when it has a secret: text, bytes, or a part of a buffer', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), bytes, fc.nat({ max: 10 }), async (text, data, offset) => {
        const key = Buffer.from(text);
        const within = Buffer.concat([Buffer.alloc(offset, 1), key]);
        for (const secret of [text, key, new Uint8Array(within.buffer, within.byteOffset + offset, key.length)]) {
          if (text === '' && secret === text) continue;
          const sha = new Sha256(secret);
          sha.update(data);
          expect(hex(await sha.digest())).toBe(createHmac('sha256', key).update(data).digest('hex'));
        }
      }),
    );
  });
});

describe('createSqsClient', () => {
  test('signs as a plain client does', async () => {
    const config = {
      region: 'eu-west-1',
      credentials: { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: 'session' },
    };
    const signed = await Promise.all(
      [new SQSClient(config), createSqsClient(config)].map(async (client) => {
        const signer = await client.config.signer(undefined);
        const headers = { host: 'sqs.test', 'x-amz-target': 'AmazonSQS.ReceiveMessage' };
        const request = {
          method: 'POST',
          protocol: 'https:',
          hostname: 'sqs.test',
          path: '/',
          headers,
          body: '{"a":"ü"}',
        };
        return signer.sign(request, { signingDate: new Date(1_800_000_000_000) });
      }),
    );
    expect(signed[0]?.headers['authorization']).toMatch(/Signature=[0-9a-f]{64}$/);
    expect(signed[1]).toEqual(signed[0]);
  });

  test('has no logger for which the SDK would copy input and output of each call, unless it is given one', () => {
    expect(createSqsClient({ region: 'eu-west-1' }).config.logger.info).toBeUndefined();
    expect(createSqsClient({ region: 'eu-west-1', logger: console }).config.logger).toBe(console);
  });
});
