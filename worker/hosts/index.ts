import { createCommandHost } from './command-host';
import type { HandlerHost, HandlerSpec } from './host';
import { createHttpHost } from './http-host';
import { createModuleHost } from './module-host';

export * from './command-host';
export * from './host';
export * from './http-host';
export * from './module-host';

/** Settings that only some hosts use. */
export interface HandlerHostSettings {
  /** Name of the queue, told to HTTP handlers. */
  readonly queueName?: string;
  /** Time between SIGTERM and SIGKILL of a child process, milliseconds. @default 5000 */
  readonly graceMs?: number;
}

/**
 * Makes the host that `spec` asks for; a module is loaded, a program looked up, a server's port waited for, before this resolves.
 *
 * @throws HandlerSpecError when the module, program or server cannot be used
 */
export async function createHandlerHost(spec: HandlerSpec, settings: HandlerHostSettings = {}): Promise<HandlerHost> {
  switch (spec.kind) {
    case 'module':
      return createModuleHost({ path: spec.path });
    case 'command':
      return createCommandHost({ command: spec.command, graceMs: settings.graceMs });
    case 'http':
      return createHttpHost({ port: spec.port, path: spec.path, queueName: settings.queueName });
  }
}
