import { matchRoute, toEvent, toResponse } from '../../../local/api/http-api';
import type { EdgeRequest } from '../../../local/edge/http';

const ROUTES = [
  'GET /videos',
  'GET /videos/{id}',
  'POST /uploads/{id}/sign',
  'ANY /files/{path+}',
  'ANY /videos/new',
].map((routeKey) => ({ routeKey }));

const request = (more: Partial<EdgeRequest> = {}): EdgeRequest => ({
  method: 'POST',
  target: '/a%20b?x=1&x=2&y=%2B',
  path: '/a%20b',
  query: new URLSearchParams('x=1&x=2&y=%2B'),
  headers: { host: '127.0.0.1:1', 'content-type': 'application/json', cookie: 'a=1; b=2' },
  body: Buffer.from('{"ä":1}'),
  gone: new AbortController().signal,
  ...more,
});

describe('the HTTP API', () => {
  test.each([
    ['GET', '/videos', 'GET /videos', {}],
    ['GET', '/videos/7%2F8', 'GET /videos/{id}', { id: '7/8' }],
    ['GET', '/videos/new', 'ANY /videos/new', {}],
    ['POST', '/uploads/a/sign', 'POST /uploads/{id}/sign', { id: 'a' }],
    ['DELETE', '/files/a/b', 'ANY /files/{path+}', { path: 'a/b' }],
  ])('%s %s takes the route %s', (method, path, routeKey, pathParameters) => {
    expect(matchRoute(ROUTES, method, path)).toEqual({ route: { routeKey }, pathParameters });
  });

  test.each([
    ['POST', '/videos'],
    ['GET', '/videos/'],
    ['GET', '/videos/a/b'],
    ['GET', '/files'],
  ])('%s %s has no route, unless there is a default', (method, path) => {
    expect(matchRoute(ROUTES, method, path)).toBeUndefined();
    const fallback = { routeKey: '$default' };
    expect(matchRoute([...ROUTES, fallback], method, path)?.route).toBe(fallback);
  });

  test('makes an event of payload format 2.0', () => {
    const event = toEvent(
      request(),
      { routeKey: 'POST /{name}', pathParameters: { name: 'a b' } },
      { apiId: 'api', nowMs: 0 },
    );
    expect(event).toMatchObject({
      version: '2.0',
      routeKey: 'POST /{name}',
      rawPath: '/a b',
      rawQueryString: 'x=1&x=2&y=%2B',
      queryStringParameters: { x: '1,2', y: '+' },
      cookies: ['a=1', 'b=2'],
      pathParameters: { name: 'a b' },
      body: '{"ä":1}',
      isBase64Encoded: false,
      requestContext: { http: { method: 'POST', path: '/a b' }, stage: '$default' },
    });
    expect((event as { headers: object }).headers).not.toHaveProperty('cookie');
  });

  test('encodes a binary body', () => {
    const event = toEvent(
      request({ headers: { 'content-type': 'video/mp4' }, body: Buffer.from([0, 255]) }),
      { routeKey: '$default', pathParameters: {} },
      { apiId: 'api', nowMs: 0 },
    );
    expect(event).toMatchObject({ body: 'AP8=', isBase64Encoded: true });
  });

  test.each([
    [{ statusCode: 201, headers: { 'X-A': 1 }, body: 'b' }, 201, { 'x-a': '1' }, 'b'],
    [{ statusCode: 200, body: 'AP8=', isBase64Encoded: true }, 200, {}, Buffer.from([0, 255])],
    [{ answer: 1 }, 200, { 'content-type': 'application/json' }, '{"answer":1}'],
    ['text', 200, { 'content-type': 'application/json' }, 'text'],
  ])('makes an answer of %j', (result, status, headers, body) => {
    expect(toResponse(result)).toMatchObject({ status, headers, body });
  });
});
