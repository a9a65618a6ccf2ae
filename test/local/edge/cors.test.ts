import { corsHeaders, matchesWildcard, type CorsRule } from '../../../local/edge/cors';

const RULE: CorsRule = {
  allowedOrigins: ['https://*.example.com'],
  allowedMethods: ['PUT'],
  allowedHeaders: ['x-amz-*', 'Content-Type'],
  exposedHeaders: ['ETag'],
  maxAgeSeconds: 60,
};

describe('corsHeaders', () => {
  test.each([
    ['*', 'anything', true],
    ['https://*.a', 'https://b.a', true],
    ['https://*.a', 'https://.a', true],
    ['a*a', 'a', false],
    ['exact', 'exact', true],
    ['exact', 'exactly', false],
  ])('the pattern %s covers %s: %s', (pattern, value, covered) => {
    expect(matchesWildcard(pattern, value)).toBe(covered);
  });

  test('answers a preflight with the rule that fits', () => {
    const request = { origin: 'https://a.example.com', method: 'OPTIONS', requestedMethod: 'PUT' };
    expect(corsHeaders([RULE], { ...request, requestedHeaders: 'X-Amz-Meta-Name, content-type' })).toMatchObject({
      'access-control-allow-origin': 'https://a.example.com',
      'access-control-allow-headers': 'x-amz-meta-name, content-type',
      'access-control-expose-headers': 'ETag',
      'access-control-max-age': '60',
    });
  });

  test('has nothing for a request without an origin, or with another method, header or origin', () => {
    const request = { origin: 'https://a.example.com', method: 'PUT' };
    expect(corsHeaders([RULE], request)).toBeDefined();
    expect(corsHeaders([RULE], { ...request, origin: undefined })).toBeUndefined();
    expect(corsHeaders([RULE], { ...request, method: 'GET' })).toBeUndefined();
    expect(corsHeaders([RULE], { ...request, requestedHeaders: 'authorization' })).toBeUndefined();
    expect(corsHeaders([RULE], { ...request, origin: 'https://example.org' })).toBeUndefined();
  });

  test('answers any origin without credentials', () => {
    const headers = corsHeaders([{ ...RULE, allowedOrigins: ['*'] }], { origin: 'https://a', method: 'PUT' });
    expect(headers).toMatchObject({ 'access-control-allow-origin': '*' });
    expect(headers).not.toHaveProperty('access-control-allow-credentials');
  });
});
