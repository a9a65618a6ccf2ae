/** Cross-origin rules of S3 buckets and HTTP APIs, as the services apply them. */

/** One rule of a bucket's CORS configuration. */
export interface CorsRule {
  readonly allowedOrigins: readonly string[];
  readonly allowedMethods: readonly string[];
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly maxAgeSeconds?: number;
}

/** The part of a request that CORS looks at. */
export interface CorsRequest {
  readonly origin: string | undefined;
  readonly method: string;
  /** `Access-Control-Request-Method` of a preflight. */
  readonly requestedMethod?: string | undefined;
  /** `Access-Control-Request-Headers` of a preflight. */
  readonly requestedHeaders?: string | undefined;
}

/** True when `pattern` (at most one `*`, as S3 allows) covers `value`. */
export function matchesWildcard(pattern: string, value: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === value;
  const head = pattern.slice(0, star);
  const tail = pattern.slice(star + 1);
  return value.length >= head.length + tail.length && value.startsWith(head) && value.endsWith(tail);
}

/**
 * CORS headers of the answer, from the first rule that fits; undefined when none does.
 *
 * A preflight without a fitting rule is answered 403 by S3; a simple request is served without the headers, and the
 * browser then hides the answer from the page.
 */
export function corsHeaders(rules: readonly CorsRule[], request: CorsRequest): Record<string, string> | undefined {
  const { origin } = request;
  if (origin === undefined) return undefined;
  const method = request.requestedMethod ?? request.method;
  const headers = (request.requestedHeaders ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const rule = rules.find(
    ({ allowedOrigins, allowedMethods, allowedHeaders }) =>
      allowedOrigins.some((pattern) => matchesWildcard(pattern, origin)) &&
      // A browser's HEAD counts as its own method; S3 lists it separately too.
      (allowedMethods.includes(method) || allowedMethods.includes('*')) &&
      headers.every((name) => allowedHeaders.some((pattern) => matchesWildcard(pattern.toLowerCase(), name))),
  );
  if (!rule) return undefined;
  const anyOrigin = rule.allowedOrigins.includes('*');
  return {
    'access-control-allow-origin': anyOrigin ? '*' : origin,
    'access-control-allow-methods': rule.allowedMethods.join(', '),
    ...(headers.length > 0 && { 'access-control-allow-headers': headers.join(', ') }),
    ...(rule.exposedHeaders.length > 0 && { 'access-control-expose-headers': rule.exposedHeaders.join(', ') }),
    ...(rule.maxAgeSeconds !== undefined &&
      request.requestedMethod !== undefined && { 'access-control-max-age': String(rule.maxAgeSeconds) }),
    ...(!anyOrigin && { 'access-control-allow-credentials': 'true' }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}
