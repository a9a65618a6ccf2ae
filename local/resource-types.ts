/** What a template asks for, as plain data. */
import type { CorsRule } from './edge/cors';
import type { EdgeBucket, EdgeQueue } from './edge/edge';

/** Key of the metadata on a bucket that holds a page: `{ assetHash, config? }`. */
export const PAGE_METADATA_KEY = 'cdk-queue-fleet:page';

/** A JSON object of the template. */
export type Json = Readonly<Record<string, unknown>>;

/** A queue of the template. */
export interface QueueResource extends EdgeQueue {
  readonly logicalId: string;
  /** ARN of its dead-letter queue. */
  readonly deadLetterArn?: string;
}

/** A bucket of the template. */
export interface BucketResource extends EdgeBucket {
  readonly logicalId: string;
}

/** A Lambda function whose code is in the assembly. */
export interface FunctionResource {
  readonly logicalId: string;
  readonly name: string;
  readonly directory: string;
  /** `file.export`, as Lambda writes it. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMegabytes: number;
  readonly role: string | undefined;
}

/** An HTTP API with its routes. */
export interface ApiResource {
  readonly logicalId: string;
  readonly routes: readonly { readonly routeKey: string; readonly functionId: string }[];
  readonly cors: CorsRule | undefined;
}

/** The workers' group. */
export interface FleetResource {
  readonly logicalId: string;
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly hooks: readonly HookResource[];
  /** Absolute directory of the worker's code. */
  readonly directory: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly role: string | undefined;
}

/** A lifecycle hook of the group. */
export interface HookResource {
  readonly name: string;
  readonly transition: 'launching' | 'terminating';
  readonly heartbeatTimeoutSeconds: number;
  readonly defaultResult: 'CONTINUE' | 'ABANDON';
}

/** The page that the stack brings. */
export interface PageResource {
  readonly directory: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** A policy document with the thing that it is attached to. */
export interface PolicyResource {
  /** ARN of the queue, bucket or key, or logical id of the role. */
  readonly attachedTo: string;
  readonly document: Json;
}

/** Everything that a local run starts. */
export interface LocalResources {
  readonly queues: readonly QueueResource[];
  readonly buckets: readonly BucketResource[];
  readonly functions: readonly FunctionResource[];
  readonly apis: readonly ApiResource[];
  readonly fleet: FleetResource | undefined;
  readonly page: PageResource | undefined;
  readonly resourcePolicies: readonly PolicyResource[];
  readonly identityPolicies: readonly PolicyResource[];
  /** ARNs of roles by logical id. */
  readonly roles: Readonly<Record<string, string>>;
  /** What the template has and a local run leaves out, one line each. */
  readonly leftOut: readonly string[];
}
