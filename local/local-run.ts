/** A template running on this machine: every part started, connected, and stopped together. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { systemClock } from '../messaging';
import { startApis } from './api/start-apis';
import type { LocalAssembly } from './assembly';
import { Edge } from './edge/edge';
import { changeFaults, Faults } from './edge/faults';
import { operatorOf, Principals, type Principal } from './edge/principals';
import { startEmulator, type Emulator } from './emulator';
import { LocalRunError } from './errors';
import { EventLog } from './event-log';
import { type DeferredServer, listenDeferred, type LocalServer } from './http-server';
import { PageServer } from './page-server';
import { operatorEnvironment, processEnvironment } from './process-environment';
import { panelFiles } from './panel/bundle';
import type { FaultSettings, InstanceState, RunTotals } from './panel-api';
import { panelBackend } from './panel-backend';
import { createAuthorizer } from './policies';
import { QueueBoard } from './queue-board';
import { Resolution } from './resolution';
import { apiIds, readResources } from './resources';
import type { LocalResources } from './resource-types';
import { ScaledFleet, type Capacity } from './scaled-fleet';
import { createScalingDriver } from './scaling';

/** What a run is started with. */
export interface LocalRunOptions {
  readonly assembly: LocalAssembly;
  /** Port of the page; 0 picks a free one. */
  readonly port: number;
  readonly secondsPerMinute: number;
  readonly faults: FaultSettings;
  /** Keeps queues and objects there. */
  readonly dataDir?: string;
  readonly seed: number;
}

/** A running template. */
export class LocalRun {
  /** @throws LocalRunError when something cannot be started; what was started before is stopped */
  static async start(options: LocalRunOptions): Promise<LocalRun> {
    const run = new LocalRun(options);
    try {
      await run.#start();
      return run;
    } catch (error) {
      await run.close();
      throw error;
    }
  }

  readonly log = new EventLog(() => Date.now());
  readonly #closers: (() => Promise<unknown> | void)[] = [];
  readonly #startedMs = Date.now();
  readonly #principals = new Principals(randomBytes(16).toString('hex'));
  readonly #faults: Faults;
  readonly #broken: ((reason: string) => void)[] = [];
  readonly #servers = { apis: {} as Record<string, LocalServer> } as {
    aws: LocalServer;
    page: LocalServer;
    apis: Record<string, LocalServer>;
  };
  #emulator!: Emulator;
  #edge!: Edge;
  #queues!: QueueBoard;
  #resources!: LocalResources;
  #resolution!: Resolution;
  #fleet: ScaledFleet | undefined;

  private constructor(readonly options: LocalRunOptions) {
    this.#faults = new Faults(options.faults, Math.random);
  }

  get pageUrl(): string {
    return this.#servers.page.url;
  }

  get awsEndpoint(): string {
    return this.#servers.aws.url;
  }

  get apiUrl(): string | undefined {
    return Object.values(this.#servers.apis)[0]?.url;
  }

  get resources(): LocalResources {
    return this.#resources;
  }

  /** Physical names by logical id, as `Ref` gives them. */
  get names(): Readonly<Record<string, string>> {
    const ids = [...this.#resolution.assembly.template.resources.keys()];
    return Object.fromEntries(ids.map((id) => [id, String(this.#resolution.resolve({ Ref: id }, id))]));
  }

  get pageConfig(): Readonly<Record<string, unknown>> {
    return { ...this.#resources.page?.config, ...(this.apiUrl !== undefined && { apiUrl: this.apiUrl }) };
  }

  get capacity(): Capacity {
    return this.#fleet?.capacity ?? { initial: 0, highest: 0, last: 0 };
  }

  /** Whether the template scales its group. */
  get scales(): boolean {
    return this.#fleet?.scales ?? false;
  }

  /** The group under its scaling policies; undefined when the template has none. */
  get fleet(): ScaledFleet | undefined {
    return this.#fleet;
  }

  get faults(): FaultSettings {
    return this.#faults.settings;
  }

  get totals(): RunTotals {
    return {
      duplicatesInjected: this.#faults.duplicatesInjected,
      httpErrorsInjected: this.#faults.httpErrorsInjected,
      instancesKilled: this.#fleet?.killed ?? 0,
      instancesLaunched: this.#fleet?.launched ?? 0,
      refusedByPolicy: this.#edge.refusedByPolicy,
    };
  }

  /** Seconds since the start, on this machine and on the faster clock. */
  now(): { readonly real: number; readonly virtual: number } {
    const real = (Date.now() - this.#startedMs) / 1000;
    return { real, virtual: (real * 60) / this.options.secondsPerMinute };
  }

  /** Environment of a process that acts as `principal`. */
  environmentOf(principal: Principal): Readonly<Record<string, string>> {
    return processEnvironment(process.env, {
      endpoint: this.awsEndpoint,
      region: this.options.assembly.region,
      credentials: this.#principals.credentialsOf(principal),
    });
  }

  /** Environment variables for a person at a shell: an access key of the account's root. */
  get operatorEnv(): Readonly<Record<string, string>> {
    const { account, region } = this.options.assembly;
    const credentials = this.#principals.credentialsOf(operatorOf(account));
    return operatorEnvironment({ endpoint: this.awsEndpoint, region, credentials });
  }

  /** The queues, by what is in them. */
  get queues(): QueueBoard {
    return this.#queues;
  }

  instances(): readonly InstanceState[] {
    return this.#fleet?.instances ?? [];
  }

  /** Messages that each instance since the start has deleted after work. */
  get jobsByInstance(): Readonly<Record<string, number>> {
    return this.#fleet?.jobsByInstance ?? {};
  }

  /** True when nothing waits or works, dead letters aside. */
  get idle(): boolean {
    return this.#queues.idle && this.#edge.pendingEvents === 0;
  }

  /** Calls `listener` when the run cannot go on. */
  onBroken(listener: (reason: string) => void): void {
    this.#broken.push(listener);
  }

  /** Stops everything, newest first. */
  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) {
      try {
        await close();
      } catch {
        // The rest is stopped all the same.
      }
    }
  }

  async #start(): Promise<void> {
    const { assembly, port, dataDir } = this.options;
    this.#closers.push(() => assembly.dispose());
    // Ports first: the template's values hold addresses.
    const [page, aws] = [await this.#listen('the page', port), await this.#listen('SQS and S3', 0)];
    Object.assign(this.#servers, { page: page.server, aws: aws.server });
    const bare = new Resolution(assembly, { aws: aws.server.url, page: page.server.url, apis: {} });
    const apis = new Map<string, DeferredServer>();
    for (const id of apiIds(bare)) {
      const api = await this.#listen(`the API ${id}`, 0);
      apis.set(id, api);
      this.#servers.apis[id] = api.server;
    }
    this.#resolution = new Resolution(assembly, {
      aws: aws.server.url,
      page: page.server.url,
      apis: Object.fromEntries([...apis].map(([id, { server }]) => [id, server.url])),
    });
    this.#resources = readResources(this.#resolution);
    if (dataDir !== undefined) mkdirSync(dataDir, { recursive: true });
    this.#emulator = await startEmulator(dataDir === undefined ? {} : { dataDir: path.resolve(dataDir) });
    this.#closers.push(() => this.#emulator.stop());
    this.#startEdge(aws);
    this.#startApis(apis);
    await this.#startFleet();
    const panel = panelFiles();
    // A failed bundle is told to whoever asks for it; until then it must not end the process.
    panel.catch(() => undefined);
    const backend = panelBackend(this);
    this.#closers.push(() => backend.close());
    const pages = new PageServer(this.#resources.page?.directory, panel, backend);
    page.handle((request, response) => pages.serve(request, response));
    for (const line of this.#resources.leftOut) this.log.add('system', `left out: ${line}`);
  }

  async #listen(what: string, port: number): Promise<DeferredServer> {
    const deferred = await listenDeferred(port, what);
    this.#closers.push(() => deferred.server.close());
    return deferred;
  }

  #startEdge(aws: DeferredServer): void {
    const { assembly } = this.options;
    this.#edge = new Edge({
      emulator: this.#emulator,
      principals: this.#principals,
      faults: this.#faults,
      clock: systemClock,
      region: assembly.region,
      authorize: createAuthorizer(this.#resources, assembly, (text) => this.log.add('system', text)),
      refused: (text) => this.log.add('error', text),
    });
    this.#queues = new QueueBoard(this.#edge);
    this.#closers.push(() => this.#edge.close());
    this.#edge.addQueues(aws.server.url, assembly.account, this.#resources.queues);
    const problems = this.#edge.addBuckets(this.#resources.buckets);
    if (problems.length > 0) throw new LocalRunError(problems.join('\n'));
    aws.handle((request, response) => this.#edge.serve(request, response));
  }

  #startApis(apis: ReadonlyMap<string, DeferredServer>): void {
    const { handlers, stop } = startApis(this.#resources, {
      environmentOf: (principal) => this.environmentOf(principal),
      apiIdOf: (logicalId) => this.#resolution.physicalName(logicalId),
      log: this.log,
    });
    this.#closers.push(stop);
    for (const [logicalId, handler] of handlers) apis.get(logicalId)?.handle(handler);
  }

  async #startFleet(): Promise<void> {
    const { fleet: resource, roles, queues } = this.#resources;
    if (!resource) return this.log.add('system', 'the template has no worker group: nothing consumes its queues here');
    const { assembly, secondsPerMinute, seed } = this.options;
    const roleArn = resource.role === undefined ? undefined : roles[resource.role];
    const fleet = await ScaledFleet.start({
      resource,
      scaling: createScalingDriver(assembly.template, resource, seed),
      secondsPerMinute,
      virtualSeconds: () => this.now().virtual,
      clock: systemClock,
      log: this.log,
      region: assembly.region,
      environmentOf: (session) => this.environmentOf({ role: resource.role, roleArn, session }),
      queueStates: () => this.#queues.states(),
      logicalIds: new Map(queues.map(({ name, logicalId }) => [name, logicalId])),
      ledger: this.#edge.ledger,
      faults: this.#faults,
      random: Math.random,
      broken: (reason) => this.#broken.forEach((listener) => listener(reason)),
    });
    this.#fleet = fleet;
    this.#closers.push(() => fleet.close());
  }

  /** Sends dead letters back to their source queues. @throws LocalRunError for a queue that is no dead-letter queue */
  redrive(queueName?: string): number {
    const moved = this.#queues.redrive(queueName);
    this.log.add('queue', `${moved} dead ${moved === 1 ? 'letter was' : 'letters were'} sent back to be tried again`);
    return moved;
  }

  /** Turns the fault knobs. @throws RangeError */
  setFaults(change: Readonly<Record<string, unknown>>): FaultSettings {
    this.#faults.settings = changeFaults(this.#faults.settings, change);
    const text = Object.entries(change)
      .map(([name, value]) => `${name} ${String(value)}`)
      .join(', ');
    this.log.add('fault', `faults changed: ${text}`);
    return this.#faults.settings;
  }
}
