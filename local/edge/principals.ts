import { createHash } from 'node:crypto';

/** Someone who signs requests: a session of a role, as on AWS an instance or a function has one. */
export interface Principal {
  /** ARN of the role, or of the account's root for the operator; undefined for the run's own administrator. */
  readonly roleArn: string | undefined;
  /** Logical id of the role in the template. */
  readonly role: string | undefined;
  /** Who holds the session: an instance id, a function's logical id, `admin`, `operator`. */
  readonly session: string;
}

/** A person at a shell: the account's root, to whom the policies of queues and buckets apply. */
export function operatorOf(account: string): Principal {
  return { roleArn: `arn:aws:iam::${account}:root`, role: undefined, session: 'operator' };
}

/** What an SDK client is configured with. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The access keys of a run. They open nothing but this run's own servers on the loopback interface. */
export class Principals {
  readonly #secrets = new Map<string, string>();
  readonly #principals = new Map<string, Principal>();
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** Credentials of a session; the same ones at each call. */
  credentialsOf(principal: Principal): Credentials {
    const digest = createHash('sha256')
      .update(`${this.#seed} ${principal.role ?? ''} ${principal.session}`)
      .digest('hex');
    const accessKeyId = `LOCAL${digest.slice(0, 15).toUpperCase()}`;
    const secretAccessKey = digest.slice(15, 55);
    this.#secrets.set(accessKeyId, secretAccessKey);
    this.#principals.set(accessKeyId, principal);
    return { accessKeyId, secretAccessKey };
  }

  secretOf(accessKeyId: string): string | undefined {
    return this.#secrets.get(accessKeyId);
  }

  principalOf(accessKeyId: string): Principal | undefined {
    return this.#principals.get(accessKeyId);
  }
}
