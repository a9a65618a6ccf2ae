/** The front of the emulator: one HTTP endpoint for S3 and SQS, with what fauxqs lacks. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../messaging';
import type { Emulator, StoredMessage, StoredQueue } from '../emulator';
import type { Authorize } from './authorizer';
import { corsHeaders, type CorsRule } from './cors';
import type { Faults } from './faults';
import {
  AwsError,
  header,
  newRequestId,
  readRequest,
  s3Error,
  sqsError,
  type EdgeRequest,
  type EdgeResponse,
} from './http';
import type { Principal, Principals } from './principals';
import { deliver, QueueLedger } from './queue-ledger';
import { answerS3, parseTarget, s3Action, type S3Target } from './s3';
import {
  createSequencer,
  eventBody,
  hears,
  testEventBody,
  type ObjectChange,
  type QueueNotification,
} from './s3-events';
import { verifyPostPolicy, verifySignature } from './signature';
import { sqsAction, sqsOperation, SqsService, type SqsBody } from './sqs';

/** One bucket, as the edge serves it. */
export interface EdgeBucket {
  readonly name: string;
  readonly cors: readonly CorsRule[];
  readonly notifications: readonly QueueNotification[];
  /** Objects may be read without a signature: the local stand-in for a content delivery network in front of the bucket. */
  readonly readable: boolean;
}

/** One queue, as the edge creates it. */
export interface EdgeQueue {
  readonly name: string;
  readonly arn: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What the edge works with. */
export interface EdgeOptions {
  readonly emulator: Emulator;
  readonly principals: Principals;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly region: string;
  readonly authorize: Authorize;
  /** Hears of requests that a policy refused. */
  readonly refused?: (text: string) => void;
}

/** Serves the requests of SDK clients and browsers. */
export class Edge {
  readonly ledger = new QueueLedger();
  refusedByPolicy = 0;
  readonly #options: EdgeOptions;
  readonly #buckets = new Map<string, EdgeBucket>();
  readonly #queues: StoredQueue[] = [];
  readonly #sqs: SqsService;
  readonly #sequencer: () => string;
  readonly #eventTimers = new Set<() => void>();

  constructor(options: EdgeOptions) {
    this.#options = options;
    this.#sqs = new SqsService(options.emulator, this.ledger, options.clock, (arn) => this.sourcesOf(arn));
    this.#sequencer = createSequencer(() => options.clock.wallClock());
  }

  /** Creates the queues, or takes over those that a data directory holds. */
  addQueues(baseUrl: string, account: string, queues: readonly EdgeQueue[]): void {
    const { emulator, faults } = this.#options;
    for (const { name, arn, attributes } of queues) {
      const url = `${baseUrl}/${account}/${name}`;
      const existing = emulator.sqs.getQueueByName(name);
      existing?.setAttributes({ ...attributes });
      const queue = existing ?? emulator.sqs.createQueue(name, url, arn, { ...attributes });
      queue.url = url;
      this.#queues.push(queue);
    }
    for (const queue of this.#queues) {
      this.ledger.watch(queue, (message) => this.#secondDelivery(queue, message, faults));
    }
  }

  /** Creates the buckets and sends S3's test event to every queue that a bucket notifies. @returns what was refused */
  addBuckets(buckets: readonly EdgeBucket[]): readonly string[] {
    const { emulator, clock, authorize } = this.#options;
    const problems: string[] = [];
    for (const bucket of buckets) {
      const isNew = !emulator.s3.hasBucket(bucket.name);
      emulator.s3.createBucket(bucket.name);
      this.#buckets.set(bucket.name, bucket);
      for (const { queueArn } of bucket.notifications) {
        const queue = emulator.sqs.getQueueByArn(queueArn);
        const refusal = queue
          ? authorize(this.#fromS3(bucket.name, queueArn))
          : 'there is no such queue in the template';
        if (refusal !== undefined) problems.push(`bucket ${bucket.name} cannot notify ${queueArn}: ${refusal}`);
        else if (queue && isNew) {
          deliver(emulator, queue, testEventBody(bucket.name, clock.wallClock(), newRequestId()));
        }
      }
    }
    return problems;
  }

  /** Every queue of the template. */
  get queues(): readonly StoredQueue[] {
    return this.#queues;
  }

  /** Queues whose redrive policy names this dead-letter queue. */
  sourcesOf(deadLetterArn: string): readonly StoredQueue[] {
    return this.#queues.filter(({ attributes }) => attributes['RedrivePolicy']?.includes(`"${deadLetterArn}"`));
  }

  /** Events that wait for their delay. */
  get pendingEvents(): number {
    return this.#eventTimers.size;
  }

  /** Answers one HTTP request. */
  async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    let cors: Record<string, string> | undefined;
    let answer: EdgeResponse;
    try {
      const request = await readRequest(incoming, outgoing);
      cors = this.#cors(request);
      answer = await this.#route(request, cors);
    } catch (error) {
      answer = s3Error(asAwsError(error), incoming.url ?? '/');
    }
    const body = answer.body ?? '';
    const given = answer.headers ?? {};
    outgoing.writeHead(answer.status, {
      ...given,
      ...cors,
      // A HEAD answer has the length of the body that it does not carry.
      ...(given['content-length'] === undefined && { 'content-length': String(Buffer.byteLength(body)) }),
      'x-amz-request-id': newRequestId(),
    });
    outgoing.end(incoming.method === 'HEAD' ? undefined : body);
  }

  /** Drops events that still wait for their delay. */
  close(): void {
    for (const cancel of this.#eventTimers) cancel();
    this.#eventTimers.clear();
  }

  async #route(request: EdgeRequest, cors: Record<string, string> | undefined): Promise<EdgeResponse> {
    if (request.method === 'OPTIONS') {
      if (cors) return { status: 200 };
      const reason = 'CORSResponse: This CORS request is not allowed.';
      return s3Error(new AwsError('AccessForbidden', reason, 403), request.path);
    }
    const operation = sqsOperation(request);
    if (operation !== undefined) return this.#serveSqs(request, operation);
    return this.#serveS3(request);
  }

  async #serveSqs(request: EdgeRequest, operation: string): Promise<EdgeResponse> {
    try {
      const principal = this.#principal(request);
      // Injected errors are for workers and functions: a person who looks needs an answer.
      if (principal?.role !== undefined && this.#options.faults.failsRequest()) {
        throw new AwsError('ServiceUnavailable', 'Service is unavailable (injected fault)', 503);
      }
      const { QueueUrl, QueueName, SourceArn } = JSON.parse(request.body.toString() || '{}') as SqsBody;
      const { sqs } = this.#options.emulator;
      const queue =
        (QueueUrl && sqs.getQueue(QueueUrl)) ||
        (QueueName && sqs.getQueueByName(QueueName)) ||
        (SourceArn && sqs.getQueueByArn(SourceArn));
      this.#authorize(principal, sqsAction(operation), queue ? queue.arn : '*');
      return await this.#sqs.answer(request, operation, principal?.session ?? 'anonymous');
    } catch (error) {
      return sqsError(asAwsError(error));
    }
  }

  async #serveS3(request: EdgeRequest): Promise<EdgeResponse> {
    try {
      const target = parseTarget(request.path);
      const action = s3Action(request, target);
      if (action === undefined) {
        const what = `${request.method} ${request.target.slice(0, 200)}`;
        throw new AwsError('NotImplemented', `The local run does not emulate this S3 request: ${what}`, 501);
      }
      const isForm = header(request, 'content-type')?.startsWith('multipart/form-data') === true;
      const principal = this.#principal(request);
      const signedByUs = principal?.role !== undefined && header(request, 'authorization') !== undefined;
      if (signedByUs && this.#options.faults.failsRequest()) {
        throw new AwsError('SlowDown', 'Please reduce your request rate (injected fault)', 503);
      }
      // A form carries its signature inside; it is checked once the form is parsed.
      if (!isForm) this.#authorizeS3(principal, action, target);
      let poster = principal;
      const changedBy = (): string => poster?.session ?? 'anonymous';
      return await answerS3(
        this.#options.emulator,
        {
          nowMs: () => this.#options.clock.wallClock(),
          changed: (change) => this.#changed({ ...change, principal: changedBy() }),
          authorizePost: (fields, bucket, key) => {
            const { principals } = this.#options;
            poster = principals.principalOf(verifyPostPolicy(fields, (id) => principals.secretOf(id)));
            this.#authorizeS3(poster, 's3:PutObject', { bucket, key });
          },
        },
        request,
        target,
      );
    } catch (error) {
      return s3Error(asAwsError(error), request.path);
    }
  }

  #principal(request: EdgeRequest): Principal | undefined {
    const { principals, clock } = this.#options;
    const accessKeyId = verifySignature(request, (id) => principals.secretOf(id), clock.wallClock());
    return accessKeyId === undefined ? undefined : principals.principalOf(accessKeyId);
  }

  #authorizeS3(principal: Principal | undefined, action: string, { bucket, key }: S3Target): void {
    const reads = action === 's3:GetObject' && this.#buckets.get(bucket)?.readable === true;
    if (principal === undefined && reads) return;
    // The list of all buckets is asked of the account.
    const resource = bucket === '' ? '*' : `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}`;
    this.#authorize(principal, action, resource);
  }

  #authorize(principal: Principal | undefined, action: string, resource: string): void {
    const refusal = this.#options.authorize({ principal, action, resource });
    if (refusal === undefined) return;
    this.refusedByPolicy++;
    const who = principal?.roleArn ?? principal?.session ?? 'anonymous';
    const text = `User: ${who} is not authorized to perform: ${action} on resource: ${resource} because ${refusal}`;
    this.#options.refused?.(text);
    throw new AwsError(action.startsWith('sqs:') ? 'AccessDeniedException' : 'AccessDenied', text, 403);
  }

  #fromS3(bucket: string, queueArn: string) {
    const principal = { service: 's3.amazonaws.com', sourceArn: `arn:aws:s3:::${bucket}` };
    return { principal, action: 'sqs:SendMessage', resource: queueArn };
  }

  #cors(request: EdgeRequest): Record<string, string> | undefined {
    const bucket = this.#buckets.get(request.path.split('/')[1] ?? '');
    return (
      bucket &&
      corsHeaders(bucket.cors, {
        origin: header(request, 'origin'),
        method: request.method,
        requestedMethod: header(request, 'access-control-request-method'),
        requestedHeaders: header(request, 'access-control-request-headers'),
      })
    );
  }

  #changed(change: ObjectChange): void {
    const { clock, emulator, region, faults, authorize, refused } = this.#options;
    for (const notification of this.#buckets.get(change.bucket)?.notifications ?? []) {
      if (!hears(notification, change)) continue;
      const refusal = authorize(this.#fromS3(change.bucket, notification.queueArn));
      if (refusal !== undefined) {
        this.refusedByPolicy++;
        refused?.(`the event of ${change.bucket}/${change.key} was not delivered: ${refusal}`);
        continue;
      }
      const body = eventBody(change, notification, {
        region,
        atMs: clock.wallClock(),
        sequencer: this.#sequencer(),
        requestId: newRequestId(),
      });
      const send = (): void => {
        const queue = emulator.sqs.getQueueByArn(notification.queueArn);
        if (queue) deliver(emulator, queue, body);
      };
      const { eventDelaySeconds } = faults.settings;
      if (eventDelaySeconds === 0) {
        send();
        continue;
      }
      const cancel = clock.setTimer(eventDelaySeconds * 1000, () => {
        this.#eventTimers.delete(cancel);
        send();
      });
      this.#eventTimers.add(cancel);
    }
  }

  #secondDelivery(queue: StoredQueue, message: StoredMessage, faults: Faults): StoredMessage | undefined {
    // A FIFO queue removes its sender's duplicates, and a dead-letter queue is not what the knob is about.
    if (queue.isFifo() || this.sourcesOf(queue.arn).length > 0 || !faults.duplicates()) return undefined;
    // An event that S3 sends twice is two messages. A second delivery by SQS has the same id; a database that keeps one
    // row per id needs its own.
    const fromS3 = message.body.includes('"aws:s3"');
    return { ...message, ...((fromS3 || this.#options.emulator.persistent) && { messageId: randomUUID() }) };
  }
}

function asAwsError(error: unknown): AwsError {
  if (error instanceof AwsError) return error;
  // The emulator's own errors have the same shape.
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  return code !== undefined && statusCode !== undefined
    ? new AwsError(code, message ?? code, statusCode)
    : new AwsError('InternalError', message ?? String(error), 500);
}
