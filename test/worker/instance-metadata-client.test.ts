import { InstanceMetadataServer } from '../../local/instance-metadata';
import { InstanceMetadataClient, InstanceMetadataError } from '../../worker/instance-metadata-client';
import { ManualClock } from '../support/manual-clock';

describe('InstanceMetadataClient', () => {
  const clock = new ManualClock();
  let server: InstanceMetadataServer;
  let client: InstanceMetadataClient;

  beforeEach(async () => {
    server = await InstanceMetadataServer.start({ instanceId: 'i-1', autoScalingGroupName: 'fleet', clock });
    client = new InstanceMetadataClient({ endpoint: server.endpoint });
  });
  afterEach(() => server.close());

  test('reads identity with one token for all requests', async () => {
    expect(await client.instanceId()).toBe('i-1');
    expect(await client.autoScalingGroupName()).toBe('fleet');
    expect(server.requests.map(({ method, path, status }) => `${method} ${path} ${status}`)).toEqual([
      'PUT /latest/api/token 200',
      'GET /latest/meta-data/instance-id 200',
      'GET /latest/meta-data/tags/instance/aws:autoscaling:groupName 200',
    ]);
  });

  test('sees no fate before the group has set one', async () => {
    expect(await client.fate()).toEqual({ rebalanceRecommended: false });
  });

  test('sees the target state, a Spot notice and a rebalance recommendation', async () => {
    server.targetLifecycleState = 'Terminated';
    server.spotAction = { action: 'terminate', atMs: Date.UTC(2026, 10, 22, 10, 2) };
    server.rebalanceSinceMs = Date.UTC(2026, 10, 22, 10);
    expect(await client.fate()).toEqual({
      targetState: 'Terminated',
      spot: { action: 'terminate', atMs: Date.UTC(2026, 10, 22, 10, 2) },
      rebalanceRecommended: true,
    });
  });

  test('renews a token that has expired, and once that was revoked', async () => {
    await client.instanceId();
    await clock.advance(21_600_000);
    expect(await client.instanceId()).toBe('i-1');
    server.revokeTokens();
    expect(await client.instanceId()).toBe('i-1');
    expect(server.requests.map(({ status }) => status)).toEqual([200, 200, 401, 200, 200, 401, 200, 200]);
  });

  test.each(['down', 'throttled'] as const)('fails when the service is %s', async (fault) => {
    server.fault = fault;
    await expect(client.fate()).rejects.toThrow(InstanceMetadataError);
  });

  test('fails when an answer never comes', async () => {
    const never: typeof fetch = (_url, init) =>
      new Promise((_resolve, reject) =>
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)),
      );
    await expect(new InstanceMetadataClient({ endpoint: 'http://x', fetch: never }).instanceId()).rejects.toThrow(
      'no answer',
    );
  });

  test('fails when the instance shows no tags', async () => {
    const bare = await InstanceMetadataServer.start({ instanceId: 'i-1', clock });
    await expect(new InstanceMetadataClient({ endpoint: bare.endpoint }).autoScalingGroupName()).rejects.toThrow(
      'no tag',
    );
    await bare.close();
  });

  test('the service refuses what the real one refuses', async () => {
    const ask = (path: string, init?: RequestInit) =>
      fetch(`${server.endpoint}${path}`, init).then(({ status }) => status);
    const token = (seconds: string) =>
      ask('/latest/api/token', { method: 'PUT', headers: { 'X-aws-ec2-metadata-token-ttl-seconds': seconds } });
    expect(await ask('/latest/meta-data/instance-id')).toBe(401);
    expect(await ask('/latest/api/token')).toBe(405);
    expect(await token('0')).toBe(400);
    expect(await token('21601')).toBe(400);
    expect(await token('21600')).toBe(200);
    expect(await ask('/latest/meta-data/instance-id', { headers: { 'X-Forwarded-For': '1.2.3.4' } })).toBe(403);
  });
});
