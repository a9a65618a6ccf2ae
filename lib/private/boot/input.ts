/** What the boot of one instance depends on. Strings may be unresolved tokens. */
export interface BootScriptInput {
  readonly region: string;
  readonly bucketName: string;
  readonly objectKey: string;
  /** Content of the worker's environment file. */
  readonly environmentFile: string;
  readonly healthPort: number;
  readonly logGroupName: string;
  /** How long the instance may take until the worker is ready, whole seconds. */
  readonly readyWithinSeconds: number;
  /** How long systemd waits for the drain, whole seconds. */
  readonly stopTimeoutSeconds: number;
  /** systemd's `MemoryMax`, for example `90%`. */
  readonly memoryMax: string;
  /** Secrets to fetch before each start. */
  readonly secrets: readonly SecretSource[];
  /** A program or container that runs beside the worker. */
  readonly companion?:
    | { readonly kind: 'command'; readonly command: readonly string[] }
    | { readonly kind: 'container'; readonly image: string; readonly registry: string };
  /** Lines of bash that are run as root before the worker starts. */
  readonly bootCommands: readonly string[];
  /** Names of the variables that a container gets. */
  readonly environmentNames: readonly string[];
}

/** Where the value of one environment variable comes from. */
export interface SecretSource {
  readonly name: string;
  readonly kind: 'parameter' | 'secret';
  /** Name of the parameter, or ARN of the secret. */
  readonly id: string;
  /** Field of a JSON secret. */
  readonly field?: string;
}

/** Where the worker's directory is on an instance. */
export const HOME = '/opt/queue-fleet';

/** The program that AL2023's package installs: the plain `node` may point to another version. */
export const NODE = '/usr/bin/node-24';

/** Port of the worker's health endpoints on the instance's loopback interface. */
export const HEALTH_PORT = 9180;
