import type { Principal } from './principals';

/** A request, as IAM sees it. */
export interface AccessRequest {
  /** Undefined for an anonymous request. */
  readonly principal: Principal | { readonly service: string; readonly sourceArn: string } | undefined;
  readonly action: string;
  /** ARN of the queue or object. */
  readonly resource: string;
}

/** Undefined when allowed, otherwise why not, in words. */
export type Authorize = (request: AccessRequest) => string | undefined;
