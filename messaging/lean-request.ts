import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { LeanSigner } from './lean-signer';
import { classifyCall, plainCode, SqsError } from './sqs-errors';

/** Beyond this difference SQS refuses signatures; the SDK corrects its clock from here on too. */
const CLOCK_SKEW_MS = 300_000;

/** Connections as a lean transport is told to keep them. */
export interface LeanRequestsOptions {
  readonly maxSockets: number;
  readonly requestTimeoutMs: number;
  readonly ca?: string | undefined;
}

/** Signed requests over `node:https`, with the credentials, the region and the clock of an SDK client. */
export class LeanRequests {
  readonly #agents: Readonly<Record<string, HttpAgent | HttpsAgent>>;
  readonly #endpoints = new Map<string, Promise<URL>>();
  readonly #signer = new LeanSigner();

  constructor(
    private readonly client: SQSClient,
    private readonly options: LeanRequestsOptions,
  ) {
    const { maxSockets, requestTimeoutMs: timeout, ca } = options;
    this.#agents = {
      // The same limit as each request's: else Node sets the socket's timer twice for each of them.
      'http:': new HttpAgent({ keepAlive: true, maxSockets, timeout }),
      'https:': new HttpsAgent({ keepAlive: true, maxSockets, timeout, ...(ca !== undefined && { ca }) }),
    };
  }

  /** @returns the body of the response, when its status is 200 */
  async post(operation: string, queueUrl: string, body: string): Promise<string> {
    const url = await this.#endpointOf(queueUrl);
    const { config } = this.client;
    const [credentials, region] = await Promise.all([config.credentials(), config.region()]);
    const headers = {
      host: url.host,
      'content-type': 'application/x-amz-json-1.0',
      'content-length': String(Buffer.byteLength(body)),
      'x-amz-target': `AmazonSQS.${operation}`,
      // Asks for the codes of the query protocol, which name failed entries too.
      'x-amzn-query-mode': 'true',
    };
    const offsetMs = config.systemClockOffset;
    const date = new Date(Date.now() + offsetMs);
    const signed = this.#signer.sign({ path: url.pathname, headers, body }, { credentials, region, date });
    return this.#exchange(url, signed, body, offsetMs);
  }

  #endpointOf(queueUrl: string): Promise<URL> {
    let endpoint = this.#endpoints.get(queueUrl);
    if (endpoint === undefined) {
      endpoint = endpointOf(this.client, queueUrl);
      endpoint.catch(() => this.#endpoints.delete(queueUrl));
      this.#endpoints.set(queueUrl, endpoint);
    }
    return endpoint;
  }

  #exchange(url: URL, headers: Record<string, string>, body: string, offsetMs: number): Promise<string> {
    const { requestTimeoutMs } = this.options;
    // Sockets take the addresses of IPv6 without the brackets that they have in a URL.
    const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
    return new Promise((resolve, reject) => {
      const options: RequestOptions & { readonly servername: string } = {
        method: 'POST',
        hostname,
        port: url.port,
        path: url.pathname,
        headers,
        timeout: requestTimeoutMs,
        agent: this.#agents[url.protocol],
        // Node would work it out anew for each request. TLS takes no addresses as names.
        servername: /^[\d.]+$|:/.test(hostname) ? '' : hostname,
      };
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const request = send(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))?.toString() ?? '';
          if (response.statusCode === 200) return resolve(text);
          reject(errorOf(response, text, this.#correctClock(response.headers.date, offsetMs)));
        });
      });
      request.on('timeout', () =>
        request.destroy(new SqsError('transient', 'ETIMEDOUT', `no answer within ${requestTimeoutMs} ms`)),
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  /**
   * A machine whose clock is wrong signs nothing that SQS accepts: the server's clock counts, as with the SDK.
   *
   * @returns whether the request was signed with a wrong time, be it corrected by another's answer meanwhile
   */
  #correctClock(date: string | undefined, signedOffsetMs: number): boolean {
    const { config } = this.client;
    const offsetMs = Date.parse(date ?? '') - Date.now();
    if (Math.abs(offsetMs - config.systemClockOffset) >= CLOCK_SKEW_MS) config.systemClockOffset = offsetMs;
    return Math.abs(offsetMs - signedOffsetMs) >= CLOCK_SKEW_MS;
  }
}

/** The endpoint that the SDK would take: the client's own, the queue URL's, or, if the URL shall not count, the environment's or the region's. */
async function endpointOf({ config }: SQSClient, queueUrl: string): Promise<URL> {
  const { endpoint, isCustomEndpoint, useQueueUrlAsEndpoint } = config;
  if (isCustomEndpoint && endpoint !== undefined) {
    const { protocol, hostname, port, path } = await endpoint();
    return new URL(path, `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`);
  }
  if (useQueueUrlAsEndpoint) return new URL('/', queueUrl);
  const configured = config.ignoreConfiguredEndpointUrls ? undefined : await config.serviceConfiguredEndpoint?.();
  if (configured !== undefined) return new URL(configured);
  const [Region, UseDualStack, UseFIPS] = await Promise.all([
    config.region(),
    config.useDualstackEndpoint(),
    config.useFipsEndpoint(),
  ]);
  return config.endpointProvider({ Region, UseDualStack, UseFIPS }).url;
}

/** The error that a response speaks of; one that no JSON says is sorted by its status alone. */
function errorOf(
  { statusCode: status = 500, headers }: IncomingMessage,
  text: string,
  clockWasWrong: boolean,
): SqsError {
  let type = `Status${status}`;
  let message = text.slice(0, 200);
  try {
    const parsed = JSON.parse(text) as { __type?: string; message?: string; Message?: string };
    type = parsed.__type?.split('#').at(-1) ?? type;
    message = parsed.message ?? parsed.Message ?? message;
  } catch {
    // A proxy's page, or nothing at all.
  }
  const [queryCode = ''] = String(headers['x-amzn-query-error'] ?? '').split(';');
  const code = plainCode(queryCode || type);
  return new SqsError(classifyCall(code, status, clockWasWrong), code, `${code}: ${message}`);
}
