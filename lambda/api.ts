import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { isVideoId, videoId } from '../video/contract';
import { type ListingContext, listVideos, readVideo, readVideos } from './listing';
import { openUpload, signMultipart, type SigningContext } from './signing';
import { parseObject, parseUploadRequest, RefusedError } from './upload-request';

/** Everything the API works with; the entry file makes it from the environment, tests make their own. */
export interface ApiContext {
  readonly signing: SigningContext;
  readonly listing: ListingContext;
  readonly randomHex12: () => string;
  /** Hands a finished upload to the queue, where S3 cannot: the ordered variant. Absent, S3's own event does it. */
  readonly enqueue?: (id: string) => Promise<void>;
  readonly logError: (error: unknown) => void;
}

type Answer = readonly [statusCode: number, body: unknown];

const PAGE_DEFAULT = 60;
const PAGE_MAX = 200;
/** Videos asked for by id at once: each is a request to S3. */
const IDS_MAX = 60;

/** Serves one request of the HTTP API (payload format 2.0). */
export async function serve(
  context: ApiContext,
  event: APIGatewayProxyEventV2,
): Promise<APIGatewayProxyStructuredResultV2> {
  const [statusCode, body] = await answer(context, event);
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(body),
  };
}

async function answer(context: ApiContext, event: APIGatewayProxyEventV2): Promise<Answer> {
  try {
    return await route(context, event);
  } catch (error) {
    if (error instanceof RefusedError)
      return [error.statusCode, { error: { code: error.code, message: error.message } }];
    context.logError(error);
    return [500, { error: { code: 'Internal', message: 'The request failed on our side: try again' } }];
  }
}

async function route(context: ApiContext, event: APIGatewayProxyEventV2): Promise<Answer> {
  const { method } = event.requestContext.http;
  const [collection, id, action, ...rest] = event.rawPath.split('/').filter((segment) => segment !== '');
  if (rest.length === 0 && collection === 'uploads' && method === 'POST') {
    if (id === undefined) return createUpload(context, event);
    requireId(id);
    if (action === 'sign') return [200, await signMultipart(context.signing, id, parseObject(bodyOf(event)))];
    if (action === 'complete' && context.enqueue !== undefined) {
      await context.enqueue(id);
      return [202, { id }];
    }
  }
  if (collection === 'videos' && action === undefined && method === 'GET') {
    const ids = event.queryStringParameters?.['ids'];
    if (id === undefined && ids !== undefined) return [200, await readVideos(context.listing, idsOf(ids))];
    if (id === undefined) return [200, await listVideos(context.listing, ...pageOf(event))];
    requireId(id);
    const video = await readVideo(context.listing, id);
    if (video === undefined) throw new RefusedError(404, 'VideoNotFound', 'There is no video with this id');
    return [200, video];
  }
  throw new RefusedError(404, 'RouteNotFound', `There is no ${method} ${event.rawPath}`);
}

async function createUpload(context: ApiContext, event: APIGatewayProxyEventV2): Promise<Answer> {
  const request = parseUploadRequest(bodyOf(event), context.signing.maxBytes);
  const id = videoId(context.signing.nowMs(), context.randomHex12());
  const uploader = principalOf(event) ?? request.uploader ?? 'anonymous';
  return [201, await openUpload(context.signing, id, request, uploader)];
}

function requireId(id: string): void {
  if (!isVideoId(id)) throw new RefusedError(400, 'IdNotAllowed', 'This is not the id of a video');
}

function bodyOf(event: APIGatewayProxyEventV2): string {
  const body = event.body ?? '';
  return event.isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body;
}

function pageOf(event: APIGatewayProxyEventV2): [limit: number, after?: string] {
  const { limit, after } = event.queryStringParameters ?? {};
  const wanted = limit === undefined ? PAGE_DEFAULT : Number(limit);
  if (!Number.isInteger(wanted) || wanted < 1 || wanted > PAGE_MAX) {
    throw new RefusedError(400, 'LimitNotAllowed', `'limit' must be a whole number from 1 to ${PAGE_MAX}`);
  }
  if (after !== undefined) requireId(after);
  return [wanted, after];
}

function idsOf(text: string): readonly string[] {
  const ids = [...new Set(text.split(','))];
  if (ids.length > IDS_MAX) throw new RefusedError(400, 'IdsNotAllowed', `'ids' may name at most ${IDS_MAX} videos`);
  ids.forEach(requireId);
  return ids;
}

/** Who calls, when an authorizer said so: the subject of the token, or the IAM principal. Only characters of a group id. */
function principalOf(event: APIGatewayProxyEventV2): string | undefined {
  const authorizer = (event.requestContext as { authorizer?: Authorizer }).authorizer;
  const principal = authorizer?.jwt?.claims?.['sub'] ?? authorizer?.iam?.userId;
  return principal === undefined
    ? undefined
    : String(principal)
        .replace(/[^A-Za-z0-9_-]/g, '_')
        .slice(0, 64);
}

interface Authorizer {
  readonly jwt?: { readonly claims?: Readonly<Record<string, unknown>> };
  readonly iam?: { readonly userId?: string };
}
