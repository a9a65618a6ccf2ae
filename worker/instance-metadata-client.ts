/** Lifetime that is asked for a session token, seconds: the longest that the service grants. */
const TOKEN_TTL_SECONDS = 21_600;
/** The service is on the same host: an answer that takes longer will not come. */
const REQUEST_TIMEOUT_MS = 1_000;

/** What an instance can learn of its own fate. */
export interface InstanceFate {
  /** `InService`, `Terminated`, `Standby`, `Detached`, `Warmed:Stopped`, … Absent before the group has set it. */
  readonly targetState?: string;
  /** Spot interruption: what will be done, and when, milliseconds since 1970. */
  readonly spot?: { readonly action: string; readonly atMs: number };
  /** EC2 expects a Spot interruption sooner than elsewhere. */
  readonly rebalanceRecommended: boolean;
}

/** The instance metadata service did not give a usable answer. */
export class InstanceMetadataError extends Error {
  override name = 'InstanceMetadataError';
}

/**
 * Reads the instance metadata service, version 2 only: every read carries a session token.
 *
 * A token is kept until the service refuses it (401), then renewed once for the same read.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
 */
export class InstanceMetadataClient {
  readonly #endpoint: string;
  readonly #fetch: typeof fetch;
  #token: string | undefined;

  constructor(options: { readonly endpoint: string; readonly fetch?: typeof fetch }) {
    this.#endpoint = options.endpoint;
    this.#fetch = options.fetch ?? fetch;
  }

  /**
   * Text of one category, for example `instance-id`.
   *
   * @returns undefined when the category does not exist (404)
   * @throws InstanceMetadataError when the service is down, refuses, or takes longer than a second
   */
  async read(category: string): Promise<string | undefined> {
    this.#token ??= await this.#newToken();
    let response = await this.#get(category, this.#token);
    if (response.status === 401) {
      this.#token = await this.#newToken();
      response = await this.#get(category, this.#token);
    }
    if (response.status === 404) return undefined;
    if (!response.ok) throw new InstanceMetadataError(`GET ${category}: status ${response.status}`);
    return response.text;
  }

  /** Id of this instance. */
  async instanceId(): Promise<string> {
    const id = await this.read('instance-id');
    if (!id) throw new InstanceMetadataError('the instance has no id');
    return id;
  }

  /** Name of the instance's Auto Scaling group, from its tags. Needs instance tags in metadata. */
  async autoScalingGroupName(): Promise<string> {
    const name = await this.read('tags/instance/aws:autoscaling:groupName');
    if (!name) throw new InstanceMetadataError('the instance shows no tag aws:autoscaling:groupName in its metadata');
    return name;
  }

  /** Everything that says whether this instance goes on. */
  async fate(): Promise<InstanceFate> {
    const targetState = await this.read('autoscaling/target-lifecycle-state');
    const spot = parseSpotAction(await this.read('spot/instance-action'));
    const rebalance = await this.read('events/recommendations/rebalance');
    return {
      rebalanceRecommended: rebalance !== undefined,
      ...(targetState && { targetState: targetState.trim() }),
      ...(spot && { spot }),
    };
  }

  async #newToken(): Promise<string> {
    const response = await this.#request('/latest/api/token', {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_TTL_SECONDS) },
    });
    if (!response.ok) throw new InstanceMetadataError(`PUT token: status ${response.status}`);
    return response.text;
  }

  #get(category: string, token: string): Promise<{ ok: boolean; status: number; text: string }> {
    return this.#request(`/latest/meta-data/${category}`, { headers: { 'X-aws-ec2-metadata-token': token } });
  }

  async #request(path: string, init: RequestInit): Promise<{ ok: boolean; status: number; text: string }> {
    try {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await this.#fetch(`${this.#endpoint}${path}`, { ...init, signal });
      return { ok: response.ok, status: response.status, text: await response.text() };
    } catch (error) {
      throw new InstanceMetadataError(`no answer from ${this.#endpoint}${path}`, { cause: error });
    }
  }
}

/** `{"action":"terminate","time":"2026-11-22T10:02:00Z"}`; an unreadable notice still counts, as one for now. */
function parseSpotAction(text: string | undefined): InstanceFate['spot'] {
  if (text === undefined) return undefined;
  try {
    const { action, time } = JSON.parse(text) as { action?: unknown; time?: unknown };
    const atMs = Date.parse(String(time));
    return { action: String(action), atMs: Number.isNaN(atMs) ? 0 : atMs };
  } catch {
    return { action: 'unknown', atMs: 0 };
  }
}
