import type { Principal } from '../edge/principals';
import type { EventLog } from '../event-log';
import type { RequestHandler } from '../http-server';
import type { LocalResources } from '../resource-types';
import { FunctionProcess } from './function-process';
import { serveApi } from './http-api';

/** Longest line of a function's output in the event log, characters. */
const LINE_MAX = 300;

/**
 * Starts the functions that HTTP API routes call.
 *
 * @returns what answers the requests of each API, by logical id, and what stops the functions
 */
export function startApis(
  { apis, functions, roles }: Pick<LocalResources, 'apis' | 'functions' | 'roles'>,
  options: {
    readonly environmentOf: (principal: Principal) => Readonly<Record<string, string>>;
    readonly apiIdOf: (logicalId: string) => string;
    readonly log: EventLog;
  },
): { readonly handlers: ReadonlyMap<string, RequestHandler>; readonly stop: () => Promise<unknown> } {
  const { environmentOf, apiIdOf, log } = options;
  const called = new Set(apis.flatMap(({ routes }) => routes.map(({ functionId }) => functionId)));
  const processes = new Map<string, FunctionProcess>();
  for (const resource of functions) {
    const { logicalId, role, environment, name } = resource;
    if (!called.has(logicalId)) continue;
    const principal = { role, roleArn: role === undefined ? undefined : roles[role], session: logicalId };
    const process = new FunctionProcess(
      resource,
      { ...environmentOf(principal), AWS_LAMBDA_FUNCTION_NAME: name, ...environment },
      (line) => log.add('worker', `${logicalId}: ${line.slice(0, LINE_MAX)}`),
    );
    process.start();
    processes.set(logicalId, process);
  }
  const handlers = apis.map(({ logicalId, routes, cors }) => {
    const served = routes.flatMap(({ routeKey, functionId }) => {
      const process = processes.get(functionId);
      return process ? [{ routeKey, invoke: (event: object) => process.invoke(event) }] : [];
    });
    const api = { apiId: apiIdOf(logicalId), routes: served, cors };
    const handler: RequestHandler = (request, response) =>
      serveApi(api, request, response, (text) => log.add('error', text));
    return [logicalId, handler] as const;
  });
  return { handlers: new Map(handlers), stop: () => Promise.all([...processes.values()].map((each) => each.stop())) };
}
