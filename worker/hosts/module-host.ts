import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Handler } from '../../messaging/handler';
import { HandlerSpecError, type HandlerHost } from './host';

/** What a module host needs. */
export interface ModuleHostOptions {
  /** Path of the module, relative to the working directory. */
  readonly path: string;
  /** Loads a module by its file URL. @default - `import()` */
  readonly importModule?: (url: string) => Promise<unknown>;
}

/**
 * Runs a handler in this process.
 *
 * The module exports a function as `handler` or as its default; ES modules and CommonJS both work. An exported
 * function `close` is called once when the host stops.
 *
 * @throws HandlerSpecError when the module cannot be loaded or exports no function
 */
export async function createModuleHost(options: ModuleHostOptions): Promise<HandlerHost> {
  const { path, importModule = (url: string): Promise<unknown> => import(url) } = options;
  let loaded: unknown;
  try {
    loaded = await importModule(pathToFileURL(resolve(path)).href);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HandlerSpecError(`'handler' module (${path}) cannot be loaded: ${reason}`, { cause });
  }
  const handler = findExport(loaded, 'handler') ?? findExport(loaded, 'default');
  if (handler === undefined)
    throw new HandlerSpecError(
      `'handler' module (${path}) must export a function as \`handler\` or as its default: it exports ${describe(loaded)}`,
    );
  const close = findExport(loaded, 'close');
  let closed: Promise<void> | undefined;
  return {
    // Async, so that a handler which throws before its first await rejects like any other.
    handler: async (message, context) => handler(message, context),
    stop: () => (closed ??= Promise.resolve(close?.()).then(() => undefined)),
  };
}

type AnyFunction = (...args: unknown[]) => unknown;

/** Looks at the module and, for CommonJS seen through `import()`, at what its `default` holds. */
function findExport(loaded: unknown, name: string): (Handler & AnyFunction) | undefined {
  for (let level = loaded, depth = 0; isObject(level) && depth < 3; level = level['default'], depth++) {
    const value = level[name];
    if (typeof value === 'function') return value as Handler & AnyFunction;
  }
  return undefined;
}

function describe(loaded: unknown): string {
  const names = isObject(loaded) ? Object.keys(loaded) : [];
  return names.length === 0 ? 'nothing' : names.map((name) => `\`${name}\``).join(', ');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && (typeof value === 'object' || typeof value === 'function');
}
