import { AssetHashType, DockerImage, Token } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import * as s3assets from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { existsSync, statSync } from 'fs';
import { dirname, isAbsolute, normalize, resolve } from 'path';
import { HEALTH_PORT } from '../private/boot/input';
import { BoundWorkerCode, Companion } from '../private/bound-worker-code';
import { Violations } from '../private/violations';
import { exportedNames, RUNTIME_FILES, takenNames, writeWorkerAsset } from '../private/worker-bundle';

/** Options of code that is bundled or copied at synth. */
export interface WorkerCodeOptions {
  /**
   * More files for the worker's directory, for example a program that the handler runs.
   *
   * Key: path in the worker's directory. Value: path on this machine, relative to the current directory or absolute.
   * File modes are kept. Mind the instance's processor architecture.
   *
   * @default - no more files
   */
  readonly extraFiles?: { [name: string]: string };
}

/** Options of `WorkerCode.fromAsset`. */
export interface AssetCodeOptions extends WorkerCodeOptions {
  /**
   * Path of the handler's module in the directory: CommonJS or ES, exporting `handler` or a default.
   *
   * @default 'index.js'
   */
  readonly handler?: string;
}

/** Options of `WorkerCode.http`. */
export interface HttpCodeOptions extends WorkerCodeOptions {
  /**
   * Program and arguments that serve the port, run beside the worker as a service of its own.
   *
   * @default - nothing is started: something else on the instance serves the port
   */
  readonly command?: string[];

  /**
   * Directory whose content becomes the program's working directory.
   *
   * @default - only the worker's own files
   */
  readonly directory?: string;
}

/** Options of `WorkerCode.container`. */
export interface ContainerCodeOptions {
  /**
   * Tag or digest (`sha256:…`) of the image.
   *
   * @default 'latest'
   */
  readonly tagOrDigest?: string;

  /**
   * Port on which the container serves HTTP.
   *
   * @default 8080
   */
  readonly port?: number;

  /**
   * Path to which each message is posted.
   *
   * @default '/'
   */
  readonly path?: string;
}

interface Source {
  /** Value of the worker's handler variable. */
  readonly handler: string;
  readonly entry?: string;
  readonly directory?: string;
  readonly extraFiles?: { [name: string]: string };
  readonly companion?: Companion;
  /** Where an HTTP server takes messages. */
  readonly port?: number;
}

/**
 * The code that handles messages, and how the worker reaches it.
 *
 * Whatever the choice, an instance gets one directory: the runtime (`main.js`, `worker.js`) and your files. The runtime
 * receives, renews, deletes and drains; your code handles one message.
 *
 * @example
 * WorkerCode.fromModule('src/resize.ts', { extraFiles: { 'bin/ffmpeg': '/opt/ffmpeg/ffmpeg' } });
 */
export class WorkerCode {
  /**
   * A TypeScript or JavaScript module that exports `handler` (or a default), bundled with the runtime by esbuild at synth.
   *
   * @param entry path of the module, relative to the current directory or absolute
   * @param options more files for the worker's directory
   * @returns the code, for the prop `code`
   * @throws WorkerEntryMissing, WorkerHandlerNotExported, WorkerBundleFailed, EsbuildMissing
   */
  public static fromModule(entry: string, options: WorkerCodeOptions = {}): WorkerCode {
    return new WorkerCode({ handler: 'module:./handler.js', entry: resolve(entry), extraFiles: options.extraFiles });
  }

  /**
   * A directory with a handler that is ready to run, `node_modules` included where it needs them.
   *
   * `require('cdk-queue-fleet/messaging')` in it gets the runtime's own classes.
   *
   * @param directory path, relative to the current directory or absolute
   * @param options the handler's module, and more files
   * @returns the code, for the prop `code`
   * @throws WorkerEntryMissing, WorkerAssetNameTaken
   */
  public static fromAsset(directory: string, options: AssetCodeOptions = {}): WorkerCode {
    const handler = options.handler ?? 'index.js';
    return new WorkerCode({
      handler: `module:./${handler}`,
      directory: resolve(directory),
      entry: resolve(directory, handler),
      extraFiles: options.extraFiles,
    });
  }

  /**
   * A program that is run once for each message: the body on standard input, the outcome as its exit code.
   *
   * @param command program and arguments; a relative program is looked up in the directory
   * @param directory path whose content becomes the program's working directory, @default - only the runtime
   * @returns the code, for the prop `code`
   * @throws WorkerCommandEmpty, WorkerEntryMissing, WorkerAssetNameTaken
   */
  public static command(command: string[], directory?: string): WorkerCode {
    const [program = ''] = command;
    return new WorkerCode({
      handler: `command:${JSON.stringify(command)}`,
      directory: directory === undefined ? undefined : resolve(directory),
      entry: directory !== undefined && program.startsWith('.') ? resolve(directory, program) : undefined,
    });
  }

  /**
   * An HTTP server on the instance's loopback interface: each message is posted to it.
   *
   * @param port 1 to 65,535
   * @param path path to post to, @default '/'
   * @param options what serves the port
   * @returns the code, for the prop `code`
   * @throws WorkerPortOutOfRange, WorkerEntryMissing, WorkerAssetNameTaken
   */
  public static http(port: number, path?: string, options: HttpCodeOptions = {}): WorkerCode {
    return new WorkerCode({
      handler: `http:${port}${path ?? '/'}`,
      port,
      directory: options.directory === undefined ? undefined : resolve(options.directory),
      extraFiles: options.extraFiles,
      companion: options.command && { command: options.command },
    });
  }

  /**
   * A container that serves HTTP, pulled from Amazon ECR and run beside the worker; each message is posted to it.
   *
   * For a local Dockerfile pass the `repository` and `imageTag` of an `aws_ecr_assets.DockerImageAsset`.
   *
   * @param repository where the image is
   * @param options which image, and where it listens
   * @returns the code, for the prop `code`
   * @throws WorkerPortOutOfRange
   */
  public static container(repository: ecr.IRepository, options: ContainerCodeOptions = {}): WorkerCode {
    const port = options.port ?? 8080;
    return new WorkerCode({
      handler: `http:${port}${options.path ?? '/'}`,
      port,
      companion: { image: { repository, tagOrDigest: options.tagOrDigest ?? 'latest' } },
    });
  }

  private readonly source: Source;

  private constructor(source: Source) {
    this.source = source;
  }

  /**
   * Checks what can be known before anything is deployed.
   *
   * @internal
   */
  public _validate(violations: Violations): void {
    const { entry, directory, handler, extraFiles = {} } = this.source;
    if (directory !== undefined && !isDirectory(directory)) {
      violations.add('WorkerEntryMissing', `worker directory '${directory}' does not exist: check the path`);
    } else if (entry !== undefined && !isFile(entry)) {
      violations.add('WorkerEntryMissing', `worker entry '${entry}' is not a file: check the path`);
    } else if (entry !== undefined && directory === undefined) {
      const names = exportedNames(entry);
      if (names.length > 0 && !names.includes('handler') && !names.includes('default')) {
        violations.add(
          'WorkerHandlerNotExported',
          `worker entry '${entry}' exports ${names.map((n) => `'${n}'`).join(', ')}: export 'handler' or a default`,
        );
      }
    }
    const taken = directory !== undefined && isDirectory(directory) ? takenNames(directory) : [];
    for (const name of [...taken, ...Object.keys(extraFiles).filter((n) => isReserved(n))]) {
      violations.add('WorkerAssetNameTaken', `'${name}' is a name of the runtime: give your file another one`);
    }
    for (const [name, file] of Object.entries(extraFiles)) {
      if (isAbsolute(name) || normalize(name).startsWith('..')) {
        violations.add('WorkerAssetNameTaken', `'${name}' leaves the worker's directory: use a path inside it`);
      }
      if (!isFile(resolve(file)))
        violations.add('WorkerEntryMissing', `extra file '${file}' is not a file: check the path`);
    }
    if (handler === 'command:[]' || handler.startsWith('command:[""')) {
      violations.add('WorkerCommandEmpty', `'command' must name a program: give at least one non-empty string`);
    }
    const port = this.source.port;
    if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
      violations.add(
        'WorkerPortOutOfRange',
        `'port' (${Token.isUnresolved(port) ? 'a token' : port}) must be a whole number from 1 to 65535, known at synth: choose another`,
      );
    }
    if (port === HEALTH_PORT) {
      violations.add(
        'WorkerPortOutOfRange',
        `'port' (${port}) must not be the one on which the worker answers for its health: choose another`,
      );
    }
  }

  /**
   * Makes the asset.
   *
   * @internal
   */
  public _bind(scope: Construct): BoundWorkerCode {
    const { entry, directory, handler, companion } = this.source;
    const extraFiles = Object.fromEntries(
      Object.entries(this.source.extraFiles ?? {}).map(([name, file]) => [name, resolve(file)]),
    );
    const handlerEntry = directory === undefined ? entry : undefined;
    const asset = unwrapped(
      (write) =>
        // Code is no construct: its asset belongs to the fleet that it is bound to.
        // eslint-disable-next-line awscdk/require-passing-this
        new s3assets.Asset(scope, 'Code', {
          // Only the output counts for the hash; the source path is what staging insists on having.
          path: directory ?? (entry === undefined ? __dirname : dirname(entry)),
          assetHashType: AssetHashType.OUTPUT,
          bundling: {
            image: DockerImage.fromRegistry('unused'),
            // Staging caches by these options: they must tell two codes from one directory apart.
            command: [handler, handlerEntry ?? '', JSON.stringify(extraFiles)],
            local: {
              tryBundle: (outputDirectory: string): boolean => {
                write(() => writeWorkerAsset({ handlerEntry, directory, extraFiles }, outputDirectory));
                return true;
              },
            },
          },
        }),
    );
    return { asset, command: ['node', 'main.js'], handler, companion };
  }
}

/** Staging wraps what bundling throws into an error of its own; ours says better what to do. */
function unwrapped<T>(make: (write: (action: () => void) => void) => T): T {
  let ours: unknown;
  try {
    return make((action) => {
      try {
        action();
      } catch (error) {
        ours = error;
        throw error;
      }
    });
  } catch (error) {
    throw ours ?? error;
  }
}

function isReserved(name: string): boolean {
  return (RUNTIME_FILES as readonly string[]).includes(normalize(name));
}

function isDirectory(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}
