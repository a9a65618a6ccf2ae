import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../messaging';

/** Longest lifetime of a session token that the service grants, seconds. */
const MAX_TOKEN_TTL_SECONDS = 21_600;

/** A request that was answered, for tests and event logs. */
export interface MetadataRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** How the emulated service misbehaves. `down` cuts connections, `throttled` answers 503, `silent` never answers. */
export type MetadataFault = 'down' | 'throttled' | 'silent';

/**
 * The EC2 instance metadata service, version 2, of one emulated instance, over HTTP on 127.0.0.1.
 *
 * Speaks the real protocol: a session token by PUT with a lifetime of 1 to 21,600 seconds, 401 without a valid one,
 * 403 for a forwarded request, 404 for a category that is not there. A worker reaches it through
 * `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
export class InstanceMetadataServer {
  static async start(options: {
    readonly instanceId: string;
    readonly clock: Clock;
    readonly autoScalingGroupName?: string;
    readonly region?: string;
    readonly availabilityZone?: string;
  }): Promise<InstanceMetadataServer> {
    const metadata = new InstanceMetadataServer(options);
    await new Promise<void>((resolve) => metadata.#server.listen(0, '127.0.0.1', resolve));
    // A forgotten emulation must not keep a test process alive.
    metadata.#server.unref();
    return metadata;
  }

  /** `autoscaling/target-lifecycle-state`; absent answers 404, as before the group has set one. */
  targetLifecycleState: string | undefined;
  /** `spot/instance-action`: what EC2 will do, and when, milliseconds since 1970. */
  spotAction: { readonly action: 'terminate' | 'stop' | 'hibernate'; readonly atMs: number } | undefined;
  /** `events/recommendations/rebalance`: since when, milliseconds since 1970. */
  rebalanceSinceMs: number | undefined;
  fault: MetadataFault | undefined;
  /** Everything that was answered, oldest first. */
  readonly requests: MetadataRequest[] = [];

  readonly #clock: Clock;
  readonly #categories: Readonly<Record<string, string>>;
  readonly #tokens = new Map<string, number>();
  readonly #server: Server;

  private constructor(options: Parameters<typeof InstanceMetadataServer.start>[0]) {
    this.#clock = options.clock;
    const region = options.region ?? 'us-east-1';
    this.#categories = {
      'instance-id': options.instanceId,
      'placement/region': region,
      'placement/availability-zone': options.availabilityZone ?? `${region}a`,
      ...(options.autoScalingGroupName && {
        'tags/instance/aws:autoscaling:groupName': options.autoScalingGroupName,
      }),
    };
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  /** Value for `AWS_EC2_METADATA_SERVICE_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Makes every token that was given out invalid, as after their lifetime. */
  revokeTokens(): void {
    this.#tokens.clear();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.fault === 'down') return void request.socket.destroy();
    if (this.fault === 'silent') return;
    const path = decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/');
    const method = request.method ?? 'GET';
    const { status, text } =
      this.fault === 'throttled' ? { status: 503, text: '' } : this.#route(method, path, request);
    this.requests.push({ method, path, status });
    response.writeHead(status, { 'Content-Type': 'text/plain', Server: 'EC2ws' }).end(text);
  }

  #route(method: string, path: string, { headers }: IncomingMessage): { status: number; text: string } {
    if (headers['x-forwarded-for'] !== undefined) return { status: 403, text: '' };
    if (path === '/latest/api/token') {
      return method === 'PUT'
        ? this.#issueToken(headers['x-aws-ec2-metadata-token-ttl-seconds'])
        : { status: 405, text: '' };
    }
    if (method !== 'GET') return { status: 405, text: '' };
    const expiresAtMs = this.#tokens.get(String(headers['x-aws-ec2-metadata-token']));
    if (expiresAtMs === undefined || this.#clock.now() >= expiresAtMs) return { status: 401, text: '' };
    const value = path.startsWith('/latest/meta-data/')
      ? this.#read(path.slice('/latest/meta-data/'.length))
      : undefined;
    return value === undefined ? { status: 404, text: '' } : { status: 200, text: value };
  }

  #issueToken(lifetime: string | string[] | undefined): { status: number; text: string } {
    const seconds = Number(lifetime);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_TOKEN_TTL_SECONDS) return { status: 400, text: '' };
    const token = randomBytes(32).toString('base64');
    this.#tokens.set(token, this.#clock.now() + seconds * 1_000);
    return { status: 200, text: token };
  }

  #read(category: string): string | undefined {
    switch (category) {
      case 'autoscaling/target-lifecycle-state':
        return this.targetLifecycleState;
      case 'spot/instance-action':
        return (
          this.spotAction && JSON.stringify({ action: this.spotAction.action, time: isoSeconds(this.spotAction.atMs) })
        );
      case 'events/recommendations/rebalance':
        return this.rebalanceSinceMs === undefined
          ? undefined
          : JSON.stringify({ noticeTime: isoSeconds(this.rebalanceSinceMs) });
      default:
        return this.#categories[category];
    }
  }
}

/** The service writes whole seconds. */
function isoSeconds(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
