/** An HTTP API of API Gateway: route keys, the payload format 2.0, CORS, and the answers of its functions. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { corsHeaders, type CorsRule } from '../edge/cors';
import { header, readRequest, type EdgeRequest, type EdgeResponse } from '../edge/http';

/** One route. */
export interface ApiRoute {
  /** `POST /uploads/{id}/sign`, `ANY /{proxy+}` or `$default`. */
  readonly routeKey: string;
  readonly invoke: (event: object) => Promise<unknown>;
}

interface Match<T> {
  readonly route: T;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * Finds the route of a request. A full match wins over a greedy parameter, a literal over a parameter, a method over
 * ANY, and `$default` takes what is left.
 */
export function matchRoute<T extends { readonly routeKey: string }>(
  routes: readonly T[],
  method: string,
  path: string,
): Match<T> | undefined {
  const segments = path.split('/').slice(1);
  const matches = routes.flatMap((route) => {
    const [routeMethod = '', pattern = ''] = route.routeKey.split(' ');
    if (routeMethod !== 'ANY' && routeMethod !== method) return [];
    const found = matchPath(pattern.split('/').slice(1), segments);
    return found ? [{ route, ...found, rank: `${found.rank}${routeMethod === 'ANY' ? 'b' : 'a'}` }] : [];
  });
  const [best] = matches.sort((a, b) => (a.rank < b.rank ? -1 : 1));
  if (best) return { route: best.route, pathParameters: best.pathParameters };
  const fallback = routes.find(({ routeKey }) => routeKey === '$default');
  return fallback && { route: fallback, pathParameters: {} };
}

function matchPath(pattern: readonly string[], segments: readonly string[]) {
  const pathParameters: Record<string, string> = {};
  let rank = '';
  for (const [index, part] of pattern.entries()) {
    const name = /^\{(.+?)(\+?)\}$/.exec(part);
    const segment = segments[index];
    if (segment === undefined || (segment === '' && name)) return undefined;
    if (name?.[2] === '+') {
      pathParameters[name[1] ?? ''] = segments.slice(index).map(decode).join('/');
      return { pathParameters, rank: `${rank}c` };
    }
    if (name) pathParameters[name[1] ?? ''] = decode(segment);
    else if (part !== segment) return undefined;
    rank += name ? 'b' : 'a';
  }
  return pattern.length === segments.length ? { pathParameters, rank } : undefined;
}

/** The event of payload format 2.0. */
export function toEvent(
  request: EdgeRequest,
  match: { readonly routeKey: string; readonly pathParameters: Readonly<Record<string, string>> },
  context: { readonly apiId: string; readonly nowMs: number },
): object {
  const headers = Object.fromEntries(
    Object.entries(request.headers)
      .filter(([name]) => name !== 'cookie')
      .map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : String(value)]),
  );
  const mark = request.target.indexOf('?');
  const query: Record<string, string> = {};
  for (const name of new Set(request.query.keys())) query[name] = request.query.getAll(name).join(',');
  const cookies = header(request, 'cookie')?.split('; ');
  const isText = /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded))/.test(
    header(request, 'content-type') ?? 'text/plain',
  );
  return {
    version: '2.0',
    routeKey: match.routeKey,
    rawPath: decodePath(request.path),
    rawQueryString: mark < 0 ? '' : request.target.slice(mark + 1),
    ...(cookies && { cookies }),
    headers,
    ...(Object.keys(query).length > 0 && { queryStringParameters: query }),
    ...(Object.keys(match.pathParameters).length > 0 && { pathParameters: match.pathParameters }),
    requestContext: {
      accountId: '000000000000',
      apiId: context.apiId,
      domainName: header(request, 'host') ?? '',
      domainPrefix: context.apiId,
      http: {
        method: request.method,
        path: decodePath(request.path),
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: header(request, 'user-agent') ?? '',
      },
      requestId: randomUUID(),
      routeKey: match.routeKey,
      stage: '$default',
      time: new Date(context.nowMs).toUTCString(),
      timeEpoch: context.nowMs,
    },
    ...(request.body.length > 0 && { body: request.body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: request.body.length > 0 && !isText,
  };
}

/** The HTTP answer that API Gateway makes of a function's result. */
export function toResponse(result: unknown): EdgeResponse {
  const json = { 'content-type': 'application/json' };
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    return { status: 200, headers: json, body: typeof result === 'string' ? result : JSON.stringify(result) };
  }
  const { statusCode, headers, body, isBase64Encoded, cookies } = result as {
    statusCode: number;
    headers?: Record<string, unknown>;
    body?: string;
    isBase64Encoded?: boolean;
    cookies?: string[];
  };
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return {
    status: statusCode,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      ...Object.fromEntries(given),
      ...(cookies && { 'set-cookie': cookies.join(', ') }),
    },
    ...(body !== undefined && { body: isBase64Encoded === true ? Buffer.from(body, 'base64') : body }),
  };
}

/** Largest request that an HTTP API takes, bytes. */
const PAYLOAD_MAX_BYTES = 10 * 1024 * 1024;

/** Answers the requests of one API. */
export async function serveApi(
  api: { readonly apiId: string; readonly routes: readonly ApiRoute[]; readonly cors: CorsRule | undefined },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  onError: (text: string) => void,
): Promise<void> {
  const request = await readRequest(incoming, outgoing);
  const requestedMethod = header(request, 'access-control-request-method');
  const cors = corsHeaders(api.cors ? [api.cors] : [], {
    origin: header(request, 'origin'),
    method: request.method,
    requestedMethod,
    requestedHeaders: header(request, 'access-control-request-headers'),
  });
  const answer = await route();
  outgoing.writeHead(answer.status, { ...answer.headers, ...cors });
  outgoing.end(answer.body);

  async function route(): Promise<EdgeResponse> {
    if (request.method === 'OPTIONS' && requestedMethod !== undefined && api.cors) return { status: 204 };
    const message = (status: number, text: string): EdgeResponse => ({
      status,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message: text }),
    });
    if (request.body.length > PAYLOAD_MAX_BYTES) return message(413, 'Request Entity Too Large');
    const match = matchRoute(api.routes, request.method, request.path);
    if (!match) return message(404, 'Not Found');
    try {
      const event = toEvent(
        request,
        { routeKey: match.route.routeKey, pathParameters: match.pathParameters },
        { apiId: api.apiId, nowMs: Date.now() },
      );
      return toResponse(await match.route.invoke(event));
    } catch (error) {
      onError(`${match.route.routeKey}: ${error instanceof Error ? error.message : String(error)}`);
      return message(500, 'Internal Server Error');
    }
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function decodePath(path: string): string {
  return path.split('/').map(decode).join('/');
}
