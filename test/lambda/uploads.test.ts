import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { serve } from '../../lambda/api';
import { contextFromEnvironment } from '../../lambda/uploads';

const ENVIRONMENT = {
  UPLOADS_BUCKET: 'uploads',
  MEDIA_BUCKET: 'media',
  MEDIA_BASE_URL: 'https://media.example.com',
  MAX_UPLOAD_BYTES: '1000',
  POST_MAX_BYTES: '100',
  LINK_SECONDS: '60',
};
const AWS = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };

describe('contextFromEnvironment', () => {
  const before = { ...process.env };
  afterEach(() => void (process.env = { ...before }));

  test('names the first variable that is missing', () => {
    expect(() => contextFromEnvironment({ ...ENVIRONMENT, MEDIA_BUCKET: '' })).toThrow(
      'The environment variable MEDIA_BUCKET is not set',
    );
  });

  test('answers with an error, in time, when S3 takes a request and never answers', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    Object.assign(process.env, AWS, { AWS_ENDPOINT_URL_S3: endpoint });
    const errors: unknown[] = [];
    const context = { ...contextFromEnvironment(ENVIRONMENT, 50), logError: (error: unknown) => errors.push(error) };
    const event = { rawPath: '/videos', requestContext: { http: { method: 'GET' } } };
    const { statusCode } = await serve(context, event as unknown as APIGatewayProxyEventV2);
    expect([statusCode, errors]).toEqual([500, [expect.objectContaining({ name: 'TimeoutError' })]]);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
  });
});
